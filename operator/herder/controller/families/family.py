"""What the core needs to know of a kind: how its objects are read, compared with what replicas list, and acted upon.

Family    the kind: reads objects as they are on the API server, whatever they hold, and makes of a good spec a
Declared  what is declared, with all that it refers to: compares itself with a replica's list, and makes runs of an
Order     what a run begins with, which becomes
Work      a workflow, the data that it works on, and what its status shows
"""

import abc
from collections.abc import Collection, Mapping
from typing import Any

from herder.api.base import ApiModel, InvalidResource, parse
from herder.api.meta import Kind
from herder.api.served import Removal, ServedSpec
from herder.api.status import ReplicaEntry, WorkflowStatus
from herder.controller.families.declared import Declared
from herder.controller.families.site import Site, Vault
from herder.controller.families.work import Former, FormerShown, Leave, Summary, Terms, Work
from herder.controller.listing.registries import Registry
from herder.workflows.entry import LOST_ADD, Entry
from herder.workflows.owner import Owner

type Body = dict[str, Any]


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

    def farewell(self, leave: Leave) -> str:  # noqa: ARG002  (the default)
        """Return what is said of it once that run has succeeded."""
        return "it is off every replica"

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

    def before(self, spec: S, key: str) -> S | None:  # noqa: ARG002
        """Return a spec with a key that its resource had before; None where no resource has another."""
        return None

    def with_former(self, rows: Mapping[str, tuple[ReplicaEntry, ...]]) -> FormerShown:  # noqa: ARG002
        """Return the fields of a status that show what it has under former keys."""
        return {}

    def summary(self, found: ApiModel | None, base: WorkflowStatus, *, is_held: bool) -> Summary:  # noqa: ARG002
        """Return the fields of a status that sum up what was found out.

        `base` is the status as it was, `is_held` whether a replica has it, under whichever key.
        """
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
