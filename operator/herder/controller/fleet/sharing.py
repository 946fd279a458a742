"""Replicas that several ModelGateways of a namespace name: the oldest drives them, the others leave them alone.

Two gateways that drove one replica would each have their own resources registered there, and whoever came first after a
restart would have what both declare. So one drives it: the oldest, whether or not it can at the moment, so that nothing
goes to and fro. The others are told which one. One with mode Observe drives nothing: it stands in nobody's way, and
looks at any replica.

A replica is known by its URL. One that two gateways name by different URLs is driven by both, and neither can tell.

Only gateways of one namespace are compared. Those of two may name one replica, for references leave no namespace: that
is how namespaces share a gateway. What one declares the other leaves alone, for each entry says which namespace it is
of. And nobody can take a gateway from another namespace by naming its replicas first.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from herder.controller.known.objects import Body, Key, uid_of

type Place = tuple[str, str]
"""A namespace, and the URL of a replica."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a gateway names, and whether it is to drive that. Of two that were created within a second one is older."""

    endpoints: frozenset[str]
    drives: bool
    age: tuple[datetime, str]


class Sharing:
    """What the gateways of all namespaces name."""

    def __init__(self) -> None:
        self._claims: dict[Key, _Claim] = {}
        self._at: dict[Place, set[Key]] = defaultdict(set)

    def note(self, body: Body, endpoints: Iterable[str], *, drives: bool) -> frozenset[Key]:
        """Take what a gateway names; return the others that this means something to."""
        age = datetime.fromisoformat(body["metadata"]["creationTimestamp"]), uid_of(body)
        return self._set(Key.of(body), _Claim(frozenset(endpoints), drives, age))

    def forget(self, key: Key) -> frozenset[Key]:
        """A gateway is gone, or nobody knows what it names; return the others that this means something to."""
        return self._set(key, None)

    def taken(self, key: Key) -> Mapping[str, Key]:
        """Return which of the replicas that a gateway names it may not drive, each with the gateway that does."""
        claim = self._claims.get(key)
        if claim is None or not claim.drives:
            return {}
        oldest = {e: min(self._driving(key, e), key=lambda of: self._claims[of].age) for e in sorted(claim.endpoints)}
        return {endpoint: by for endpoint, by in oldest.items() if by != key}

    def names(self, key: Key, endpoint: str) -> bool:
        """Whether a gateway names a replica, whoever drives it."""
        claim = self._claims.get(key)
        return claim is not None and endpoint in claim.endpoints

    def _driving(self, key: Key, endpoint: str) -> list[Key]:
        return [each for each in self._at[(key.namespace, endpoint)] if self._claims[each].drives]

    def _set(self, key: Key, claim: _Claim | None) -> frozenset[Key]:
        before = self._claims.pop(key, None)
        if claim is not None:
            self._claims[key] = claim
        if before == claim:
            return frozenset()
        was, now = (each.endpoints if each is not None else frozenset[str]() for each in (before, claim))
        touched = {other for endpoint in was | now for other in self._at.get((key.namespace, endpoint), ())}
        for endpoint in was - now:
            self._leave((key.namespace, endpoint), key)
        for endpoint in now:
            self._at[(key.namespace, endpoint)].add(key)
        return frozenset(touched - {key})

    def _leave(self, place: Place, key: Key) -> None:
        self._at[place].discard(key)
        if not self._at[place]:
            del self._at[place]
