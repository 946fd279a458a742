"""What the engine tells of its work. Every event names its instance, a step's event also the step."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """What all events have."""

    instance_id: str


@dataclass(frozen=True, slots=True)
class StepEvent(Event):
    """What a step's events have."""

    step_id: str


@dataclass(frozen=True, slots=True)
class WorkflowStarted(Event):
    """An instance was saved and begins, or goes on after `resume_workflow`."""

    definition_id: str


@dataclass(frozen=True, slots=True)
class WorkflowCompleted(Event):
    """Every step is satisfied."""

    duration_s: float


@dataclass(frozen=True, slots=True)
class WorkflowFailed(Event):
    """A step failed, nothing could go on, or the store failed; in the last two cases `failed_step` is None."""

    failed_step: str | None
    error: str


@dataclass(frozen=True, slots=True)
class WorkflowCancelled(Event):
    """The instance was cancelled; its running steps have been stopped."""


@dataclass(frozen=True, slots=True)
class WorkflowPaused(Event):
    """What runs goes on to its end, nothing new begins."""


@dataclass(frozen=True, slots=True)
class WorkflowUnpaused(Event):
    """Steps begin again."""


@dataclass(frozen=True, slots=True)
class StepStarted(StepEvent):
    """An attempt begins; attempts count from 1."""

    attempt: int


@dataclass(frozen=True, slots=True)
class StepSucceeded(StepEvent):
    """The step is done, `duration_s` after its first attempt began."""

    duration_s: float


@dataclass(frozen=True, slots=True)
class StepFailed(StepEvent):
    """The step has failed for good: no further attempt."""

    error: str


@dataclass(frozen=True, slots=True)
class StepRetrying(StepEvent):
    """An attempt failed with `error`; the next, number `attempt`, begins in `delay_s` seconds."""

    attempt: int
    delay_s: float
    error: str


@dataclass(frozen=True, slots=True)
class StepSkipped(StepEvent):
    """The step's condition said no, or the step itself returned SKIP."""
