"""How what the replicas of a gateway list compares with what is declared, counted over all its resources.

Each resource's verdict is noted when it is looked at, and holds until it is looked at again: what differs in a list has
those looked at whom it concerns. So nothing is compared twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from herder.api.gateway import Action, EntryCounts, GatewayReplicaState, PlannedChange
from herder.api.meta import TOKENIZER
from herder.api.status import EntryState
from herder.controller.fleet.gateways import Gateway
from herder.controller.fleet.leftovers import Leftover, Ownership, ownership_of
from herder.controller.known.objects import Key, Objects, uid_of
from herder.controller.listing.observation import Observation
from herder.controller.listing.registries import HELD_IN, Registry
from herder.controller.listing.views import View
from herder.workflows.entry import REGISTERED


@dataclass(frozen=True, slots=True)
class Verdict:
    """One resource, by endpoint: where it is registered as declared, where otherwise, and what is to be done where."""

    registered: frozenset[str] = frozenset()
    drifted: frozenset[str] = frozenset()
    changes: Mapping[str, Action] = field(default_factory=dict)


def verdict_of(observation: Observation) -> Verdict:
    """Return what an observation says; of replicas that are away it says nothing."""
    entries, seen = observation.entries, observation.entries.keys() - observation.away
    foreign = {endpoint for endpoint in seen if entries[endpoint].state is EntryState.FOREIGN}
    lacking = observation.lacking & seen - foreign
    listed = {endpoint for endpoint in lacking if entries[endpoint].state in REGISTERED}
    changes = {endpoint: Action.REPLACE if endpoint in listed else Action.REGISTER for endpoint in lacking}
    return Verdict(frozenset(seen - observation.lacking), frozenset(listed), changes)


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one gateway: for each replica that answers, and in all. `plan` is what is to be changed, in order."""

    by_replica: Mapping[str, EntryCounts]
    total: EntryCounts
    plan: tuple[PlannedChange, ...]


class Census:
    """Verdicts by gateway and resource. `installation` is the cluster's identity."""

    def __init__(self, objects: Objects, installation: str) -> None:
        self._objects = objects
        self._installation = installation
        self._verdicts: dict[Key, dict[Key, Verdict]] = {}
        self._at: dict[Key, Key] = {}
        self._orphans: dict[tuple[Key, str], tuple[Leftover, ...]] = {}
        self._ownership: dict[tuple[Key, str], tuple[View, Ownership]] = {}

    def note(
        self, member: Key, gateway: Key | None, observation: Observation | None, *, is_planned: bool = True
    ) -> bool:
        """Take a resource's latest observation, None if there is none; return whether that is news.

        `is_planned` says whether what is missing would be mended, were the gateway not only observed.
        """
        verdict = verdict_of(observation) if observation is not None else None
        if verdict is not None and not is_planned:
            verdict = replace(verdict, changes={})
        if gateway is None or verdict is None:
            return self.forget(member)
        if self._at.get(member, gateway) != gateway:
            self.forget(member)
        self._at[member] = gateway
        verdicts = self._verdicts.setdefault(gateway, {})
        is_news = verdicts.get(member) != verdict
        verdicts[member] = verdict
        return is_news

    def forget(self, member: Key) -> bool:
        """Forget a resource; return whether anything was known of it."""
        gateway = self._at.pop(member, None)
        if gateway is None:
            return False
        verdicts = self._verdicts[gateway]
        del verdicts[member]
        if not verdicts:
            del self._verdicts[gateway]
        return True

    def note_orphans(self, gateway: Key, endpoint: str, orphans: Iterable[Leftover]) -> bool:
        """Take what a replica has that nobody declares, where it is only looked at; return whether that is news."""
        found = tuple(orphans)
        before = self._orphans.pop((gateway, endpoint), ())
        if found:
            self._orphans[(gateway, endpoint)] = found
        return [str(each) for each in before] != [str(each) for each in found]

    def drop(self, gateway: Key) -> None:
        """Forget what was counted on a gateway's replicas; its resources forget themselves."""
        for known in (self._orphans, self._ownership):
            for place in [place for place in known if place[0] == gateway]:
                del known[place]

    def count(self, key: Key, gateway: Gateway) -> Counts:
        """Count what is known of a gateway."""
        answering = {e: v for e, v in gateway.views.items() if v.state is GatewayReplicaState.REACHABLE}
        verdicts = self._verdicts.get(key, {})
        declared = sum(self._is_declared(member) for member in self._objects.referring_to(key))
        by_replica = {
            endpoint: EntryCounts(
                declared=declared,
                registered=sum(endpoint in verdict.registered for verdict in verdicts.values()),
                foreign=self._count_foreign(key, endpoint, view),
                drifted=sum(endpoint in verdict.drifted for verdict in verdicts.values()),
                orphaned=sum(self._is_gone(*owner) for owner in self._owned(key, endpoint, view).ours),
            )
            for endpoint, view in answering.items()
        }
        of = by_replica.values()
        total = EntryCounts(
            declared=declared * len(gateway.views),
            registered=sum(each.registered for each in of),
            foreign=sum(each.foreign for each in of),
            drifted=sum(each.drifted for each in of),
            orphaned=sum(each.orphaned for each in of),
        )
        return Counts(by_replica, total, tuple(sorted(self._plan(key, answering), key=_order)))

    def _is_declared(self, member: Key) -> bool:
        body = self._objects.get(member)
        return member.kind in HELD_IN and body is not None and "deletionTimestamp" not in body["metadata"]

    def _count_foreign(self, key: Key, endpoint: str, view: View) -> int:
        return self._owned(key, endpoint, view).foreign + self._count_foreign_tokenizers(key, endpoint, view)

    def _owned(self, key: Key, endpoint: str, view: View) -> Ownership:
        known = self._ownership.get((key, endpoint))
        if known is None or known[0] is not view:
            known = view, ownership_of(view, self._installation, key.namespace)
            self._ownership[(key, endpoint)] = known
        return known[1]

    def _is_gone(self, member: Key, uid: str) -> bool:
        """Whether there is no such resource, as far as is watched; another one of its name is another."""
        body = self._objects.get(member)
        return body is None or uid_of(body) != uid

    def _count_foreign_tokenizers(self, key: Key, endpoint: str, view: View) -> int:
        """Count those that no status has the id of: a tokenizer itself does not say whose it is."""
        listed = view.others.get(Registry.TOKENIZERS)
        if listed is None:
            return 0
        bodies = (self._objects.get(each) for each in self._objects.referring_to(key) if each.kind == TOKENIZER.kind)
        rows = (row for body in bodies for row in ((body or {}).get("status") or {}).get("replicas", ()))
        ours = {row.get("workerId") for row in rows if row["endpoint"] == endpoint and row.get("specHash") is not None}
        return sum(each.id not in ours for entries in listed.entries.values() for each in entries)

    def _plan(self, key: Key, answering: Mapping[str, View]) -> Iterable[PlannedChange]:
        for member, verdict in self._verdicts.get(key, {}).items():
            for endpoint, action in verdict.changes.items():
                if endpoint in answering:
                    yield PlannedChange(endpoint=endpoint, action=action, kind=member.kind, name=member.name)
        for (gateway, endpoint), orphans in self._orphans.items():
            if gateway == key and endpoint in answering:
                for each in orphans:
                    kind, name = each.resource.kind, each.resource.name
                    yield PlannedChange(endpoint=endpoint, action=Action.REMOVE, kind=kind, name=name)


def _order(change: PlannedChange) -> tuple[str, ...]:
    return change.endpoint, change.kind, change.name, change.action
