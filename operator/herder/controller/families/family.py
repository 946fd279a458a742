"""What the core needs to know of a kind: how its objects are read, compared with what replicas list, and acted upon.

Family    the kind: reads objects as they are on the API server, whatever they hold, and makes of a good spec a
Declared  what is declared, with all that it refers to: compares itself with a replica's list, and makes runs of an
Order     what a run begins with, which becomes
Work      a workflow, the data that it works on, and what its status shows
"""

import abc
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from herder.api.base import ApiModel, InvalidResource, parse
from herder.api.conditions import Claim
from herder.api.fields import SecretKeyRef
from herder.api.meta import Kind
from herder.api.served import OnTimeout, Removal, ServedSpec
from herder.api.status import ReplicaEntry, Step, WorkflowStatus
from herder.controller.families.mcp_desk import Desk
from herder.controller.listing.observation import Observation
from herder.controller.listing.registries import Registry
from herder.controller.listing.views import View
from herder.engine import WorkflowDefinition
from herder.gateway.replica import Replica
from herder.workflows.entry import LOST_ADD, Entry
from herder.workflows.errors import Problem
from herder.workflows.look import Look
from herder.workflows.owner import Holder, Owner, nobody
from herder.workflows.ports import utc_now
from herder.workflows.probing import Prober

type Body = dict[str, Any]
type Former = Mapping[str, Mapping[str, Entry]]
"""What is known of a resource under each key that it had before and may still have: by key, then by endpoint."""
type FormerShown = Mapping[str, tuple[ApiModel, ...] | None]
"""The same as a status shows it, under the name of its field."""
type Post = Callable[[Replica], Awaitable[str]]
"""Registers something on a replica and returns the id that it is given there. Raises GatewayError."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a removal is carried out: the time that it has, and what becomes of it after that."""

    timeout_s: int
    on_timeout: OnTimeout
    settle_s: int = 0
    """How long it takes at least where something is drained."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What the workflows of some kinds ask of the world, beside the replicas."""

    prober: Prober
    mcp: Desk


@dataclass(frozen=True, slots=True)
class Site:
    """Where a resource is to be registered: the gateway's name, and how it is looked after."""

    gateway: str
    observes: bool
    """Whether nothing is changed there."""
    resync_s: float
    hosts: tuple[str, ...]
    """Where what it is told goes, as a Secret names those that it is for."""
    status: WorkflowStatus
    """The resource's."""
    tools: Tools


class Vault(Protocol):
    """Where the content of Secrets comes from."""

    async def get(self, namespace: str, ref: SecretKeyRef, *, field: str, to: Iterable[str]) -> str:
        """Return what `ref`, found in the field named `field`, points to, to be sent to the hosts `to`.

        Raises SecretMissing, or KubeError.
        """
        ...

    async def get_all(self, namespace: str, name: str, *, field: str, to: Iterable[str]) -> dict[str, str]:
        """Return the texts of all keys of the Secret that the field named `field` names. Raises the same."""
        ...


class Data(Protocol):
    """The data of any run."""

    @property
    def replicas(self) -> tuple[Any, ...]:
        """The replicas that it drives."""
        ...

    @property
    def entries(self) -> dict[str, Entry]:
        """What is known of each, by endpoint."""
        ...

    @property
    def problems(self) -> dict[str, Problem]:
        """What went wrong in the latest attempt of each step, by its id."""
        ...


@dataclass(frozen=True, slots=True)
class Order:
    """What a run begins with. `status` is that of the resource, `resumes` whether another process left the run."""

    replicas: tuple[Replica, ...]
    entries: dict[str, Entry]
    status: WorkflowStatus
    tools: Tools
    adopt: bool = False
    holder: Holder = nobody
    former: Former = field(default_factory=dict)
    terms: Terms = Terms(0, OnTimeout.FORCE)
    """How what it has under former keys is removed."""
    resumes: bool = False
    now: Callable[[], datetime] = utc_now


@dataclass(frozen=True, slots=True)
class Leave:
    """What a removal, or a farewell, begins with: what is registered, under which key and how.

    `spec` is what is declared now, as the API server holds it, and `status` what was written last.
    """

    key: str
    spec: Mapping[str, Any]
    status: WorkflowStatus
    gateway: str
    owner: Owner
    terms: Terms
    replicas: tuple[Replica, ...]
    entries: dict[str, Entry]
    tools: Tools
    former: Former = field(default_factory=dict)
    now: Callable[[], datetime] = utc_now


@dataclass(frozen=True, slots=True)
class Work:
    """A run to be. `shown` returns what the status shows of what was found out so far.

    `served` says, given the steps, why the resource is Ready though the run goes on; nothing while it is not. `former`
    is what it still has under former keys, `load` how many requests are under way on what is taken off; None where
    nobody has looked.
    """

    definition: WorkflowDefinition[Any]
    data: Data
    shown: Callable[[], ApiModel | None] = field(default=lambda: None)
    served: Callable[[Iterable[Step]], tuple[Claim, ...]] = field(default=lambda _: ())
    former: Callable[[], Former] = field(default=dict)
    load: Callable[[], int | None] = field(default=lambda: None)


class Declared(abc.ABC):
    """One resource's declaration with everything that it refers to."""

    @property
    @abc.abstractmethod
    def key(self) -> str:
        """Return what identifies it on a replica."""

    @property
    @abc.abstractmethod
    def spec_hash(self) -> str:
        """Return a hash of all that is declared and sent, Secrets included."""

    def seen(self) -> Observation | None:
        """Return what is seen of it, for kinds that no replica lists; None where each replica's list is looked at."""
        return None

    @abc.abstractmethod
    def look(self, record: Entry, view: View) -> Look:
        """Compare it with what a replica lists. Pure."""

    @abc.abstractmethod
    def registration(self, order: Order) -> Work:
        """Return the run that brings it onto every replica, wherever it stands there."""

    def again(self, status: WorkflowStatus) -> Post | None:  # noqa: ARG002  (the default)
        """Return what gives it back, as it was, to a replica that has lost it; None where only a run can."""
        return None

    def update(self, order: Order) -> Work:
        """Return the run that changes what is registered under its key already; only for kinds that have one."""
        return self.registration(order)


