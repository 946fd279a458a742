"""What is remembered of an instance: plain records that a store can keep and a caller can build by hand."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from herder.engine.status import StepStatus, WorkflowStatus

utc_now = partial(datetime.now, UTC)
"""Returns the present moment: the engine's clock, unless another is given."""


@dataclass(slots=True)
class StepState:
    """One step of one instance. Moments are aware and in UTC."""

    status: StepStatus = StepStatus.PENDING
    attempts: int = 0
    """Attempts begun so far."""
    started_at: datetime | None = None
    """When the first attempt began; the retry clock counts from here."""
    finished_at: datetime | None = None
    error: str | None = None
    """What the last attempt failed with, None once the step succeeded."""
    next_retry_at: datetime | None = None
    """Set while RETRYING."""

    def snapshot(self) -> "StepState":
        """Return a copy that later changes don't reach."""
        return StepState(self.status, self.attempts, self.started_at, self.finished_at, self.error, self.next_retry_at)


@dataclass(slots=True, weakref_slot=True)
class WorkflowState[D]:
    """One instance of a workflow.

    To go on after a restart from what was kept elsewhere, build one by hand, with the steps as far as they are known,
    and give it to `WorkflowEngine.resume_workflow`.
    """

    instance_id: str
    definition_id: str
    data: D
    status: WorkflowStatus = WorkflowStatus.PENDING
    steps: dict[str, StepState] = field(default_factory=dict)
    created_at: datetime = field(default_factory=utc_now)
    updated_at: datetime = field(default_factory=utc_now)
    failed_step: str | None = None
    """The step that ended the workflow, if one did."""
    error: str | None = None

    def snapshot(self) -> "WorkflowState[D]":
        """Return a copy that later changes don't reach; `data` itself is shared, as among the steps."""
        return WorkflowState(
            self.instance_id,
            self.definition_id,
            self.data,
            self.status,
            {step_id: step.snapshot() for step_id, step in self.steps.items()},
            self.created_at,
            self.updated_at,
            self.failed_step,
            self.error,
        )


@dataclass(frozen=True, slots=True)
class WorkflowOutcome:
    """How a workflow ended: COMPLETED, FAILED or CANCELLED, and for a failed one what it failed of."""

    status: WorkflowStatus
    failed_step: str | None = None
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the workflow completed."""
        return self.status is WorkflowStatus.COMPLETED


COMPLETED = WorkflowOutcome(WorkflowStatus.COMPLETED)


def outcome_of(state: WorkflowState[object]) -> WorkflowOutcome:
    """Return the outcome that an ended instance's state tells of."""
    if state.status is WorkflowStatus.COMPLETED:
        return COMPLETED
    return WorkflowOutcome(state.status, state.failed_step, state.error)
