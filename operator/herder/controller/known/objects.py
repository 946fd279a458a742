"""What is known of the objects: the newest version of each, and which of them concern each other."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from herder.api.conditions import ConditionType, ReadyReason
from herder.api.meta import API_VERSION, MODEL_GATEWAY, Kind
from herder.api.status import EPOCH_LIMIT
from herder.controller.families import FAMILIES
from herder.controller.families.family import Body

__all__ = [
    "KINDS",
    "Body",
    "Key",
    "Objects",
    "Place",
    "collection",
    "gateway_of",
    "holder_of",
    "place_of",
    "uid_of",
    "version_of",
]

KINDS: Final = {kind.kind: kind for kind in (MODEL_GATEWAY, *(family.kind for family in FAMILIES.values()))}
"""The kinds that are watched, gateways first."""

_MOST_GONE: Final = 10_000


@dataclass(frozen=True, slots=True)
class Key:
    """The name of an object: what is queued, logged and looked up. It says nothing of which object bears it now."""

    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, body: Body) -> Self:
        """Return the key of an object."""
        return cls(body["kind"], body["metadata"]["namespace"], body["metadata"]["name"])

    @property
    def path(self) -> str:
        """The object's path on the API server."""
        return f"{collection(KINDS[self.kind], self.namespace)}/{self.name}"

    def __str__(self) -> str:
        return f"{KINDS[self.kind].singular}/{self.namespace}/{self.name}"


def collection(kind: Kind, namespace: str | None) -> str:
    """Return the path of a kind's objects, in one namespace or in all."""
    where = "" if namespace is None else f"/namespaces/{namespace}"
    return f"/apis/{API_VERSION}{where}/{kind.plural}"


def uid_of(body: Body) -> str:
    """Return which object this is, whatever its name."""
    return str(body["metadata"]["uid"])


def version_of(body: Body) -> int:
    """Return the object's resourceVersion as a number, which orders versions (KEP-5504, stable since 1.35)."""
    return int(body["metadata"]["resourceVersion"])


def epoch_of(body: Body) -> int:
    """Return the epoch in which an object's status was written, 0 if it says none that is to be believed."""
    said = said_epoch_of(body)
    return said if said < EPOCH_LIMIT else 0


def said_epoch_of(body: Body) -> int:
    """Return the epoch that an object's status says, 0 if it says none."""
    status = body.get("status")
    epoch = status.get("epoch") if isinstance(status, dict) else None
    return epoch if isinstance(epoch, int) else 0


def gateway_of(body: Body) -> Key | None:
    """Return the gateway that an object refers to, in its own namespace; None if it says none."""
    ref = (body.get("spec") or {}).get("gatewayRef")
    name = ref.get("name") if isinstance(ref, dict) else None
    return Key(MODEL_GATEWAY.kind, body["metadata"]["namespace"], name) if isinstance(name, str) else None


def holder_of(body: Body) -> Key | None:
    """Return the gateway that an object's status says it is registered on; None if it says none."""
    status = body.get("status")
    name = status.get("gateway") if isinstance(status, dict) else None
    return Key(MODEL_GATEWAY.kind, body["metadata"]["namespace"], name) if isinstance(name, str) else None


@dataclass(frozen=True, slots=True)
class Place:
    """What at most one resource of a kind can have on one gateway, such as a worker's URL."""

    gateway: Key
    kind: str
    claim: str


