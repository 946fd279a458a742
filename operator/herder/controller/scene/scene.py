"""One resource with all that it refers to, found or not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from herder.controller.families.declared import Declared
from herder.controller.families.work import Former
from herder.controller.fleet.gateways import Gateway
from herder.controller.known.blocked import Blocked
from herder.controller.known.subject import Subject
from herder.controller.listing.observation import Observation
from herder.controller.listing.registries import Registry
from herder.workflows.entry import REGISTERED, Entry, is_ours
from herder.workflows.owner import Holder, nobody

_NEVER: Final = float("-inf")


@dataclass(frozen=True)
class Scene:
    """A subject with what it refers to, found or not."""

    subject: Subject
    gateway: Gateway | None
    """The gateway that it is to be registered on."""
    holder: Gateway | None
    """The gateway that it is registered on: the same one, but for a resource whose gatewayRef was changed."""
    declared: Declared | None = None
    blocked: Blocked | None = None
    barred: Blocked | None = None
    """Why nothing can be taken off the holder."""
    is_elsewhere: bool = False
    """Whether it must be taken off where it is registered before it can be registered where it is declared."""
    is_moving: bool = False
    """Whether it is registered there under another key than is declared, and can be under both."""
    is_astray: bool = False
    """Whether nothing can be taken off the holder for good."""
    is_unmarked: bool = False
    """Whether it is to leave its entries, and a replica that is away may hold one that does not say so."""
    observation: Observation | None = None
    not_before_s: float = _NEVER
    """When the last run ended (monotonic): what was offered before says nothing new."""
    holder_of: Holder = nobody
    """Names the other living resource that has an entry."""
    records: Mapping[str, Entry] = field(default_factory=dict)
    """What is known of it on each replica: what the status says, and what was given back since."""

    @property
    def former(self) -> Former:
        """What it may have under keys that it had before."""
        return self.subject.former

    @property
    def former_keys(self) -> frozenset[str]:
        """The keys but for the declared one that it may be registered under where it stays."""
        standing, declared = self.subject.registered, self.subject.family.contested(self.subject.raw_spec)
        keys = {*self.former, standing.key} if standing is not None and self.is_moving else set(self.former)
        return frozenset(keys - {declared})

    @property
    def as_before(self) -> frozenset[str]:
        """The replicas that have it under a former key yet: by their lists, or by the records where these are older."""
        return frozenset(
            endpoint
            for key, records in self.former.items()
            for endpoint, record in records.items()
            if record.state in REGISTERED and self._has(endpoint, key, record)
        )

    def _has(self, endpoint: str, key: str, record: Entry) -> bool:
        views, registry = self.gateway.views if self.gateway is not None else {}, self.subject.family.registry
        view = views.get(endpoint)
        if view is None or view.is_away:
            return False
        is_older = view.read_at_s(registry) <= self.not_before_s
        return is_older or any(is_ours(self.subject.owner, record, each) for each in view.listed(registry, key))

    @property
    def is_leaving(self) -> bool:
        """Whether it is to be taken off where it is registered."""
        return self.subject.is_deleting or self.is_elsewhere

    @property
    def shown_gateway(self) -> Gateway | None:
        """The gateway whose replicas its status tells of."""
        return self.holder if self.is_leaving else self.gateway

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The replicas of the gateway that it is to be registered on."""
        return endpoints_of(self.gateway)

    @property
    def held_on(self) -> tuple[str, ...]:
        """The replicas of the gateway that it is registered on."""
        return endpoints_of(self.holder)

    @property
    def inputs(self) -> str:
        """What a registration would work with."""
        return self.subject.inputs(self.declared.spec_hash, self.endpoints) if self.declared else ""

    @property
    def standing(self) -> str | None:
        """What a removal would work with."""
        return self.subject.registered.hash if self.subject.registered else None

    @property
    def former_place(self) -> str:
        """Where it is registered, for people."""
        standing = self.subject.registered
        return f"{standing.key} on ModelGateway {standing.gateway.name}" if standing is not None else "nowhere"

    @property
    def offers(self) -> dict[str, bool]:
        """Whether requests for all that it serves can be sent to each replica that was asked since the last run."""
        views = self.gateway.views if self.gateway is not None else {}
        models = self.subject.family.models(self.subject.status)
        asked = {e: view for e, view in views.items() if models and view.read_at_s(Registry.MODELS) > self.not_before_s}
        return {e: all(view.listed(Registry.MODELS, model) for model in models) for e, view in asked.items()}

    @property
    def keeps_its_offers_back(self) -> list[str]:
        """The replicas that don't say now what requests can be sent to."""
        views = self.gateway.views if self.gateway is not None else {}
        return [e for e, view in views.items() if view.is_away or view.trouble_with(Registry.MODELS)]


def endpoints_of(gateway: Gateway | None) -> tuple[str, ...]:
    """Return the replicas of a gateway."""
    return tuple(replica.endpoint for replica in gateway.replicas) if gateway else ()
