"""From what is known to what `.status` says: pure, so that writing it again changes nothing.

Each function takes the status as it is on the API server and returns the one that should be there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from herder.api.base import ApiModel
from herder.api.conditions import merge
from herder.api.status import (
    MAX_HISTORY,
    Draining,
    EntryState,
    LastHandled,
    PastRun,
    ReplicaEntry,
    RunStatus,
    Step,
    StepStatus,
    WorkflowRun,
    WorkflowStatus,
)
from herder.controller.listing.observation import Observation
from herder.controller.status.claims import Claims
from herder.engine import StepState, WorkflowState
from herder.workflows.entry import REGISTERED, Entry
from herder.workflows.errors import Problem

_DONE: Final = frozenset({StepStatus.SUCCEEDED, StepStatus.SKIPPED})
_AT_WORK: Final = (StepStatus.RETRYING, StepStatus.RUNNING, StepStatus.FAILED, StepStatus.PENDING)

type Status = WorkflowStatus


@dataclass(frozen=True, slots=True)
class Moment:
    """When, and for which generation of the spec, something is said."""

    now: datetime
    generation: int


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run as it stands: everything of it that a status shows."""

    name: str
    instance_id: str
    inputs: str
    state: WorkflowState[object]
    problems: Mapping[str, Problem]
    entries: Mapping[str, Entry]
    endpoints: tuple[str, ...]
    gateway: str | None
    """The name of the gateway on which something of it may be; None where nothing is any more."""
    shown: Mapping[str, ApiModel | None]
    """What was found out, under the name of its field in the status."""
    former: Mapping[str, tuple[ApiModel, ...] | None]
    """What it has under former keys, under the name of its field in the status."""
    spec_hash: str | None
    """None for a removal: nothing is registered as declared any more."""
    drain: Draining | None = field(default=None)
    is_listed: bool = True
    """Whether replicas list it."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """Return the steps as a status lists them."""
        return tuple(_step(name, state, self.problems.get(name)) for name, state in self.state.steps.items())


def with_run(base: Status, run: RunReport, claims: Claims, at: Moment) -> Status:
    """A run is in progress or has just ended."""
    steps = run.steps
    finished_at = run.state.updated_at if run.state.status not in {"Pending", "Running", "Paused"} else None
    workflow = WorkflowRun(
        name=run.name,
        instance_id=run.instance_id,
        generation=at.generation,
        inputs=run.inputs,
        status=RunStatus(run.state.status.value),
        started_at=run.state.created_at,
        finished_at=finished_at,
        steps=steps,
    )
    done = sum(run.entries.get(e, _NOTHING).state in REGISTERED and _is_as_declared(run, e) for e in run.endpoints)
    return base.model_copy(
        update={
            "observed_generation": at.generation,
            "conditions": merge(base.conditions, claims, at.now, at.generation),
            "progress": progress_of(steps),
            "registered": f"{done}/{len(run.endpoints)}" if run.is_listed else None,
            "workflow": workflow,
            "replicas": rows(run.entries, run.endpoints),
            "gateway": run.gateway,
            "drain": run.drain,
            **run.shown,
            **run.former,
        }
    )


_NOTHING: Final = Entry(EntryState.ABSENT)


def _is_as_declared(run: RunReport, endpoint: str) -> bool:
    return run.spec_hash is not None and run.entries[endpoint].spec_hash == run.spec_hash


def completed(found: ApiModel | None, known: ApiModel | None, key_in: str) -> ApiModel | None:
    """While something is found out anew, what was known of it under the same key goes on being shown."""
    if found is None or known is None or getattr(found, key_in) != getattr(known, key_in):
        return found
    return known.model_copy(update={name: value for name, value in found if value})


def with_ended_run(base: Status, run: RunReport, claims: Claims, at: Moment) -> Status:
    """A run has ended: as `with_run`, and the run joins the history."""
    status = with_run(base, run, claims, at)
    failed = run.state.failed_step
    problem = run.problems.get(failed) if failed else None
    past = PastRun(
        name=run.name,
        status=RunStatus(run.state.status.value),
        started_at=run.state.created_at,
        finished_at=run.state.updated_at,
        failed_step=failed,
        message=problem.message if problem else None,
    )
    return status.model_copy(update={"history": _joined(base.history, past)})


def _joined(history: tuple[PastRun, ...], past: PastRun) -> tuple[PastRun, ...]:
    """Return the history with a run in it once, though its end be written again."""
    others = (each for each in history if (each.name, each.started_at) != (past.name, past.started_at))
    return (past, *others)[:MAX_HISTORY]


def with_observation(base: Status, observation: Observation, claims: Claims | None, at: Moment) -> Status:
    """No run is in progress: what the replicas list is shown. Without claims the conditions stay as they are."""
    status = base if claims is None else with_claims(base, claims, at)
    shown = rows(observation.entries, observation.entries) if observation.said is None else ()
    return status.model_copy(update={"registered": observation.registered, "replicas": shown, **observation.shown})


def abandoned(base: Status, shown_in: str, no_former: Mapping[str, tuple[ApiModel, ...] | None]) -> Status:
    """What is registered elsewhere is left to itself: nothing is known of this resource on any replica."""
    place = {"gateway": None, "drain": None, "replicas": (), "registered": None, shown_in: None}
    return base.model_copy(update={**place, **no_former})


def without_former(base: Status, no_former: Mapping[str, tuple[ApiModel, ...] | None]) -> Status:
    """What it may still have under former keys is left to itself."""
    return base.model_copy(update={"drain": None, **no_former})


def with_drain(base: Status, drain: Draining | None) -> Status:
    """Since when, and until when, it is being taken off."""
    return base.model_copy(update={"drain": drain})


def with_claims(base: Status, claims: Claims, at: Moment) -> Status:
    """Nothing but the conditions has changed."""
    conditions = merge(base.conditions, claims, at.now, at.generation)
    return base.model_copy(update={"observed_generation": at.generation, "conditions": conditions})


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
            "history": _joined(base.history, past),
        }
    )


def _with_run_status(base: Status, status: RunStatus) -> Status:
    run = base.workflow
    if run is None or run.finished_at is not None:
        return base
    return base.model_copy(update={"workflow": run.model_copy(update={"status": status})})


def with_tokens(base: Status, *, retry: str | None, cancel: str | None) -> Status:
    """The one-off actions with these tokens are being done."""
    before = base.last_handled or LastHandled()
    after = LastHandled(retry=retry or before.retry, cancel=cancel or before.cancel)
    return base if after == LastHandled() else base.model_copy(update={"last_handled": after})


def progress_of(steps: Iterable[Step]) -> str:
    """Return what the STEP column shows: how many steps are done, and which one is next, such as 5/8 register."""
    steps = tuple(steps)
    done = sum(step.status in _DONE for step in steps)
    current = next((step for status in _AT_WORK for step in steps if step.status is status), None)
    return f"{done}/{len(steps)} {current.name}" if current else f"{done}/{len(steps)}"


def rows(entries: Mapping[str, Entry], endpoints: Iterable[str]) -> tuple[ReplicaEntry, ...]:
    """Return what each replica says, in the order of the gateway's endpoints."""
    return tuple(
        ReplicaEntry(
            endpoint=endpoint,
            worker_id=entries[endpoint].worker_id,
            state=entries[endpoint].state,
            spec_hash=entries[endpoint].spec_hash,
            verified_at=entries[endpoint].verified_at,
        )
        for endpoint in endpoints
        if endpoint in entries
    )


def unseen(base: Status) -> Status:
    """There is no gateway to ask: what is registered is not known any more. Registrations under way stay noted."""
    shown = tuple(
        row.model_copy(update={"state": EntryState.UNKNOWN}) if row.state in _SEEN else row for row in base.replicas
    )
    if not shown:
        return base
    return base.model_copy(update={"replicas": shown, "registered": f"0/{len(shown)}"})


_SEEN: Final = REGISTERED | {EntryState.DRAINING}


def _step(name: str, state: StepState, problem: Problem | None) -> Step:
    has_failed = state.status in {"Retrying", "Failed"}
    has_trouble = has_failed or (state.status == "Running" and state.attempts > 1)
    if has_failed and problem is None:
        problem = Problem("StepFailed", state.error or "no reason was given", retryable=True)
    return Step(
        name=name,
        status=StepStatus(state.status.value),
        attempts=state.attempts,
        started_at=state.started_at,
        finished_at=state.finished_at,
        next_retry_at=state.next_retry_at,
        reason=problem.reason if problem and has_trouble else None,
        message=problem.message if problem and has_trouble else None,
    )
