"""What each replica of a gateway lists, read once per resync for all resources of the gateway.

Every replica is read in a loop of its own, so that one that hangs or is away holds up none of the others. A reading is
a `View`; what differs from the one before is told, key by key. The list of workers says whether the replica can be
driven at all. The other registries are read after it, those that somebody needs; one that can't be read is trouble of
those who need it, not of the replica.
"""

import asyncio
import random
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final

import structlog

from herder.api.gateway import GatewayReplicaState
from herder.controller.listing.registries import READERS, Item, Listing, Registry, differing
from herder.controller.listing.views import NEVER, UNHEARD, UNREAD, Listed, News, View
from herder.gateway.errors import GatewayError, Permanent
from herder.gateway.replica import Replica

log = structlog.get_logger(__name__)

_AWAY_RETRY_S: Final = 2.0
"""How often a replica that does not answer is asked; a restarted one is noticed that soon."""

_GRACE_S: Final = 10.0
"""How long a replica may be silent before it counts as away: it may just have been restarted."""

_REGISTRY_GRACE_S: Final = 5.0
"""How long what a registry beside the workers listed last is the best guess, though it can't be read."""

_REGISTRY_RETRY_S: Final = 10.0
"""How often at least a replica is read of which a registry can't be."""

_PULSE_S: Final = 12.0
"""How often a replica is asked for a sign of life between readings, whatever the resync; a list costs much more."""

type Told = Callable[[News], None]


