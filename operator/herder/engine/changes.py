"""What can happen to an instance: each change says what it does to the state, and which event tells of it.

The two can't come apart, because only the journal makes changes, and it both applies and publishes them. All changes of
one write are made at one moment, `at`. A store may apply a change to another copy of the state, so a change alters
nothing but the state that it is given.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from herder.engine import events
from herder.engine.state import StepState, WorkflowOutcome, WorkflowState
from herder.engine.status import BEGIN, ENDINGS, GIVE_UP, GO_ON, PAUSE, RETRY, SKIP, SUCCEED, StepStatus, WorkflowStatus

# A run's state has data of any type, at which nothing here looks.
type State = WorkflowState[Any]


class Change(Protocol):
    """A step of an instance's history."""

    def apply(self, state: State, at: datetime, /) -> None:
        """Alter the state."""
        ...

    def event(self, state: State) -> events.Event:
        """Return the event that tells of it, from the state after it."""
        ...


@dataclass(frozen=True, slots=True)
class StepChange:
    """What all changes of a step have. A kind that has nothing more is no dataclass itself: each slows the import."""

    step_id: str


class AttemptBegun(StepChange):
    """A step begins an attempt."""

    __slots__ = ()

    def apply(self, state: State, at: datetime) -> None:
        """The step runs. Its first attempt starts the retry clock."""
        step = state.steps[self.step_id]
        step.status = BEGIN[step.status]
        step.attempts += 1
        step.next_retry_at = None
        if step.started_at is None:
            step.started_at = at

    def event(self, state: State) -> events.StepStarted:
        """StepStarted."""
        return events.StepStarted(state.instance_id, self.step_id, state.steps[self.step_id].attempts)


class StepDone(StepChange):
    """A step succeeded."""

    __slots__ = ()

    def apply(self, state: State, at: datetime) -> None:
        """The step is done; what earlier attempts failed of no longer matters."""
        step = state.steps[self.step_id]
        step.status = SUCCEED[step.status]
        step.finished_at = at
        step.error = None

    def event(self, state: State) -> events.StepSucceeded:
        """StepSucceeded."""
        started_at = state.steps[self.step_id].started_at
        return events.StepSucceeded(state.instance_id, self.step_id, seconds_between(started_at, state.updated_at))


class StepPassedOver(StepChange):
    """A step was skipped."""

    __slots__ = ()

    def apply(self, state: State, at: datetime) -> None:
        """The step counts as satisfied."""
        step = state.steps[self.step_id]
        step.status = SKIP[step.status]
        step.finished_at = at

    def event(self, state: State) -> events.StepSkipped:
        """StepSkipped."""
        return events.StepSkipped(state.instance_id, self.step_id)


@dataclass(frozen=True, slots=True)
class RetryPlanned(StepChange):
    """An attempt failed, another will be made."""

    delay_s: float
    error: Exception

    def apply(self, state: State, at: datetime) -> None:
        """The step waits."""
        step = state.steps[self.step_id]
        step.status = RETRY[step.status]
        step.error = told(self.error)
        step.next_retry_at = at + timedelta(seconds=self.delay_s)

    def event(self, state: State) -> events.StepRetrying:
        """StepRetrying, with the number of the attempt to come."""
        attempt = state.steps[self.step_id].attempts + 1
        return events.StepRetrying(state.instance_id, self.step_id, attempt, self.delay_s, told(self.error))


@dataclass(frozen=True, slots=True)
class StepGivenUp(StepChange):
    """A step failed for good."""

    error: Exception

    def apply(self, state: State, at: datetime) -> None:
        """The step stays failed."""
        step = state.steps[self.step_id]
        step.status = GIVE_UP[step.status]
        step.error = told(self.error)
        step.finished_at = at
        step.next_retry_at = None

    def event(self, state: State) -> events.StepFailed:
        """StepFailed."""
        return events.StepFailed(state.instance_id, self.step_id, told(self.error))


class Paused:
    """The instance begins nothing for a while."""

    __slots__ = ()

    def apply(self, state: State, _: datetime) -> None:
        """The workflow is paused."""
        state.status = PAUSE[state.status]

    def event(self, state: State) -> events.WorkflowPaused:
        """WorkflowPaused."""
        return events.WorkflowPaused(state.instance_id)


class Unpaused:
    """The instance goes on."""

    __slots__ = ()

    def apply(self, state: State, _: datetime) -> None:
        """The workflow runs."""
        state.status = GO_ON[state.status]

    def event(self, state: State) -> events.WorkflowUnpaused:
        """WorkflowUnpaused."""
        return events.WorkflowUnpaused(state.instance_id)


@dataclass(frozen=True, slots=True)
class WorkflowEnded:
    """The instance has come to its end."""

    outcome: WorkflowOutcome

    def apply(self, state: State, at: datetime) -> None:
        """Write the terminal state. Steps that were stopped on the way are failed: nothing of them runs any more."""
        state.status = ENDINGS[self.outcome.status][state.status]
        state.failed_step = self.outcome.failed_step
        state.error = self.outcome.error
        if not self.outcome.ok:
            for step in state.steps.values():
                self._stop(step, at)

    def _stop(self, step: StepState, at: datetime) -> None:
        if step.status is StepStatus.RUNNING or step.status is StepStatus.RETRYING:
            step.status = GIVE_UP[step.status]
            step.error = step.error or f"stopped: the workflow {self.outcome.status.lower()}"
            step.finished_at = at
            step.next_retry_at = None

    def event(self, state: State) -> events.Event:
        """The terminal event."""
        match self.outcome.status:
            case WorkflowStatus.COMPLETED:
                return events.WorkflowCompleted(state.instance_id, seconds_between(state.created_at, state.updated_at))
            case WorkflowStatus.CANCELLED:
                return events.WorkflowCancelled(state.instance_id)
            case _:
                return events.WorkflowFailed(state.instance_id, self.outcome.failed_step, self.outcome.error or "")


def told(error: BaseException) -> str:
    """Return what is kept and told of an exception, also of one that fails to say it."""
    try:
        return str(error) or type(error).__name__
    except Exception:  # noqa: BLE001 (it may raise anything)
        return type(error).__name__


def seconds_between(begin: datetime | None, end: datetime) -> float:
    """Return the seconds from one moment to another; 0 where the clock was set back in between."""
    return (end - begin).total_seconds() if begin is not None and begin < end else 0.0
