"""What is to be done next, as pure functions: no clock, no store, no waiting."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from herder.engine.plan import Plan, PlannedStep
from herder.engine.state import COMPLETED, StepState, WorkflowOutcome
from herder.engine.status import StepStatus, WorkflowStatus


@dataclass(slots=True)
class Progress:
    """How far an instance has come, as far as starting further steps depends on it."""

    claimed: set[str] = field(default_factory=set)
    """Steps that were told to start, or need not."""
    satisfied: set[str] = field(default_factory=set)
    """Steps that no longer hold up their dependents."""
    is_resumed: bool = False
    """Whether some of this happened before this run."""


def is_satisfied(step: PlannedStep, state: StepState) -> bool:
    """Whether a step's dependents may run as far as it is concerned."""
    if state.status is StepStatus.FAILED:
        return step.goes_on
    return state.status is StepStatus.SUCCEEDED or state.status is StepStatus.SKIPPED


def progress_of(plan: Plan, steps: Mapping[str, StepState]) -> Progress:
    """Return how far an instance had come whose steps stand like this."""
    done = {step_id for step_id, step in plan.steps.items() if is_satisfied(step, steps[step_id])}
    return Progress(set(done), done, is_resumed=True)


def first_candidates(plan: Plan, progress: Progress) -> Iterable[PlannedStep]:
    """Return the steps that may be startable at the beginning."""
    return plan.steps.values() if progress.is_resumed else plan.roots


def may_start(step: PlannedStep, progress: Progress) -> bool:
    """Whether a step can start now and was not told to before.

    After a step is satisfied, only its dependents can have become startable.
    """
    satisfied = progress.satisfied
    return (
        step.id not in progress.claimed
        and step.depends_on <= satisfied
        and not (step.depends_on_any and step.depends_on_any.isdisjoint(satisfied))
    )


def standstill(plan: Plan, progress: Progress) -> WorkflowOutcome:
    """Return how a workflow ends of which nothing runs, waits or can start."""
    if len(progress.satisfied) == len(plan.steps):
        return COMPLETED
    return WorkflowOutcome(WorkflowStatus.FAILED, error=f"deadlock{_unreached(plan, progress)}")


def failure(plan: Plan, progress: Progress, step_id: str, error: str) -> WorkflowOutcome:
    """Return how a workflow ends because one of its steps failed."""
    return WorkflowOutcome(WorkflowStatus.FAILED, step_id, error + _unreached(plan, progress))


def _unreached(plan: Plan, progress: Progress) -> str:
    left = [step_id for step_id in plan.steps if step_id not in progress.claimed]
    return f" (not reached: {', '.join(left)})" if left else ""