class Watcher:
    """Reads one replica again and again, every `resync_s` seconds, which may be changed.

    `needs` says which registries are read beside the workers. `tell` gets each view that differs; `clock` returns
    monotonic seconds.
    """

    def __init__(
        self,
        replica: Replica,
        *,
        resync_s: float,
        tell: Told,
        needs: Callable[[], Collection[Registry]] = tuple,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.replica = replica
        self.view = UNHEARD
        self.resync_s = resync_s
        self._tell = tell
        self._needs = needs
        self._clock = clock
        self._silent_since_s: float | None = None
        self._hurry = asyncio.Event()
        self._missed: dict[Registry, float] = {}
        """The registries beside the workers whose last reading failed, and since when all have (monotonic seconds)."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"replica {replica.endpoint}")

    def hurry(self) -> None:
        """Read now rather than when it is time."""
        self._hurry.set()

    async def close(self) -> None:
        """Stop reading."""
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _run(self) -> None:
        while True:
            try:
                await self._read()
                if self._silent_since_s is None:
                    await self._read_others()
            except Exception:  # a defect of whoever is told must not leave the replica unread for ever
                log.exception("replica.defect", endpoint=self.replica.endpoint)
            await self._rest()

    async def _rest(self) -> None:
        """Wait until the list is to be read again: at once if the replica gives no sign of life meanwhile."""
        began_s = self._clock()
        spread = random.uniform(0.9, 1.1)  # noqa: S311  (spreads load, no secret)
        while (left_s := began_s + self._pause_s * spread - self._clock()) > 0:
            if await self._is_hurried(min(left_s, _PULSE_S)):
                return
            if left_s > _PULSE_S and not await self._is_alive():
                return

    async def _is_hurried(self, within_s: float) -> bool:
        try:
            async with asyncio.timeout(within_s):
                await self._hurry.wait()
        except TimeoutError:
            return False
        self._hurry.clear()
        return True

    @property
    def _pause_s(self) -> float:
        if self._silent_since_s is not None:
            return min(_AWAY_RETRY_S, self.resync_s)
        return min(_REGISTRY_RETRY_S, self.resync_s) if self._missed else self.resync_s

    async def _is_alive(self) -> bool:
        try:
            await self.replica.readiness()
        except Exception:  # noqa: BLE001  whatever it is, the reading that follows says it
            return False
        return True

    async def _read(self) -> None:
        began_at_s = self._clock()
        try:
            workers = await self._list(Registry.WORKERS)
        except GatewayError as error:
            self._heard_nothing(error)
        else:
            was_silent = self._silent_since_s is not None
            self._silent_since_s = None
            self._take(began_at_s, workers, was_silent=was_silent)

    async def _list(self, registry: Registry) -> Listing:
        """Read one registry. Raises GatewayError."""
        try:
            return await READERS[registry](self.replica)
        except GatewayError:
            raise
        except Exception as error:  # a defect of ours must not leave the replica unread for ever
            log.exception("replica.defect", endpoint=self.replica.endpoint)
            raise GatewayError(f"{type(error).__name__} in herder itself; its log has the details") from error

    def _take(self, began_at_s: float, workers: Listing, *, was_silent: bool) -> None:
        count = sum(map(len, workers.values()))
        before = self.view
        is_new = before.state is not GatewayReplicaState.REACHABLE
        is_other = was_silent or (not is_new and _has_forgotten(before.workers, workers))
        others, instance = {} if is_new else before.others, before.instance + is_other
        self.view = View(
            GatewayReplicaState.REACHABLE,
            workers,
            count,
            began_at_s,
            self._clock(),
            others=others,
            instance=instance,
        )
        if is_new or is_other:
            log.info("replica.reachable", endpoint=self.replica.endpoint, workers=count)
            self._news(before, None)
            return
        items = differing(Registry.WORKERS, before.workers, workers)
        if items or before.count != count:
            self._news(before, items)

    async def _read_others(self) -> None:
        needs = frozenset(self._needs())
        self._missed = {name: since_s for name, since_s in self._missed.items() if name in needs}
        if self.view.others.keys() - needs:
            kept = {name: listed for name, listed in self.view.others.items() if name in needs}
            self.view = replace(self.view, others=kept)
        async with asyncio.TaskGroup() as group:
            for registry in needs:
                group.create_task(self._read_other(registry))

    async def _read_other(self, registry: Registry) -> None:
        began_at_s = self._clock()
        try:
            listed = Listed(await self._list(registry), began_at_s)
        except GatewayError as error:
            now_s = self._clock()
            since_s = self._missed.setdefault(registry, now_s)
            if not self.view.trouble_with(registry) and now_s - since_s < _REGISTRY_GRACE_S:
                return
            listed = Listed(trouble=str(error))
        else:
            self._missed.pop(registry, None)
        self._take_other(registry, listed)

    def _take_other(self, registry: Registry, listed: Listed) -> None:
        before = self.view
        known = before.others.get(registry, UNREAD)
        self.view = replace(before, others={**before.others, registry: listed})
        is_first = known.read_at_s == NEVER and listed.read_at_s > NEVER
        if known.trouble != listed.trouble or is_first:
            if listed.trouble:
                log.warning("registry.unread", endpoint=self.replica.endpoint, registry=registry, error=listed.trouble)
            self._news(before, frozenset({Item(registry, None)}))
            return
        items = differing(registry, known.entries, listed.entries)
        if items:
            self._news(before, items)

    def _heard_nothing(self, error: GatewayError) -> None:
        now_s = self._clock()
        if self._silent_since_s is None:
            self._silent_since_s = now_s
            log.warning("replica.silent", endpoint=self.replica.endpoint, error=str(error))
        is_refusal = isinstance(error, Permanent)
        is_first = self.view.state is None
        if not is_refusal and not is_first and now_s - self._silent_since_s < _GRACE_S:
            return
        state = GatewayReplicaState.REFUSES if is_refusal else GatewayReplicaState.UNREACHABLE
        if self.view.state is not state or self.view.trouble != str(error):
            before, self.view = (
                self.view,
                View(state, began_at_s=now_s, trouble=str(error), instance=self.view.instance),
            )
            if before.state is not state:
                self._news(before, None)

    def _news(self, before: View, items: frozenset[Item] | None) -> None:
        self._tell(News(self.replica.endpoint, before, self.view, items))


def _has_forgotten(before: Listing, after: Listing) -> bool:
    """Whether none of the entries that were listed is: ids are random, so that what is registered again has another."""
    former, present = ({entry.id for entries in listing.values() for entry in entries} for listing in (before, after))
    return bool(former) and former.isdisjoint(present)
