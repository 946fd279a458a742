"""How a state saved earlier is made ready to go on."""

from dataclasses import replace

from herder.engine.decide import is_satisfied
from herder.engine.plan import Plan, PlannedStep
from herder.engine.state import StepState
from herder.engine.status import StepStatus, WorkflowStatus
from herder.engine.store import State


def resumed(plan: Plan, saved: State) -> State:
    """Return the state that an instance goes on with.

    What succeeded, was skipped, or failed with CONTINUE_NEXT_STEP stays. A step that waited for a retry goes on
    waiting; one that ran makes the interrupted attempt again, without its delay and condition; its retry clock counts
    on. One that had failed for good begins anew. Steps that the workflow no longer has are dropped.
    """
    return replace(
        saved,
        status=WorkflowStatus.RUNNING,
        steps={step_id: _resumed_step(step, saved.steps.get(step_id)) for step_id, step in plan.steps.items()},
        failed_step=None,
        error=None,
    )


def _resumed_step(step: PlannedStep, saved: StepState | None) -> StepState:
    if saved is None:
        return StepState()
    if is_satisfied(step, saved) or saved.status is StepStatus.PENDING or saved.status is StepStatus.RETRYING:
        return saved.snapshot()
    if saved.status is StepStatus.RUNNING:
        return StepState(attempts=max(saved.attempts - 1, 0), started_at=saved.started_at, error=saved.error)
    return StepState()
