"""What a replica said last, as a value, and what differs from what it said before."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from herder.api.gateway import GatewayReplicaState
from herder.controller.listing.registries import Item, Listing, Registry
from herder.gateway.types import Worker

NEVER: Final = float("-inf")


@dataclass(frozen=True, slots=True)
class Listed:
    """What one registry said last, as of `read_at_s` (monotonic seconds). `trouble` says why that is not known now."""

    entries: Listing = field(default_factory=dict)
    read_at_s: float = NEVER
    trouble: str = ""


UNREAD: Final = Listed()


@dataclass(frozen=True, slots=True)
class View:
    """What one replica said last. `workers` is keyed by normalised URL; it was read from `began_at_s` to `ended_at_s`
    (monotonic seconds).

    `state` is None until the replica was heard of, and stays as it was through a grace period when it falls silent.
    """

    state: GatewayReplicaState | None = None
    workers: Mapping[str, tuple[Worker, ...]] = field(default_factory=dict)
    count: int = 0
    began_at_s: float = NEVER
    ended_at_s: float = NEVER
    trouble: str = ""
    others: Mapping[Registry, Listed] = field(default_factory=dict)
    """The registries beside the workers that were read."""
    instance: int = 0
    """How often the replica has answered after a silence, or without any of the workers that it had listed: it may have
    been started anew, in another way. Of one that had none, and was back in time, nothing tells."""

    @property
    def is_away(self) -> bool:
        """Whether the replica can't be driven now."""
        return self.state in {GatewayReplicaState.UNREACHABLE, GatewayReplicaState.REFUSES}

    def listed(self, registry: str, key: str) -> tuple[Any, ...]:
        """Return the entries under a key; none, too, where the registry was not read."""
        return self._registry(registry).entries.get(key, ())

    def read_at_s(self, registry: str) -> float:
        """Return when the last reading of a registry began (monotonic); minus infinity if nothing is known of it."""
        return self._registry(registry).read_at_s

    def trouble_with(self, registry: str) -> str:
        """Return why it is not known now what a registry beside the workers lists; empty where it is, or was just."""
        return self._registry(registry).trouble

    def _registry(self, registry: str) -> Listed:
        if registry == Registry.WORKERS:
            return Listed(self.workers, self.began_at_s)
        return self.others.get(Registry(registry), UNREAD)


UNHEARD: Final = View()


@dataclass(frozen=True, slots=True)
class News:
    """A new view of a replica, beside the one before. `items` are what differs, None where everything may."""

    endpoint: str
    before: View
    after: View
    items: frozenset[Item] | None

    def has_lost(self, item: Item) -> bool:
        """Whether the replica does not list what it listed, or has just been found without it."""
        if self.items is not None and self.items.isdisjoint({item, Item(item.registry, None)}):
            return False
        is_known = self.after.read_at_s(item.registry) > NEVER and not self.after.is_away
        return is_known and item.key is not None and not self.after.listed(item.registry, item.key)
