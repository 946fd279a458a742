"""The two state machines are their tables."""

from types import SimpleNamespace
from typing import Any

import pytest

from herder.engine import STEP_ENDED, STEP_MOVES, WORKFLOW_ENDED, WORKFLOW_MOVES, StepStatus, WorkflowStatus
from herder.engine.status import move_step, move_workflow

TABLES = pytest.mark.parametrize(
    ("kind", "moves"), [(StepStatus, STEP_MOVES), (WorkflowStatus, WORKFLOW_MOVES)], ids=["step", "workflow"]
)


@TABLES
def test_every_status_has_a_row(kind: Any, moves: Any) -> None:
    assert set(moves) == set(kind)


@TABLES
def test_every_status_can_be_reached_and_leads_to_an_end(kind: Any, moves: Any) -> None:
    reached = {kind.PENDING}
    while grown := {onward for status in reached for onward in moves[status]} - reached:
        reached |= grown

    assert reached == set(kind)
    for status in kind:
        if moves[status]:
            assert kind.FAILED in moves[status]


def test_a_status_that_leads_nowhere_is_an_end() -> None:
    assert {StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.SKIPPED} == STEP_ENDED
    assert {WorkflowStatus.COMPLETED, WorkflowStatus.FAILED, WorkflowStatus.CANCELLED} == WORKFLOW_ENDED


@pytest.mark.parametrize("status", list(StepStatus))
@pytest.mark.parametrize("onward", list(StepStatus))
def test_a_step_moves_only_as_the_table_says(status: StepStatus, onward: StepStatus) -> None:
    step = SimpleNamespace(status=status)

    if onward in STEP_MOVES[status]:
        move_step(step, onward)
        assert step.status is onward
    else:
        with pytest.raises(RuntimeError, match="can't go from"):
            move_step(step, onward)
        assert step.status is status


@pytest.mark.parametrize("status", list(WorkflowStatus))
@pytest.mark.parametrize("onward", list(WorkflowStatus))
def test_a_workflow_moves_only_as_the_table_says(status: WorkflowStatus, onward: WorkflowStatus) -> None:
    workflow = SimpleNamespace(status=status)

    if onward in WORKFLOW_MOVES[status]:
        move_workflow(workflow, onward)
        assert workflow.status is onward
    else:
        with pytest.raises(RuntimeError, match="can't go from"):
            move_workflow(workflow, onward)
        assert workflow.status is status
