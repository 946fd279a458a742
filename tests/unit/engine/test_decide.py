"""What starts next, and how a standstill ends: tables."""

import pytest

from herder.engine import FailureAction, StepDefinition, StepState, StepStatus, WorkflowDefinition, WorkflowStatus
from herder.engine.decide import Progress, failure, first_candidates, may_start, progress_of, standstill
from herder.engine.plan import Plan
from unit.engine.kit import Step, noop

STEPS: list[Step] = [
    StepDefinition("root", noop),
    StepDefinition("goes_on", noop, failure_action=FailureAction.CONTINUE_NEXT_STEP),
    StepDefinition("both", noop, depends_on=["root", "goes_on"]),
    StepDefinition("either", noop, depends_on_any=["root", "goes_on"]),
    StepDefinition("mixed", noop, depends_on=["root"], depends_on_any=["goes_on", "both"]),
]
PLAN = Plan.of(WorkflowDefinition("wf", STEPS))


@pytest.mark.parametrize(
    ("satisfied", "startable"),
    [
        pytest.param([], ["root", "goes_on"], id="at the beginning"),
        pytest.param(["root"], ["goes_on", "either"], id="one of two is not all"),
        pytest.param(["goes_on"], ["root", "either"], id="any is one"),
        pytest.param(["root", "goes_on"], ["both", "either", "mixed"], id="all of one and any of the other"),
        pytest.param(["root", "goes_on", "both"], ["either", "mixed"], id="further on"),
        pytest.param(list(PLAN.steps), [], id="at the end"),
    ],
)
def test_a_step_starts_when_all_and_any_of_its_dependencies_are_satisfied(
    satisfied: list[str], startable: list[str]
) -> None:
    progress = Progress(set(satisfied), set(satisfied))

    assert [step_id for step_id, step in PLAN.steps.items() if may_start(step, progress)] == startable


def test_a_step_that_was_told_to_start_is_not_told_again() -> None:
    progress = Progress(claimed={"root", "goes_on", "either"}, satisfied={"root", "goes_on"})

    assert not may_start(PLAN.steps["either"], progress)


@pytest.mark.parametrize(
    ("status", "is_satisfied"),
    [
        (StepStatus.PENDING, False),
        (StepStatus.RUNNING, False),
        (StepStatus.RETRYING, False),
        (StepStatus.SUCCEEDED, True),
        (StepStatus.SKIPPED, True),
    ],
    ids=str,
)
def test_what_succeeded_or_was_skipped_satisfies(status: StepStatus, is_satisfied: bool) -> None:
    steps = {step_id: StepState() for step_id in PLAN.steps} | {"root": StepState(status)}

    assert ("root" in progress_of(PLAN, steps).satisfied) is is_satisfied


def test_what_failed_satisfies_only_where_its_action_is_to_continue() -> None:
    steps = {step_id: StepState() for step_id in PLAN.steps}
    steps |= {"root": StepState(StepStatus.FAILED), "goes_on": StepState(StepStatus.FAILED)}

    assert progress_of(PLAN, steps).satisfied == {"goes_on"}


def test_the_first_candidates_are_the_roots_unless_something_has_happened() -> None:
    resumed = progress_of(PLAN, {step_id: StepState() for step_id in PLAN.steps})

    assert [step.id for step in first_candidates(PLAN, Progress())] == ["root", "goes_on"]
    assert [step.id for step in first_candidates(PLAN, resumed)] == list(PLAN.steps)


def test_a_standstill_with_everything_satisfied_is_completion() -> None:
    everything = set(PLAN.steps)

    assert standstill(PLAN, Progress(everything, everything)).ok


def test_a_standstill_with_something_left_fails_and_names_it() -> None:
    outcome = standstill(PLAN, Progress({"root", "goes_on"}, {"goes_on"}))

    assert outcome.status is WorkflowStatus.FAILED
    assert outcome.error == "deadlock (not reached: both, either, mixed)"


def test_a_failure_names_its_step_and_what_was_not_reached() -> None:
    outcome = failure(PLAN, Progress({"root", "goes_on", "either", "both"}, {"goes_on"}), "root", "boom")

    assert (outcome.failed_step, outcome.error) == ("root", "boom (not reached: mixed)")
