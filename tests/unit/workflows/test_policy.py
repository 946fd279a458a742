"""How often a worker is asked whether it is up, and what the steps' clocks allow."""

from typing import Any

import pytest

from herder.engine import WorkflowDefinition
from herder.workflows.registration import connection_policy, registration
from herder.workflows.removal import removal
from herder.workflows.update import update


@pytest.mark.parametrize(
    ("budget_s", "attempts", "interval_s"),
    [(1, 3, 1.0), (3, 3, 1.0), (20, 18, 1.0), (60, 54, 1.0), (120, 54, 2.0), (300, 54, 5.0), (1800, 324, 5.0)],
)
def test_a_worker_is_asked_for_nine_tenths_of_its_budget(budget_s: float, attempts: int, interval_s: float) -> None:
    policy = connection_policy(budget_s)

    assert policy.max_attempts == attempts
    assert policy.next_delay(1, 0.0) == interval_s
    assert policy.next_delay(attempts, 0.0) is None


@pytest.mark.parametrize(("budget_s", "limit_s"), [(1, 3.0), (20, 20.0), (1800, 1800.0)])
def test_a_worker_that_takes_long_to_fail_is_not_asked_beyond_its_budget(budget_s: float, limit_s: float) -> None:
    policy = connection_policy(budget_s)

    assert policy.next_delay(2, limit_s - 0.1) is not None
    assert policy.next_delay(2, limit_s) is None


def _delays(definition: WorkflowDefinition[Any], step_id: str, elapsed_s: float) -> float | None:
    retry = next(step.retry for step in definition.steps if step.id == step_id)
    assert retry is not None
    return retry.next_delay(1, elapsed_s)


@pytest.mark.parametrize("step_id", ["detect_backend", "discover_metadata", "discover_dp", "await_ready"])
def test_what_waits_for_the_worker_gives_up_when_the_budget_is_over(step_id: str) -> None:
    definition = registration(20)

    assert _delays(definition, step_id, 19.9) is not None
    assert _delays(definition, step_id, 20.0) is None


@pytest.mark.parametrize(
    "definition", [registration(20), update(20), removal(20)], ids=lambda definition: definition.name
)
def test_every_step_says_how_often_and_how_long_it_is_tried(definition: WorkflowDefinition[Any]) -> None:
    assert [step.id for step in definition.steps if step.retry is None or step.timeout is None] == []


@pytest.mark.parametrize(("timeout_s", "last_s"), [(0, 5.0), (5, 5.0), (300, 300.0)])
@pytest.mark.parametrize("step_id", ["remove", "confirm"])
def test_a_removal_insists_for_its_time_but_at_least_a_little(timeout_s: int, last_s: float, step_id: str) -> None:
    definition = removal(timeout_s)

    assert _delays(definition, step_id, last_s - 0.1) is not None
    assert _delays(definition, step_id, last_s) is None


def test_workflows_of_different_budgets_have_ids_of_their_own() -> None:
    assert (registration(20).id, registration(30).id) == ("worker-registration/20s", "worker-registration/30s")
    assert (registration(20).name, removal(20).name) == ("worker-registration", "worker-removal")