class Objects:
    """The newest known version of every object. A version older than the known one is never taken, nor one of an object
    that is known to be gone: the answer to a write can come after the news of the deletion that it brought about.
    """

    def __init__(self) -> None:
        self._gone: dict[str, None] = {}  # uids, the oldest first
        self._bodies: dict[Key, Body] = {}
        self._by_gateway: dict[Key, set[Key]] = defaultdict(set)
        self._by_place: dict[Place, set[Key]] = defaultdict(set)
        self._contending: set[Key] = set()

    def __iter__(self) -> Iterator[Key]:
        return iter(tuple(self._bodies))

    def get(self, key: Key) -> Body | None:
        """Return the newest known version, None if there is no such object."""
        return self._bodies.get(key)

    def put(self, body: Body) -> bool:
        """Take a version; False if it is not newer than what is known."""
        if uid_of(body) in self._gone:
            return False
        key = Key.of(body)
        known = self._bodies.get(key)
        if known is not None and version_of(body) <= version_of(known):
            return False
        body["metadata"].pop("managedFields", None)
        if known is not None:
            self._unlink(key, known)
        self._bodies[key] = body
        self._link(key, body)
        return True

    def remove(self, key: Key, uid: str) -> bool:
        """Forget an object that is gone; False if it was not known (any more)."""
        self._gone[uid] = None
        if len(self._gone) > _MOST_GONE:
            del self._gone[next(iter(self._gone))]
        known = self._bodies.get(key)
        if known is None or uid_of(known) != uid:
            return False
        self._unlink(key, self._bodies.pop(key))
        return True

    def referring_to(self, gateway: Key) -> frozenset[Key]:
        """Return the resources that belong to a gateway, or are registered on it."""
        return frozenset(self._by_gateway.get(gateway, ()))

    def at(self, place: Place) -> frozenset[Key]:
        """Return the resources that claim the same on one gateway."""
        return frozenset(self._by_place.get(place, ()))

    def concerns(self, key: Key, keys: frozenset[str]) -> bool:
        """Whether one of the keys of a registry is one that a resource declares, or is registered under."""
        body = self._bodies.get(key)
        family = FAMILIES.get(key.kind)
        return body is not None and family is not None and family.concerns(body, keys)

    def rivals(self, key: Key) -> frozenset[Key]:
        """Return the other resources of the kind that claim the same on the same gateway."""
        body = self._bodies.get(key)
        place = place_of(body) if body is not None else None
        return self.at(place) - {key} if place is not None else frozenset()

    @property
    def highest_epoch(self) -> int:
        """The highest epoch of all statuses."""
        return max(map(epoch_of, self._bodies.values()), default=0)

    @property
    def contending(self) -> frozenset[Key]:
        """The resources that wait for another one of this installation to go."""
        return frozenset(self._contending)

    def _link(self, key: Key, body: Body) -> None:
        for gateway in _gateways_of(body):
            self._by_gateway[gateway].add(key)
        place = place_of(body)
        if place is not None:
            self._by_place[place].add(key)
        if _waits_for_another(body):
            self._contending.add(key)

    def _unlink(self, key: Key, body: Body) -> None:
        for gateway in _gateways_of(body):
            _discard(self._by_gateway, gateway, key)
        place = place_of(body)
        if place is not None:
            _discard(self._by_place, place, key)
        self._contending.discard(key)


def _gateways_of(body: Body) -> set[Key]:
    """Return the gateways whose replicas concern an object."""
    return {gateway for gateway in (gateway_of(body), holder_of(body)) if gateway is not None}


def place_of(body: Body) -> Place | None:
    """Return what an object claims; None if it claims nothing, or does not say so in a way that can be read."""
    gateway, family, spec = gateway_of(body), FAMILIES.get(body["kind"]), body.get("spec")
    claim = family.contested(spec) if family is not None and isinstance(spec, dict) else None
    return Place(gateway, body["kind"], claim) if gateway is not None and claim is not None else None


def _waits_for_another(body: Body) -> bool:
    status = body.get("status")
    conditions = (status.get("conditions") if isinstance(status, dict) else None) or ()
    return any(each["type"] == ConditionType.READY and each["reason"] == ReadyReason.CONFLICT for each in conditions)


def _discard[K](index: dict[K, set[Key]], at: K, key: Key) -> None:
    index[at].discard(key)
    if not index[at]:
        del index[at]
