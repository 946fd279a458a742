"""The two state machines, as tables.

A move is a table of its own: from which status it leads to which. Looking up a status in it is the only way a status
changes, and what is not in it is an error, so what is not written here can't happen. What may follow a status,
STEP_MOVES and WORKFLOW_MOVES, is read off the moves, and so are the diagrams in docs/engine.md. A terminal status has
an empty row.
"""

from collections.abc import Mapping
from enum import StrEnum


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
    """What runs goes on to its end, nothing new begins."""
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class Move[S: StrEnum](dict[S, S]):
    """One kind of move: `step.status = BEGIN[step.status]`. Raises RuntimeError where there is none, a bug of ours."""

    def __init__(self, name: str, moves: Mapping[S, S]) -> None:
        super().__init__(moves)
        self.name = name

    def __missing__(self, status: S) -> S:
        raise RuntimeError(f"{self.name}: not from {status}")


BEGIN = Move("begin", {StepStatus.PENDING: StepStatus.RUNNING, StepStatus.RETRYING: StepStatus.RUNNING})
SUCCEED = Move("succeed", {StepStatus.RUNNING: StepStatus.SUCCEEDED})
SKIP = Move("skip", {StepStatus.PENDING: StepStatus.SKIPPED, StepStatus.RUNNING: StepStatus.SKIPPED})
RETRY = Move("retry", {StepStatus.RUNNING: StepStatus.RETRYING})
GIVE_UP = Move(
    "give up",
    {
        StepStatus.PENDING: StepStatus.FAILED,
        StepStatus.RUNNING: StepStatus.FAILED,
        StepStatus.RETRYING: StepStatus.FAILED,
    },
)

START = Move("start", {WorkflowStatus.PENDING: WorkflowStatus.RUNNING})
PAUSE = Move("pause", {WorkflowStatus.RUNNING: WorkflowStatus.PAUSED})
GO_ON = Move("go on", {WorkflowStatus.PAUSED: WorkflowStatus.RUNNING})
COMPLETE = Move(
    "complete",
    {WorkflowStatus.RUNNING: WorkflowStatus.COMPLETED, WorkflowStatus.PAUSED: WorkflowStatus.COMPLETED},
)
FAIL = Move(
    "fail",
    {
        WorkflowStatus.PENDING: WorkflowStatus.FAILED,
        WorkflowStatus.RUNNING: WorkflowStatus.FAILED,
        WorkflowStatus.PAUSED: WorkflowStatus.FAILED,
    },
)
CANCEL = Move(
    "cancel",
    {
        WorkflowStatus.PENDING: WorkflowStatus.CANCELLED,
        WorkflowStatus.RUNNING: WorkflowStatus.CANCELLED,
        WorkflowStatus.PAUSED: WorkflowStatus.CANCELLED,
    },
)

ALL_STEP_MOVES: tuple[Move[StepStatus], ...] = (BEGIN, SUCCEED, SKIP, RETRY, GIVE_UP)
ALL_WORKFLOW_MOVES: tuple[Move[WorkflowStatus], ...] = (START, PAUSE, GO_ON, COMPLETE, FAIL, CANCEL)

ENDINGS: Mapping[WorkflowStatus, Move[WorkflowStatus]] = {
    WorkflowStatus.COMPLETED: COMPLETE,
    WorkflowStatus.FAILED: FAIL,
    WorkflowStatus.CANCELLED: CANCEL,
}
"""The move that leads to each end."""

STEP_MOVES: Mapping[StepStatus, frozenset[StepStatus]] = {
    status: frozenset(move[status] for move in ALL_STEP_MOVES if status in move) for status in StepStatus
}
WORKFLOW_MOVES: Mapping[WorkflowStatus, frozenset[WorkflowStatus]] = {
    status: frozenset(move[status] for move in ALL_WORKFLOW_MOVES if status in move) for status in WorkflowStatus
}

STEP_ENDED = frozenset(status for status, onward in STEP_MOVES.items() if not onward)
WORKFLOW_ENDED = frozenset(status for status, onward in WORKFLOW_MOVES.items() if not onward)
