"""The two state machines, as tables.

A row lists where a status may go; a terminal status has an empty row. `move` is the only way a status changes.
docs/engine.md draws its diagrams from these tables.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol


class StepStatus(StrEnum):
    """Where one step of an instance stands."""

    PENDING = "Pending"
    RUNNING = "Running"
    RETRYING = "Retrying"
    """An attempt failed; the next one waits for its time."""
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    SKIPPED = "Skipped"


class WorkflowStatus(StrEnum):
    """Where one instance of a workflow stands."""

    PENDING = "Pending"
    RUNNING = "Running"
    PAUSED = "Paused"
    """Running steps go on to their end, no new one starts."""
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


STEP_MOVES: Mapping[StepStatus, frozenset[StepStatus]] = {
    StepStatus.PENDING: frozenset({StepStatus.RUNNING, StepStatus.SKIPPED, StepStatus.FAILED}),
    StepStatus.RUNNING: frozenset({StepStatus.SUCCEEDED, StepStatus.SKIPPED, StepStatus.RETRYING, StepStatus.FAILED}),
    StepStatus.RETRYING: frozenset({StepStatus.RUNNING, StepStatus.FAILED}),
    StepStatus.SUCCEEDED: frozenset(),
    StepStatus.FAILED: frozenset(),
    StepStatus.SKIPPED: frozenset(),
}

WORKFLOW_MOVES: Mapping[WorkflowStatus, frozenset[WorkflowStatus]] = {
    WorkflowStatus.PENDING: frozenset({WorkflowStatus.RUNNING, WorkflowStatus.FAILED, WorkflowStatus.CANCELLED}),
    WorkflowStatus.RUNNING: frozenset(
        {WorkflowStatus.PAUSED, WorkflowStatus.COMPLETED, WorkflowStatus.FAILED, WorkflowStatus.CANCELLED}
    ),
    WorkflowStatus.PAUSED: frozenset({WorkflowStatus.RUNNING, WorkflowStatus.FAILED, WorkflowStatus.CANCELLED}),
    WorkflowStatus.COMPLETED: frozenset(),
    WorkflowStatus.FAILED: frozenset(),
    WorkflowStatus.CANCELLED: frozenset(),
}

STEP_ENDED = frozenset(status for status, onward in STEP_MOVES.items() if not onward)
WORKFLOW_ENDED = frozenset(status for status, onward in WORKFLOW_MOVES.items() if not onward)


class _HasStepStatus(Protocol):
    status: StepStatus


class _HasWorkflowStatus(Protocol):
    status: WorkflowStatus


def move_step(step: _HasStepStatus, status: StepStatus) -> None:
    """Change a step's status. Raises RuntimeError for a move that the table does not have: a bug of the engine."""
    if status not in STEP_MOVES[step.status]:
        raise RuntimeError(f"a step can't go from {step.status} to {status}")
    step.status = status


def move_workflow(workflow: _HasWorkflowStatus, status: WorkflowStatus) -> None:
    """Change a workflow's status. Raises RuntimeError for a move that the table does not have: a bug of the engine."""
    if status not in WORKFLOW_MOVES[workflow.status]:
        raise RuntimeError(f"a workflow can't go from {workflow.status} to {status}")
    workflow.status = status
