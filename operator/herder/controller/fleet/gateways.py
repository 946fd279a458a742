"""The gateways in use: for each its replicas, to be driven, and what they list, to be compared."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

from herder.api.gateway import Mode
from herder.controller.known.objects import Key
from herder.controller.listing.registries import Registry
from herder.controller.listing.views import News, View
from herder.controller.listing.watcher import Watcher
from herder.gateway.calls import Heard, unheard
from herder.gateway.replica import Replica
from herder.net.hosts import place_of
from herder.net.http import Http
from herder.net.tls import SYSTEM_TRUST, Trust


@dataclass(frozen=True)
class Access:
    """How a gateway's replicas are reached: everything that its resource and Secrets say of it."""

    endpoints: tuple[str, ...]
    mode: Mode
    resync_s: float
    hosts: tuple[str, ...] = ()
    """What the endpoints are called where a Secret says which hosts it is for."""
    api_key: str | None = None
    trust: Trust = SYSTEM_TRUST
    names: tuple[str, ...] = ()
    """What else the replicas answer to: host and port, or the host alone whatever the port."""

    @cached_property
    def fronts(self) -> frozenset[str]:
        """Where its replicas answer: each as host and port, or as a host."""
        return frozenset({*map(place_of, self.endpoints), *self.names})

    @property
    def named_in(self) -> str:
        """Return the field that says where the replicas are."""
        return "spec.service" if self.names else "spec.endpoints"

    def __repr__(self) -> str:
        return f"Access({self.endpoints}, {self.mode})"


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway as it is known now. `views` has one entry for each of `replicas`, by endpoint."""

    access: Access
    replicas: tuple[Replica, ...]
    views: Mapping[str, View]


type Changed = Callable[[Key, News], None]
"""Called with a gateway and the news of one of its replicas."""

type Needs = Callable[[Key], Collection[Registry]]
"""Returns the registries of a gateway's replicas that are read beside the workers."""


class Gateways:
    """All gateways by key. A replica that an update leaves in place keeps its memory of removals and turns."""

    def __init__(
        self,
        http: Http,
        changed: Changed,
        needs: Needs,
        clock: Callable[[], float] = time.monotonic,
        heard: Heard = unheard,
    ) -> None:
        self._heard = heard
        self._http = http
        self._changed = changed
        self._needs = needs
        self._clock = clock
        self._accesses: dict[Key, Access] = {}
        self._watchers: dict[Key, dict[str, Watcher]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._accesses)

    def __iter__(self) -> Iterator[Key]:
        return iter(tuple(self._accesses))

    def get(self, key: Key) -> Gateway | None:
        """Return a gateway, None if it can't be driven (yet)."""
        access = self._accesses.get(key)
        if access is None:
            return None
        watchers = self._watchers[key].values()
        views = {watcher.replica.endpoint: watcher.view for watcher in watchers}
        return Gateway(access, tuple(watcher.replica for watcher in watchers), views)

    def apply(self, key: Key, access: Access) -> bool:
        """Have a gateway driven as `access` says; False if it is already."""
        before = self._accesses.get(key)
        if before == access:
            return False
        is_same_way = before is not None and _way(before) == _way(access)
        old = self._watchers.get(key, {})
        kept = {e: w for e, w in old.items() if is_same_way and e in access.endpoints}
        for watcher in kept.values():
            watcher.resync_s = access.resync_s
        replicas = {e: self._replica(access, e, old.get(e)) for e in access.endpoints if e not in kept}
        self._close(w for e, w in old.items() if e not in kept)
        self._accesses[key] = access
        self._watchers[key] = {e: kept.get(e) or self._watch(key, access, replicas[e]) for e in access.endpoints}
        return True

    def hurry(self, key: Key, endpoint: str) -> None:
        """Have a replica read now rather than at its time."""
        watcher = self._watchers.get(key, {}).get(endpoint)
        if watcher is not None:
            watcher.hurry()

    def drop(self, key: Key) -> bool:
        """Forget a gateway; False if there is none such."""
        self._close(self._watchers.pop(key, {}).values())
        return self._accesses.pop(key, None) is not None

    async def close(self) -> None:
        """Stop reading all replicas."""
        for key in tuple(self._accesses):
            self.drop(key)
        if self._closing:
            await asyncio.wait(self._closing)

    def _replica(self, access: Access, endpoint: str, former: Watcher | None) -> Replica:
        if former is not None:
            former.replica.use(api_key=access.api_key, trust=access.trust)
            return former.replica
        return Replica(
            endpoint, self._http, api_key=access.api_key, trust=access.trust, heard=self._heard, clock=self._clock
        )

    def _watch(self, key: Key, access: Access, replica: Replica) -> Watcher:
        tell, needs = partial(self._changed, key), partial(self._needs, key)
        return Watcher(replica, resync_s=access.resync_s, tell=tell, needs=needs, clock=self._clock)

    def _close(self, watchers: Iterable[Watcher]) -> None:
        for watcher in watchers:
            task = asyncio.get_running_loop().create_task(watcher.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


def _way(access: Access) -> tuple[object, ...]:
    """Return what a connection depends on."""
    return access.api_key, access.trust