class Family[S: ServedSpec](abc.ABC):
    """A kind. Its methods that take a raw spec take whatever the API server holds, and raise nothing."""

    kind: Kind
    spec: type[S]
    status: type[WorkflowStatus]
    shown_in: str
    """The field of a status that shows what was found out and under which key it is registered."""
    key_in: str
    """The field of that which holds the key."""
    contested_field: str
    """The field of a spec that no two resources of one gateway may have the same in."""
    terms_in: str = "spec.removal"
    """The field of a spec that says how it is removed."""
    registry: Registry = Registry.WORKERS
    """Which of a replica's registries lists it."""
    has_update: bool = False
    """Whether a change of what is registered is a workflow of its own."""
    moves: bool = True
    """Whether what a resource has changes place with its key; else the registration sees to the former key, too."""
    most_former: int = 0
    """How many former keys it may have beside the declared one; where no more can be, it is removed before it moves."""
    is_listed: bool = True
    """Whether the replicas list it. If not, `Declared.seen` tells of it, and its runs drive no replica."""
    is_given_back: bool = False
    """Whether a replica that lost it is given it back without a run, see `Declared.again`."""
    is_swept: bool = True
    """Whether an entry on a replica that is to stay has to say so, or it is taken for a forgotten one."""
    drains: bool = False
    """Whether a removal waits for requests under way to end."""

    @abc.abstractmethod
    def contested(self, spec: Mapping[str, Any]) -> str | None:
        """Return what at most one resource of a gateway can have, in its one spelling; None if it can't be read."""

    @abc.abstractmethod
    async def declare(self, spec: S, owner: Owner, vault: Vault) -> Declared:
        """Look up what a spec refers to. Raises as `vault` does."""

    async def declare_at(self, spec: S, owner: Owner, vault: Vault, site: Site) -> Declared:  # noqa: ARG002  (the default)
        """As `declare`, for kinds whose declaration depends on the gateway, too."""
        return await self.declare(spec, owner, vault)

    @abc.abstractmethod
    def removal(self, leave: Leave) -> Work:
        """Return the run that takes it off every replica."""

    def models(self, status: WorkflowStatus) -> tuple[str, ...]:  # noqa: ARG002  (the default)
        """Return the models that a replica's /v1/models is to list because of it; none where it has none of its own."""
        return ()

    @abc.abstractmethod
    async def leave(self, leave: Leave) -> None:
        """See to it that what is left for good is not taken for a forgotten entry, where nothing does so already.

        The replicas are those within reach.
        """

    def after_kill(self, record: Entry | None) -> Entry:
        """Return what must be assumed of a replica where a registration was killed: its record may be a second old.

        A registration whose answer nobody has read may be under way where no id is recorded.
        """
        return LOST_ADD if record is None or record.worker_id is None else record

    def front_in(self, spec: Mapping[str, Any], fronts: Collection[str]) -> str | None:  # noqa: ARG002
        """Return which of a gateway's own addresses what is declared would be; None where that can't be."""
        return None

    def concerns(self, body: Body, keys: frozenset[str]) -> bool:
        """Whether one of a registry's keys is the one that an object declares, or the one that it is registered as."""
        own = {self.contested(_mapping(body.get("spec"))), self.registered_key(body), *self.former_keys(body)}
        return not keys.isdisjoint(own)

    def registered_key(self, body: Body) -> str | None:
        """Return the key that an object is registered under, or was to be when a run was begun; None if none was."""
        shown = _mapping(_mapping(body.get("status")).get(self.shown_in))
        key = shown.get(self.key_in)
        return key if isinstance(key, str) else None

    def former_keys(self, body: Body) -> tuple[str, ...]:  # noqa: ARG002
        """Return the keys that an object had before and may still be registered under."""
        return ()

    def former(self, status: WorkflowStatus) -> Former:  # noqa: ARG002
        """Return what a status shows of it under former keys."""
        return {}

    def with_former(self, rows: Mapping[str, tuple[ReplicaEntry, ...]]) -> FormerShown:  # noqa: ARG002
        """Return the fields of a status that show what it has under former keys."""
        return {}

    def listing_key(self, body: Body) -> str | None:
        """Return the key that a replica lists an object under which is registered; None if it is not."""
        return self.registered_key(body)

    def shown(self, status: WorkflowStatus) -> ApiModel | None:
        """Return what a status shows of what was found out."""
        shown: ApiModel | None = getattr(status, self.shown_in)
        return shown

    def registered_as(self, status: WorkflowStatus) -> str | None:
        """Return the key that a status shows, None if it shows none."""
        key: str | None = getattr(self.shown(status), self.key_in, None)
        return key

    def terms(self, spec: Mapping[str, Any]) -> Terms:
        """Return how it is removed. Where that can't be read the defaults hold, or a deletion could wait for ever."""
        removal = parsed(Removal, spec.get("removal"))
        return Terms(removal.timeout_seconds, removal.on_timeout)


def parsed[M: ApiModel](model: type[M], part: object) -> M:
    """Return a part of a spec that can't be read as a whole, or its defaults."""
    try:
        return parse(model, _mapping(part))
    except InvalidResource:
        return model()


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
