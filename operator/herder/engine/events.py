"""What the engine tells of its work. Every event names its instance, a step's event also the step."""

from dataclasses import dataclass
from typing import dataclass_transform


@dataclass_transform(frozen_default=True)
def event[E](cls: type[E]) -> type[E]:
    """Make a value of a class: frozen as far as a type checker is concerned.

    At run time nothing stands in the way of an assignment, because what dataclasses do to prevent it would make an
    event cost three times as much, and two are made for every step that somebody hears of. A kind that has no fields
    of its own needs no decorator.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)


@event
class Event:
    """What all events have."""

    instance_id: str


@event
class StepEvent(Event):
    """What a step's events have."""

    step_id: str


@event
class WorkflowStarted(Event):
    """An instance was saved and begins, or goes on after `resume_workflow`."""

    definition_id: str


@event
class WorkflowCompleted(Event):
    """Every step is satisfied."""

    duration_s: float


@event
class WorkflowFailed(Event):
    """A step failed, nothing could go on, or the store failed; in the last two cases `failed_step` is None."""

    failed_step: str | None
    error: str


class WorkflowCancelled(Event):
    """The instance was cancelled; its running steps have been stopped."""

    __slots__ = ()


class WorkflowPaused(Event):
    """What runs goes on to its end, nothing new begins."""

    __slots__ = ()


class WorkflowUnpaused(Event):
    """Steps begin again."""

    __slots__ = ()


@event
class StepStarted(StepEvent):
    """An attempt begins; attempts count from 1."""

    attempt: int


@event
class StepSucceeded(StepEvent):
    """The step is done, `duration_s` after its first attempt began."""

    duration_s: float


@event
class StepFailed(StepEvent):
    """The step has failed for good: no further attempt."""

    error: str


@event
class StepRetrying(StepEvent):
    """An attempt failed with `error`; the next, number `attempt`, begins in `delay_s` seconds."""

    attempt: int
    delay_s: float
    error: str


class StepSkipped(StepEvent):
    """The step's condition said no, or the step itself returned SKIP."""

    __slots__ = ()
