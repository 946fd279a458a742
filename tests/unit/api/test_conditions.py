"""How conditions follow each other."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from herder.api.conditions import (
    Claim,
    Condition,
    ReadyReason,
    ReconcilingReason,
    StalledReason,
    Truth,
    merge,
    ready,
    reconciling,
    stalled,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)

WORKING = (
    ready(Truth.FALSE, ReadyReason.REGISTERING, "2 of 7 steps are done"),
    reconciling(ReconcilingReason.PROGRESSING, "discover_metadata is running"),
)
DONE = (ready(Truth.TRUE, ReadyReason.REGISTERED, "on 2 of 2 replicas"),)
STUCK = (
    ready(Truth.FALSE, ReadyReason.STEP_FAILED, "register failed"),
    stalled(StalledReason.STEP_FAILED, "register failed: change the spec or annotate herder.dev/retry"),
)


def _facts(conditions: Sequence[Condition]) -> list[tuple[str, str, datetime]]:
    return [(each.type, each.status.value, each.last_transition_time) for each in conditions]


def test_the_first_conditions_begin_now() -> None:
    conditions = merge((), WORKING, NOON, 1)

    assert _facts(conditions) == [("Ready", "False", NOON), ("Reconciling", "True", NOON)]


def test_a_condition_whose_status_flips_begins_anew() -> None:
    before = merge((), WORKING, NOON, 1)

    after = merge(before, DONE, LATER, 1)

    assert _facts(after) == [("Ready", "True", LATER)]


def test_a_condition_whose_status_stays_keeps_its_time_under_a_new_reason() -> None:
    before = merge((), WORKING, NOON, 1)

    after = merge(before, STUCK, LATER, 2)

    assert _facts(after) == [("Ready", "False", NOON), ("Stalled", "True", LATER)]
    assert after[0].reason == "StepFailed"


def test_conditions_that_say_the_same_stay_equal() -> None:
    before = merge((), WORKING, NOON, 1)

    assert merge(before, WORKING, LATER, 1) == before


def test_every_condition_is_of_the_generation_that_it_speaks_of() -> None:
    before = merge((), WORKING, NOON, 1)

    assert {each.observed_generation for each in merge(before, WORKING, LATER, 2)} == {2}


def test_claims_may_come_in_any_order() -> None:
    assert merge((), reversed(WORKING), NOON, 1) == merge((), WORKING, NOON, 1)


def test_a_condition_of_somebody_else_is_kept_behind_ours() -> None:
    theirs = Condition(
        type="Audited", status=Truth.TRUE, observed_generation=1, last_transition_time=NOON, reason="Ok", message=""
    )

    after = merge((theirs, *merge((), WORKING, NOON, 1)), DONE, LATER, 1)

    assert [each.type for each in after] == ["Ready", "Audited"]
    assert after[1] == theirs


@pytest.mark.parametrize(
    "claims",
    [(), WORKING[1:], (*WORKING, STUCK[1]), (DONE[0], WORKING[0]), (*WORKING, WORKING[1])],
    ids=["nothing", "no Ready", "Reconciling and Stalled", "Ready twice", "Reconciling twice"],
)
def test_claims_that_contradict_each_other_are_refused(claims: tuple[Claim, ...]) -> None:
    with pytest.raises(ValueError, match="claim Ready once"):
        merge((), claims, NOON, 1)


def test_a_transition_is_timed_to_the_second_in_utc() -> None:
    condition = merge((), DONE, NOON + timedelta(microseconds=123_456), 1)[0]

    assert condition.dump()["lastTransitionTime"] == "2026-11-24T12:00:00Z"


def test_a_message_that_is_too_long_is_cut() -> None:
    condition = merge((), (ready(Truth.FALSE, ReadyReason.STEP_FAILED, "x" * 5000),), NOON, 1)[0]

    assert (len(condition.message), condition.message[-2:]) == (1024, "x…")
