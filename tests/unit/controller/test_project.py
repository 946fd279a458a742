"""From what is known to what `.status` says, and back again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from herder.api.base import parse
from herder.api.conditions import Condition
from herder.api.status import EntryState, RunStatus, StepStatus
from herder.api.worker import WorkerRegistrationStatus
from herder.controller.families.discovered import facts_of, worker_of
from herder.controller.listing.observation import Observation
from herder.controller.running.restore import restored_state
from herder.controller.status import claims, endings, of_lists, of_runs, project, run_report
from herder.controller.status.project import Moment, Status
from herder.controller.status.run_report import RunReport
from herder.engine import StepState, WorkflowState, WorkflowStatus
from herder.engine import StepStatus as EngineStepStatus
from herder.net.address import AddressPolicy
from herder.net.http import Http
from herder.workflows.entry import Entry, entries_of
from herder.workflows.errors import Problem
from herder.workflows.facts import Facts
from herder.workflows.probing import Prober
from herder.workflows.registration import registration
from herder.workflows.registration.data import Registration
from rig.kstatus import check
from unit.workflows.made import ID, plan

E1, E2 = "http://replica-1", "http://replica-2"
START = datetime(2030, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
AT = Moment(START + timedelta(seconds=10), 3)
LATER = Moment(AT.now + timedelta(hours=1), 3)
PLAN = plan()
FACTS = Facts("http", "sglang", "0.5", ("mock-model",), 4096, 2)
DEFINITION = registration(60)
DATA = Registration(PLAN, (), Prober(Http(AddressPolicy())))
READY = Entry(EntryState.READY, ID, PLAN.spec_hash, START)
BLANK = WorkerRegistrationStatus()


def state(status: WorkflowStatus, failed_step: str | None = None, **steps: StepState) -> WorkflowState[Any]:
    all_steps = {step.id: steps.get(step.id, StepState()) for step in DEFINITION.steps}
    return WorkflowState("run-1", DEFINITION.id, None, status, all_steps, START, AT.now, failed_step)


DONE = StepState(EngineStepStatus.SUCCEEDED, 1, START, START)
RETRYING = StepState(EngineStepStatus.RETRYING, 4, START, None, "it hangs", AT.now)
RUNNING = state(WorkflowStatus.RUNNING, classify=DONE, detect_connection=RETRYING)
COMPLETED = state(WorkflowStatus.COMPLETED, classify=DONE)
FAILED = state(WorkflowStatus.FAILED, "classify", classify=StepState(EngineStepStatus.FAILED, 1, START, START, "no"))


def report(run: WorkflowState[Any]) -> RunReport:
    return RunReport(
        name="worker-registration",
        instance_id=run.instance_id,
        inputs="inputs",
        state=run,
        problems={"detect_connection": Problem("WorkerUnreachable", "it hangs", True)},
        entries={E1: READY},
        endpoints=(E1, E2),
        gateway="gw",
        shown={"worker": worker_of(PLAN, FACTS)},
        former={},
        spec_hash=PLAN.spec_hash,
    )


def observation(state: EntryState = EntryState.READY) -> Observation:
    return Observation({E1: Entry(state, ID, PLAN.spec_hash, START)}, frozenset(), frozenset())


def written(status: Status) -> Status:
    """The status as the API server gives it back."""
    return parse(WorkerRegistrationStatus, status.dump(), at="status")


def _without_news(projection: "Project", base: Status) -> Status:
    return projection(base, AT).model_copy(update={"conditions": base.conditions})


type Project = Callable[[Status, Moment], Status]

PROJECTIONS: dict[str, Project] = {
    "a run in progress": lambda base, at: run_report.with_run(
        base, report(RUNNING), of_runs.running(report(RUNNING).steps, is_removal=False), at
    ),
    "a completed run": lambda base, at: run_report.with_ended_run(
        base, report(COMPLETED), of_lists.settled(observation()), at
    ),
    "a failed run": lambda base, at: run_report.with_ended_run(
        base, report(FAILED), of_runs.failed("classify", Problem("StepFailed", "no", False), is_removal=False), at
    ),
    "an observation": lambda base, at: project.with_observation(
        base, observation(), of_lists.settled(observation()), at
    ),
    "an observation after a failure": lambda base, at: project.with_observation(
        project.with_claims(base, of_runs.cancelled(), at), observation(), None, at
    ),
    "suspended": lambda base, at: project.with_claims(base, claims.suspended(), at),
    "a stopped run": lambda base, at: endings.paused(PROJECTIONS["a run in progress"](base, at)),
    "a cancelled run": lambda base, at: project.with_claims(
        endings.cancelled(_without_news(PROJECTIONS["a stopped run"], base), AT), of_runs.cancelled(), at
    ),
    "tokens": lambda base, at: project.with_tokens(
        project.with_claims(base, claims.suspended(), at), retry="r", cancel="c"
    ),
}


@pytest.mark.parametrize("projection", PROJECTIONS.values(), ids=PROJECTIONS)
def test_writing_it_again_would_change_nothing(projection: Project) -> None:
    first = written(projection(BLANK, AT))

    again = projection(first, LATER)

    assert again.dump() == first.dump()


@pytest.mark.parametrize("projection", PROJECTIONS.values(), ids=PROJECTIONS)
def test_every_status_keeps_the_rules_of_kstatus(projection: Project) -> None:
    status = projection(BLANK, AT)

    assert check(status.conditions, AT.generation, status.observed_generation) == []


def test_the_time_of_a_condition_moves_only_when_it_flips() -> None:
    suspended = project.with_claims(BLANK, claims.suspended(), AT)
    cancelled = project.with_claims(suspended, of_runs.cancelled(), LATER)
    registered = project.with_claims(cancelled, of_lists.settled(observation()), LATER)

    assert ready(cancelled).last_transition_time == ready(suspended).last_transition_time
    assert ready(registered).last_transition_time == LATER.now.replace(microsecond=0)


def ready(status: Status) -> Condition:
    return next(condition for condition in status.conditions if condition.type == "Ready")


def test_a_run_shows_its_steps_and_why_one_is_retried() -> None:
    status = run_report.with_run(BLANK, report(RUNNING), of_runs.running(report(RUNNING).steps, is_removal=False), AT)

    assert status.workflow is not None
    steps = {step.name: step for step in status.workflow.steps}
    assert status.progress == f"1/{len(steps)} detect_connection"
    assert (steps["classify"].status, steps["classify"].reason) == (StepStatus.SUCCEEDED, None)
    assert (steps["detect_connection"].reason, steps["detect_connection"].message) == ("WorkerUnreachable", "it hangs")
    assert steps["detect_connection"].next_retry_at is not None
    assert (status.workflow.finished_at, status.history) == (None, ())


def test_a_replica_counts_as_registered_only_with_what_is_declared_now() -> None:
    is_now = run_report.with_run(BLANK, report(RUNNING), claims.suspended(), AT)
    old = RunReport(**{name: getattr(report(RUNNING), name) for name in RunReport.__slots__} | {"spec_hash": "other"})
    is_old = run_report.with_run(BLANK, old, claims.suspended(), AT)

    assert (is_now.registered, is_old.registered) == ("1/2", "0/2")


def test_the_history_keeps_the_last_five_runs_the_newest_first() -> None:
    status: Status = BLANK
    for number in range(7):
        run = state(WorkflowStatus.FAILED, "classify", classify=FAILED.steps["classify"])
        run.created_at = START + timedelta(minutes=number)
        status = written(run_report.with_ended_run(status, report(run), claims.suspended(), AT))

    minutes = [run.started_at.minute for run in status.history if run.started_at]
    assert minutes == [6, 5, 4, 3, 2]
    assert {(run.status, run.failed_step) for run in status.history} == {(RunStatus.FAILED, "classify")}


def test_a_stopped_run_that_had_ended_stays_as_it_ended() -> None:
    ended = PROJECTIONS["a failed run"](BLANK, AT)

    assert endings.paused(ended) == ended
    assert endings.cancelled(ended, AT) == ended


def test_a_token_once_handled_is_not_forgotten_by_the_next() -> None:
    first = project.with_tokens(BLANK, retry="r1", cancel=None)
    second = project.with_tokens(first, retry=None, cancel="c1")

    assert second.last_handled is not None
    assert second.last_handled.dump() == {"retry": "r1", "cancel": "c1"}
    assert project.with_tokens(BLANK, retry=None, cancel=None) == BLANK


def test_a_run_goes_on_from_its_status_where_it_was() -> None:
    shown = written(PROJECTIONS["a run in progress"](BLANK, AT)).workflow
    assert shown is not None

    restored = restored_state(DEFINITION, shown, DATA)

    millisecond = START.replace(microsecond=123000)
    assert restored.instance_id == RUNNING.instance_id
    assert restored.created_at == millisecond
    assert restored.steps["classify"] == StepState(EngineStepStatus.SUCCEEDED, 1, millisecond, millisecond)
    assert restored.steps["detect_connection"].attempts == 4
    assert restored.steps["detect_connection"].started_at == millisecond
    assert restored.steps["detect_connection"].next_retry_at is not None
    assert restored.steps["register"] == StepState()


def test_a_step_that_this_version_does_not_have_is_left_out() -> None:
    shown = PROJECTIONS["a run in progress"](BLANK, AT).workflow
    assert shown is not None
    former = shown.model_copy(update={"steps": (shown.steps[0].model_copy(update={"name": "former"}),)})

    restored = restored_state(DEFINITION, former, DATA)

    assert list(restored.steps) == [step.id for step in DEFINITION.steps]


def test_records_and_facts_are_read_back_as_they_were_written() -> None:
    status = written(PROJECTIONS["a run in progress"](BLANK, AT))

    assert entries_of(status.replicas) == {
        E1: Entry(EntryState.READY, ID, PLAN.spec_hash, START.replace(microsecond=0))
    }
    assert isinstance(status, WorkerRegistrationStatus)
    assert facts_of(status.worker) == FACTS
    assert facts_of(None) == Facts()
