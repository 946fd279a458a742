"""What the status of every kind shares, and the report of a workflow run for the kinds that have one.

A status only ever holds what changed the resource's state: nothing in it ticks, so nothing is written while nothing
changes. What herder writes too long is cut, never refused; the whole stays far below what the API server takes.
"""

from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Final

from pydantic import Field

from herder.api.base import ApiModel
from herder.api.conditions import MAX_MESSAGE_LENGTH, Condition
from herder.api.markers import Clip, MapBy, Millisecond, Rule, Second, rules

MAX_REPLICAS: Final = 256
MAX_STEPS: Final = 32
MAX_HISTORY: Final = 5
MAX_TOKEN_LENGTH: Final = 256
MAX_EPOCH: Final = (1 << 31) - 1
EPOCH_LIMIT: Final = 1 << 30
"""From here on no operator wrote it: with a thousand changes of leadership a day it is three thousand years away.

A Lease's leaseTransitions has 31 bits, and somebody's nonsense in one status must not use them up.
"""

Generation = Annotated[int, Field(ge=0)]
Word = Annotated[str, Clip(64)]
Line = Annotated[str, Clip(253)]
Identity = Annotated[str, Field(max_length=128)]
"""A text that is compared, and so never cut."""
Message = Annotated[str, Clip(MAX_MESSAGE_LENGTH)]
Endpoint = Annotated[str, Clip(2048)]
Tally = Annotated[str, Clip(32)]
"""How many of how many, such as 2/3."""


class RunStatus(StrEnum):
    """Where a workflow run stands."""

    PENDING = "Pending"
    RUNNING = "Running"
    PAUSED = "Paused"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class StepStatus(StrEnum):
    """Where a step of a run stands."""

    PENDING = "Pending"
    RUNNING = "Running"
    RETRYING = "Retrying"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    SKIPPED = "Skipped"


class EntryState(StrEnum):
    """What a replica says of this resource's entry in its registry."""

    ABSENT = "Absent"
    PENDING = "Pending"
    READY = "Ready"
    NOT_READY = "NotReady"
    FAILED = "Failed"
    DRAINING = "Draining"
    FOREIGN = "Foreign"
    """Listed, but not made by this resource."""
    UNREACHABLE = "Unreachable"
    """The replica does not answer."""
    UNKNOWN = "Unknown"
    """The replica answers with a state that herder does not know."""


class Step(ApiModel):
    """One step of a workflow run."""

    name: Word
    """The step, such as discover_metadata."""

    status: StepStatus
    """Pending, Running, Retrying, Succeeded, Failed or Skipped."""

    attempts: Annotated[int, Field(ge=0)] = 0
    """How often it was tried."""

    started_at: Millisecond | None = None
    """When the first attempt began."""

    finished_at: Millisecond | None = None
    """When it ended."""

    next_retry_at: Millisecond | None = None
    """When the next attempt begins, while it is Retrying."""

    reason: Word | None = None
    """What kind of trouble it met, in one CamelCase word."""

    message: Message | None = None
    """What went wrong, and what to do about it."""


class WorkflowRun(ApiModel):
    """A run in progress, or the last one."""

    name: Word
    """The workflow, such as worker-registration."""

    instance_id: Identity
    """The id of this run, which log lines carry too."""

    generation: Generation
    """The generation of the spec that it works for."""

    inputs: Identity | None = None
    """Hash of all that it works with; a run that has failed is only begun again when this would differ."""

    status: RunStatus
    """Pending, Running, Paused, Completed, Failed or Cancelled."""

    started_at: Millisecond | None = None
    """When it began."""

    finished_at: Millisecond | None = None
    """When it ended."""

    steps: Annotated[tuple[Step, ...], Field(max_length=MAX_STEPS), MapBy("name")] = ()
    """Its steps, in the order of the workflow."""


