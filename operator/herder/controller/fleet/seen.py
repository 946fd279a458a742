"""All that is known of a gateway, from which its status follows."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from herder.controller.fleet.census import Counts
from herder.controller.fleet.gateways import Gateway
from herder.controller.known.blocked import Blocked
from herder.controller.known.objects import Key
from herder.controller.listing.registries import Registry


@dataclass(frozen=True, slots=True)
class Seen:
    """All that is known of a gateway: `trouble` is why it can't be driven, `gateway` is None where it isn't (yet)."""

    gateway: Gateway | None
    trouble: Blocked | None = None
    counts: Counts | None = None
    taken: Mapping[str, Key] = field(default_factory=dict)
    """The replicas that an older gateway drives, each with that."""
    unreadable: Mapping[str, Mapping[Registry, str]] = field(default_factory=dict)
    """Of replicas that answer, the registries that are needed and can't be read, and what is said instead."""

    @property
    def is_unheard(self) -> bool:
        """Whether a replica has not said anything yet."""
        views = self.gateway.views.values() if self.gateway is not None else ()
        return any(view.state is None for view in views)
