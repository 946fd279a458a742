"""From `.status` back to what is known: how a run goes on after a restart."""

from typing import Final

from herder.api.status import RunStatus, WorkflowRun
from herder.engine import StepState, WorkflowDefinition, WorkflowState, WorkflowStatus
from herder.engine import StepStatus as EngineStepStatus

UNFINISHED: Final = frozenset({RunStatus.PENDING, RunStatus.RUNNING, RunStatus.PAUSED})


def fresh_state[D](definition: WorkflowDefinition[D], instance_id: str, data: D) -> WorkflowState[D]:
    """Return the state of a run that has not begun."""
    steps = {step.id: StepState() for step in definition.steps}
    return WorkflowState(instance_id, definition.id, data, WorkflowStatus.RUNNING, steps)


def restored_state[D](definition: WorkflowDefinition[D], run: WorkflowRun, data: D) -> WorkflowState[D]:
    """Return the state of a run that another process left, as `WorkflowEngine.resume_workflow` takes it.

    Attempts and the moment of the first one are kept, so that a restart does not stretch a step's budget.
    """
    state = fresh_state(definition, run.instance_id, data)
    state.created_at = run.started_at or state.created_at
    for step in run.steps:
        if step.name in state.steps:
            state.steps[step.name] = StepState(
                EngineStepStatus(step.status.value),
                step.attempts,
                step.started_at,
                step.finished_at,
                step.message,
                step.next_retry_at,
            )
    return state