class PastRun(ApiModel):
    """A run that has ended, in brief."""

    name: Word
    """The workflow, such as worker-registration."""

    status: RunStatus
    """Completed, Failed or Cancelled."""

    started_at: Millisecond | None = None
    """When it began."""

    finished_at: Millisecond | None = None
    """When it ended."""

    failed_step: Word | None = None
    """The step that made it fail."""

    message: Line | None = None
    """Why it failed, in short."""


class ReplicaEntry(ApiModel):
    """What one replica of the gateway says of this resource's entry."""

    endpoint: Endpoint
    """The replica's URL."""

    worker_id: Identity | None = None
    """The id under which this replica lists the entry; each replica gives its own."""

    state: EntryState
    """Absent, Pending, Ready, NotReady, Failed, Draining, Foreign, Unreachable or Unknown."""

    spec_hash: Identity | None = None
    """Hash of what was last applied there, the worker's key included, which the replica never shows."""

    verified_at: Second | None = None
    """When the replica was first seen in this state. It moves only when something else in this row does."""


Echo = Annotated[str, Field(max_length=MAX_TOKEN_LENGTH)]
"""What `echo` makes of a token."""


def echo(token: str) -> str:
    """An annotation's token as status repeats it: itself, or its hash where it is too long for a status."""
    return token if len(token) <= MAX_TOKEN_LENGTH else f"sha256:{sha256(token.encode()).hexdigest()}"


class LastHandled(ApiModel):
    """The tokens of the one-off actions that were done, so that each is done exactly once."""

    retry: Echo | None = None
    """Last token of the annotation herder.dev/retry that was acted upon; of one over 256 characters, its hash."""

    cancel: Echo | None = None
    """Last token of the annotation herder.dev/cancel that was acted upon; of one over 256 characters, its hash."""


_EPOCH_STAYS: Final = Rule(
    f"!has(oldSelf.epoch) || !has(self.epoch) || self.epoch >= oldSelf.epoch || oldSelf.epoch >= {EPOCH_LIMIT}",
    "leave it to the operator that leads now, which wrote this status; to begin anew set epoch to null first",
    field_path=".epoch",
)


class Status(ApiModel, json_schema_extra=rules(_EPOCH_STAYS)):
    """What herder observed."""

    observed_generation: Generation | None = None
    """The newest generation of the spec that herder has acted upon."""

    conditions: Annotated[tuple[Condition, ...], Field(max_length=16), MapBy("type")] = ()
    """Ready sums up; Reconciling (at work) and Stalled (needs a person) are there only while they are True."""

    epoch: Annotated[int, Field(ge=0, le=MAX_EPOCH)] | None = None
    """Which of the operators that have led wrote this; only one of the same or a later epoch may write it anew."""


class Draining(ApiModel):
    """A worker that is being taken out of service."""

    started_at: Second
    """When that began."""

    deadline: Second | None = None
    """When it is given up where a replica has not confirmed it by then; absent where spec.drain says Keep."""

    in_flight: Annotated[int, Field(ge=0)] | None = None
    """How many requests the replicas still have under way on it, as far as they say."""


class WorkflowStatus(Status):
    """What herder observed and did."""

    gateway: Line | None = None
    """The ModelGateway on whose replicas it is registered, or was to be when the last registration began."""

    progress: Annotated[str, Clip(128)] | None = None
    """The step of the run in progress, such as 5/7 discover_metadata."""

    registered: Tally | None = None
    """On how many of the gateway's replicas it is registered, such as 2/2: as declared, or yet under a former URL."""

    workflow: WorkflowRun | None = None
    """The run in progress, or the last one, step by step."""

    replicas: Annotated[tuple[ReplicaEntry, ...], Clip(MAX_REPLICAS), MapBy("endpoint")] = ()
    """What each replica of the gateway itself says."""

    history: Annotated[tuple[PastRun, ...], Clip(MAX_HISTORY)] = ()
    """The last five runs that ended, the newest first."""

    drain: Draining | None = None
    """Its removal, while one is to be done: of a deleted resource, or from a former URL or gateway."""

    last_handled: LastHandled | None = None
    """The one-off actions that were done."""
