"""What a run is made of, whatever the kind: what it begins with, and what becomes of that.

Order     what a registration, or an update, begins with
Leave     what a removal, or a farewell, begins with
Work      the run to be: a workflow, the data that it works on, and what its status shows
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from herder.api.base import ApiModel
from herder.api.conditions import Claim
from herder.api.served import OnTimeout
from herder.api.status import Step, WorkflowStatus
from herder.controller.families.site import Tools
from herder.engine import WorkflowDefinition
from herder.gateway.replica import Replica
from herder.workflows.entry import Entry
from herder.workflows.errors import Problem
from herder.workflows.owner import Holder, Owner, nobody
from herder.workflows.ports import utc_now

type Former = Mapping[str, Mapping[str, Entry]]
"""What is known of a resource under each key that it had before and may still have: by key, then by endpoint."""
type FormerShown = Mapping[str, tuple[ApiModel, ...] | None]
"""The same as a status shows it, under the name of its field."""
type Summary = Mapping[str, str | None]
"""What sums up what was found out, under the names of the fields of a status."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a removal is carried out: the time that it has, and what becomes of it after that."""

    timeout_s: int
    on_timeout: OnTimeout
    settle_s: int = 0
    """How long it takes at least where something is drained."""


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
