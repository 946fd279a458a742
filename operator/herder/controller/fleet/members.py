"""The resources that refer to a gateway: whom news of its replicas concern, what was seen of them, and their count."""

from collections.abc import Iterable
from typing import Any, Final

from herder.api.gateway import EntryCounts
from herder.controller.families import family_of
from herder.controller.fleet.census import Census, Counts
from herder.controller.fleet.gateways import Gateway, Gateways
from herder.controller.fleet.heals import Heals
from herder.controller.known.objects import Body, Key, Objects
from herder.controller.known.queue import WorkQueue
from herder.controller.listing.observation import Observation
from herder.controller.listing.registries import HELD_IN, SWEPT, Item, Registry, needed
from herder.controller.listing.views import News

_COUNT_S: Final = 2.0
"""How long after a resource was found otherwise than before the entries are counted anew, for many at once."""


class Members:
    """Takes what replicas say to whom it concerns, and what is seen of each resource into account."""

    def __init__(self, objects: Objects, queue: WorkQueue, gateways: Gateways, census: Census, heals: Heals) -> None:
        self._objects = objects
        self._queue = queue
        self._gateways = gateways
        self._census = census
        self._heals = heals

    def needs(self, key: Key) -> frozenset[Registry]:
        """Return the registries of a gateway's replicas that are read beside the workers.

        One that may hold orphans always is: the last resource that needed it may have left some, long ago.
        """
        return needed(member.kind for member in self._objects.referring_to(key)) | SWEPT

    def unreadable(self, key: Key, gateway: Gateway) -> dict[str, dict[Registry, str]]:
        """Return the needed registries of each replica that answers which can't be read, and what is said instead."""
        needs = sorted(needed(member.kind for member in self._objects.referring_to(key)))
        views = {e: view for e, view in gateway.views.items() if not view.is_away}
        found = {e: {of: said for of in needs if (said := view.trouble_with(of))} for e, view in views.items()}
        return {endpoint: said for endpoint, said in found.items() if said}

    def changed(self, key: Key, news: News) -> None:
        """Have everything reconciled that the news of a replica concern."""
        self._queue.add(key)
        concerned = [member for member in self._objects.referring_to(key) if self._concern(news, member)]
        lost = [member for member in concerned if self._has_lost(news, member)]
        self._heals.found(key, news.endpoint, lost, news.after.began_at_s)
        missing = self._heals.missing(key, news.endpoint).intersection(concerned)
        listed = [member for member in missing if self._is_listed(news, member)]
        self._heals.listed(key, news.endpoint, listed, news.after.ended_at_s)
        for member in concerned:
            self._queue.add(member)

    def _concern(self, news: News, member: Key) -> bool:
        if news.items is None:
            return True
        keys = _keys_in(HELD_IN.get(member.kind), news.items)
        if None in keys or self._objects.concerns(member, keys - {None}):
            return True
        offered = _keys_in(Registry.MODELS, news.items)
        return bool(offered) and (None in offered or not offered.isdisjoint(_models_of(self._objects.get(member))))

    def _has_lost(self, news: News, member: Key) -> bool:
        """Whether a replica does not list what a resource is registered as, though it did or never could."""
        body, registry = self._objects.get(member), HELD_IN.get(member.kind)
        if body is None or registry is None or "deletionTimestamp" in body["metadata"] or not _was_registered(body):
            return False
        key = family_of(body).listing_key(body)
        return key is not None and news.has_lost(Item(registry, key))

    def _is_listed(self, news: News, member: Key) -> bool:
        """Whether the list of workers has what a resource is registered as."""
        body = self._objects.get(member)
        if body is None or HELD_IN.get(member.kind) is not Registry.WORKERS:
            return False
        key = family_of(body).listing_key(body)
        return key is not None and bool(news.after.listed(Registry.WORKERS, key))

    def note(
        self,
        member: Key,
        gateway: Key | None,
        observation: Observation | None,
        *,
        is_waited_for: bool,
        is_planned: bool = True,
    ) -> None:
        """Take what was seen of a resource on its gateway's replicas; None where that can't be, or need not be, said.

        `is_waited_for` is False where herder can do nothing about what is missing, `is_planned` where it may not.
        """
        is_news = self._census.note(member, gateway, observation, is_planned=is_planned)
        if gateway is None:
            return
        if is_news:
            self._queue.add_after(gateway, _COUNT_S)
        if observation is None or not is_waited_for:
            self._heals.settled(gateway, member, None)
            return
        there = observation.entries.keys() - observation.lacking - observation.away
        self._heals.settled(gateway, member, there)

    def entries(self) -> dict[Key, EntryCounts]:
        """Return how what each gateway's replicas list compares with what is declared."""
        known = {key: self._gateways.get(key) for key in self._gateways}
        return {key: self._census.count(key, gateway).total for key, gateway in known.items() if gateway is not None}

    def forget(self, member: Key, gateway: Key | None) -> None:
        """Take the news that a resource is gone."""
        self.note(member, gateway, None, is_waited_for=False)

    def count(self, key: Key, gateway: Gateway) -> Counts:
        """Return how what the replicas of a gateway list compares with what is declared."""
        return self._census.count(key, gateway)

    def keep(self, key: Key, endpoints: Iterable[str]) -> None:
        """Forget what the other replicas of a gateway lacked."""
        self._heals.drop(key, but=endpoints)

    def drop(self, key: Key) -> None:
        """Forget a gateway."""
        self._heals.drop(key)
        self._census.drop(key)


def _keys_in(registry: Registry | None, items: Iterable[Item]) -> frozenset[Any]:
    return frozenset(item.key for item in items if item.registry is registry)


def _was_registered(body: Body) -> bool:
    """Whether a replica has, or had when it was heard last, what an object declares."""
    rows = (body.get("status") or {}).get("replicas") or ()
    return any(row.get("workerId") for row in rows)


def _models_of(body: Body | None) -> tuple[str, ...]:
    """Return the models that a worker was found to serve."""
    worker = ((body or {}).get("status") or {}).get("worker") or {}
    return tuple(worker.get("models") or ())
