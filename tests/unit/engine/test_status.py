"""The two state machines are their tables."""

from typing import Any

import pytest

from herder.engine import STEP_ENDED, STEP_MOVES, WORKFLOW_ENDED, WORKFLOW_MOVES, StepStatus, WorkflowStatus
from herder.engine.status import ALL_STEP_MOVES, ALL_WORKFLOW_MOVES, ENDINGS

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


@pytest.mark.parametrize("move", [*ALL_STEP_MOVES, *ALL_WORKFLOW_MOVES], ids=lambda move: move.name)
def test_a_move_that_the_table_does_not_have_is_an_error(move: Any) -> None:
    kind = type(next(iter(move)))

    for status in kind:
        if status in move:
            assert move[status] is not status
        else:
            with pytest.raises(RuntimeError, match=f"{move.name}: not from {status}"):
                move[status]


def test_every_end_has_its_move() -> None:
    assert set(ENDINGS) == WORKFLOW_ENDED
    assert all(set(move.values()) == {end} for end, move in ENDINGS.items())
