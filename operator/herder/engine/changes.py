"""What can happen to an instance: each change says what it does to the state and which event tells of it.

The two can't come apart, because the journal applies and publishes changes, never one without the other. A store may
apply a change again to another copy of the state, so `apply` sets absolute values only.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from herder.engine import events
from herder.engine.state import StepState, WorkflowOutcome, WorkflowState
from herder.engine.status import StepStatus, WorkflowStatus, move_step, move_workflow

type State = WorkflowState[Any]


class Change(Protocol):
    """A step of an instance's history."""

    def apply(self, state: State) -> None:
        """Alter the state."""
        ...

    def event(self, state: State) -> events.Event:
        """Return the event that tells of it, from the state after it."""
        ...


@dataclass(slots=True)
class AttemptBegun:
    """A step begins an attempt."""

    step_id: str
    attempt: int
    at: datetime

    def apply(self, state: State) -> None:
        """The step runs; the first attempt starts the retry clock."""
        step = state.steps[self.step_id]
        move_step(step, StepStatus.RUNNING)
        step.attempts = self.attempt
        step.next_retry_at = None
        if step.started_at is None:
            step.started_at = self.at
        state.updated_at = self.at

    def event(self, state: State) -> events.StepStarted:
        """StepStarted."""
        return events.StepStarted(state.instance_id, self.step_id, self.attempt)


@dataclass(slots=True)
class StepDone:
    """A step succeeded."""

    step_id: str
    at: datetime

    def apply(self, state: State) -> None:
        """The step is done; what earlier attempts failed of no longer matters."""
        step = state.steps[self.step_id]
        move_step(step, StepStatus.SUCCEEDED)
        step.finished_at = self.at
        step.error = None
        state.updated_at = self.at

    def event(self, state: State) -> events.StepSucceeded:
        """StepSucceeded."""
        step = state.steps[self.step_id]
        return events.StepSucceeded(state.instance_id, self.step_id, _seconds(step.started_at, self.at))


@dataclass(slots=True)
class StepPassedOver:
    """A step was skipped."""

    step_id: str
    at: datetime

    def apply(self, state: State) -> None:
        """The step counts as satisfied."""
        step = state.steps[self.step_id]
        move_step(step, StepStatus.SKIPPED)
        step.finished_at = self.at
        state.updated_at = self.at

    def event(self, state: State) -> events.StepSkipped:
        """StepSkipped."""
        return events.StepSkipped(state.instance_id, self.step_id)


@dataclass(slots=True)
class RetryPlanned:
    """An attempt failed, another will be made."""

    step_id: str
    delay_s: float
    error: str
    at: datetime

    def apply(self, state: State) -> None:
        """The step waits."""
        step = state.steps[self.step_id]
        move_step(step, StepStatus.RETRYING)
        step.error = self.error
        step.next_retry_at = self.at + timedelta(seconds=self.delay_s)
        state.updated_at = self.at

    def event(self, state: State) -> events.StepRetrying:
        """StepRetrying, with the number of the attempt to come."""
        attempt = state.steps[self.step_id].attempts + 1
        return events.StepRetrying(state.instance_id, self.step_id, attempt, self.delay_s, self.error)


@dataclass(slots=True)
class StepGivenUp:
    """A step failed for good."""

    step_id: str
    error: str
    at: datetime

    def apply(self, state: State) -> None:
        """The step stays failed."""
        step = state.steps[self.step_id]
        move_step(step, StepStatus.FAILED)
        step.error = self.error
        step.finished_at = self.at
        state.updated_at = self.at

    def event(self, state: State) -> events.StepFailed:
        """StepFailed."""
        return events.StepFailed(state.instance_id, self.step_id, self.error)


@dataclass(slots=True)
class WorkflowEnded:
    """The instance has come to its end."""

    outcome: WorkflowOutcome
    at: datetime

    def apply(self, state: State) -> None:
        """Write the terminal state. Steps that were stopped on the way are failed: nothing of them runs any more."""
        move_workflow(state, self.outcome.status)
        state.failed_step = self.outcome.failed_step
        state.error = self.outcome.error
        state.updated_at = self.at
        if not self.outcome.ok:
            for step in state.steps.values():
                self._stop(step)

    def _stop(self, step: StepState) -> None:
        if step.status is StepStatus.RUNNING or step.status is StepStatus.RETRYING:
            move_step(step, StepStatus.FAILED)
            step.error = step.error or f"stopped: the workflow {self.outcome.status.lower()}"
            step.finished_at = self.at
            step.next_retry_at = None

    def event(self, state: State) -> events.Event:
        """The terminal event."""
        match self.outcome.status:
            case WorkflowStatus.COMPLETED:
                return events.WorkflowCompleted(state.instance_id, _seconds(state.created_at, self.at))
            case WorkflowStatus.CANCELLED:
                return events.WorkflowCancelled(state.instance_id)
            case _:
                return events.WorkflowFailed(state.instance_id, self.outcome.failed_step, self.outcome.error or "")


def _seconds(begin: datetime | None, end: datetime) -> float:
    """Return the seconds between two moments; 0 where the clock was set back in between."""
    return 0.0 if begin is None else max(end - begin, timedelta()).total_seconds()
