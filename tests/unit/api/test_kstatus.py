"""The checker finds what would mislead a reader of a status."""

from datetime import UTC, datetime

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
from rig.kstatus import check

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def _condition(kind: str, status: Truth = Truth.TRUE, generation: int = 2, reason: str = "Because") -> Condition:
    return Condition(
        type=kind, status=status, observed_generation=generation, last_transition_time=NOON, reason=reason, message="so"
    )


READY = _condition("Ready")
NOT_READY = _condition("Ready", Truth.FALSE)
UNKNOWN = _condition("Ready", Truth.UNKNOWN)
RECONCILING = _condition("Reconciling")
STALLED = _condition("Stalled")

BROKEN = {
    "no Ready": ((RECONCILING,), 2, "Ready is missing"),
    "nothing at all": ((), 2, "Ready is missing"),
    "no observedGeneration": ((NOT_READY,), None, "observedGeneration is missing"),
    "observedGeneration ahead": ((NOT_READY,), 3, "observedGeneration 3 is ahead of the object's generation 2"),
    "condition ahead": ((NOT_READY,), 1, "Ready is of generation 2, the status only of 1"),
    "Ready while Stalled": ((READY, STALLED), 2, "Ready is True although Stalled is there"),
    "Unknown while Stalled": ((UNKNOWN, STALLED), 2, "Ready is Unknown although Stalled is there"),
    "Unknown and nobody at work": ((UNKNOWN,), 2, "Ready is Unknown without Reconciling"),
    "Reconciling and Stalled": ((NOT_READY, RECONCILING, STALLED), 2, "there together"),
    "Reconciling False": ((READY, _condition("Reconciling", Truth.FALSE)), 2, "Reconciling is False"),
    "Stalled Unknown": ((NOT_READY, _condition("Stalled", Truth.UNKNOWN)), 2, "Stalled is Unknown"),
    "Ready of an old generation": ((_condition("Ready", generation=1),), 1, "generation 2 has not been observed"),
    "Ready of another generation": ((_condition("Ready", generation=1),), 2, "Ready is of generation 1, not of 2"),
    "a type twice": ((NOT_READY, NOT_READY), 2, "Ready is there 2 times"),
    "a reason in words": ((_condition("Ready", Truth.FALSE, reason="not yet"),), 2, "'not yet', which is no CamelCase"),
}

SOUND = {
    "registering": [
        ready(Truth.FALSE, ReadyReason.REGISTERING, ""),
        reconciling(ReconcilingReason.PROGRESSING, ""),
    ],
    "registered": [ready(Truth.TRUE, ReadyReason.REGISTERED, "")],
    "repairing while ready": [
        ready(Truth.TRUE, ReadyReason.REGISTERED, ""),
        reconciling(ReconcilingReason.PROGRESSING_WITH_RETRY, ""),
    ],
    "gateway out of reach": [
        ready(Truth.UNKNOWN, ReadyReason.GATEWAY_UNREACHABLE, ""),
        reconciling(ReconcilingReason.PROGRESSING_WITH_RETRY, ""),
    ],
    "failed": [ready(Truth.FALSE, ReadyReason.STEP_FAILED, ""), stalled(StalledReason.STEP_FAILED, "")],
    "suspended": [ready(Truth.FALSE, ReadyReason.SUSPENDED, "")],
}


@pytest.mark.parametrize(("conditions", "observed", "problem"), BROKEN.values(), ids=BROKEN)
def test_a_status_that_misleads_is_found_out(
    conditions: tuple[Condition, ...], observed: int | None, problem: str
) -> None:
    problems = check(conditions, 2, observed)

    assert any(problem in found for found in problems), problems


@pytest.mark.parametrize("claims", SOUND.values(), ids=SOUND)
def test_a_sound_status_passes(claims: list[Claim]) -> None:
    assert check(merge((), claims, NOON, 2), 2, 2) == []


def test_a_status_may_lag_behind_while_it_does_not_say_ready() -> None:
    assert check(merge((), SOUND["registering"], NOON, 1), 2, 1) == []


def test_every_reason_is_a_camel_case_word() -> None:
    for reason in (*ReadyReason, *ReconcilingReason, *StalledReason):
        condition = _condition("Reconciling", reason=reason)

        assert check((NOT_READY, condition), 2, 2) == []
