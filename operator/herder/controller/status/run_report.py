"""From a run as it stands to what `.status` says of it: pure.

Each function takes the status as it is on the API server and returns the one that should be there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from herder.api.base import ApiModel
from herder.api.conditions import merge
from herder.api.status import (
    Draining,
    EntryState,
    PastRun,
    RunStatus,
    Step,
    StepStatus,
    WorkflowRun,
)
from herder.controller.status.claims import Claims
from herder.controller.status.endings import joined
from herder.controller.status.project import Moment, Status, rows
from herder.engine import StepState, WorkflowState
from herder.workflows.entry import REGISTERED, Entry
from herder.workflows.errors import Problem

_DONE: Final = frozenset({StepStatus.SUCCEEDED, StepStatus.SKIPPED})
_AT_WORK: Final = (StepStatus.RETRYING, StepStatus.RUNNING, StepStatus.FAILED, StepStatus.PENDING)
_NOTHING: Final = Entry(EntryState.ABSENT)


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
    as_before: frozenset[str] = frozenset()
    """The replicas that have it as it was before, under a former key."""
    summary: Mapping[str, str | None] = field(default_factory=dict)
    """What sums up what was found out, under the names of the fields of the status."""
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
    done = sum(_is_as_declared(run, e) or e in run.as_before for e in run.endpoints)
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
            **run.summary,
        }
    )


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
    return status.model_copy(update={"history": joined(base.history, past)})


def completed(found: ApiModel | None, known: ApiModel | None, key_in: str) -> ApiModel | None:
    """While something is found out anew, what was known of it under the same key goes on being shown."""
    if found is None or known is None or getattr(found, key_in) != getattr(known, key_in):
        return found
    return known.model_copy(update={name: value for name, value in found if value})


def _is_as_declared(run: RunReport, endpoint: str) -> bool:
    entry = run.entries.get(endpoint, _NOTHING)
    return run.spec_hash is not None and entry.state in REGISTERED and entry.spec_hash == run.spec_hash


def progress_of(steps: Iterable[Step]) -> str:
    """Return what the STEP column shows: how many steps are done, and which one is next, such as 5/8 register."""
    steps = tuple(steps)
    done = sum(step.status in _DONE for step in steps)
    current = next((step for status in _AT_WORK for step in steps if step.status is status), None)
    return f"{done}/{len(steps)} {current.name}" if current else f"{done}/{len(steps)}"


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
