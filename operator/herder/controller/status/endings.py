"""How `.status` shows the end of a run that did not come to it by itself, and the runs that were: pure.

Each function takes the status as it is on the API server and returns the one that should be there.
"""

from herder.api.status import (
    MAX_HISTORY,
    PastRun,
    RunStatus,
)
from herder.controller.status.project import Moment, Status


def paused(base: Status) -> Status:
    """The run in progress was stopped between two writes: its steps and records are exact, another may go on."""
    return _with_run_status(base, RunStatus.PAUSED)


def called_off(base: Status) -> Status:
    """The last run has failed and would have been tried again, which was cancelled on demand."""
    run = base.workflow
    if run is None:
        return base
    past = tuple(
        each.model_copy(update={"status": RunStatus.CANCELLED}) if each.started_at == run.started_at else each
        for each in base.history
    )
    workflow = run.model_copy(update={"status": RunStatus.CANCELLED})
    return base.model_copy(update={"workflow": workflow, "history": past})


def cancelled(base: Status, at: Moment) -> Status:
    """The run in progress was cancelled on demand, which ends it."""
    status = _with_run_status(base, RunStatus.CANCELLED)
    run = status.workflow
    if run is None or run.status is not RunStatus.CANCELLED or run.finished_at is not None:
        return status
    past = PastRun(name=run.name, status=run.status, started_at=run.started_at, finished_at=at.now)
    return status.model_copy(
        update={
            "workflow": run.model_copy(update={"finished_at": past.finished_at}),
            "history": joined(base.history, past),
        }
    )


def _with_run_status(base: Status, status: RunStatus) -> Status:
    run = base.workflow
    if run is None or run.finished_at is not None:
        return base
    return base.model_copy(update={"workflow": run.model_copy(update={"status": status})})


def joined(history: tuple[PastRun, ...], past: PastRun) -> tuple[PastRun, ...]:
    """Return the history with a run in it once, though its end be written again."""
    others = (each for each in history if (each.name, each.started_at) != (past.name, past.started_at))
    return (past, *others)[:MAX_HISTORY]
