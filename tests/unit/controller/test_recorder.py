"""Which changes of a status are told as Events, and which of them as Warnings; and what becomes of a flood of them."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from herder.api.conditions import ReadyReason, ReconcilingReason
from herder.api.status import EPOCH_LIMIT
from herder.controller.known.objects import Body, Key
from herder.controller.status.recorder import EventRecorder, record_disbelief, record_transition
from unit.controller.fake_kube import FakeKube
from unit.engine.kit import virtual_time

KEY = Key("WorkerRegistration", "ns", "a")


class Told(EventRecorder):
    """Keeps what is recorded."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bool]] = []

    def record(self, key: Key, body: Body, *, reason: str, message: str, is_warning: bool) -> None:
        self.told.append((reason, is_warning))


def status(ready: str, reason: ReadyReason, reconciling: ReconcilingReason | None = None) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready, "reason": reason.value, "message": "said"}]
    if reconciling is not None:
        conditions.append({"type": "Reconciling", "status": "True", "reason": reconciling.value, "message": "said"})
    return {"conditions": conditions}


REGISTERED = status("True", ReadyReason.REGISTERED)
BEGUN = status("False", ReadyReason.REGISTERING, ReconcilingReason.PROGRESSING)
RETRIED = status("False", ReadyReason.REGISTERING, ReconcilingReason.PROGRESSING_WITH_RETRY)

CASES: dict[str, tuple[dict[str, Any], dict[str, Any], list[tuple[str, bool]]]] = {
    "a sick worker is a warning": (
        REGISTERED,
        status("False", ReadyReason.WORKER_NOT_READY),
        [("WorkerNotReady", True)],
    ),
    "that something is retried is not told": (BEGUN, RETRIED, []),
    "a missing Secret is a warning": (
        REGISTERED,
        status("False", ReadyReason.SECRET_NOT_FOUND),
        [("SecretNotFound", True)],
    ),
    "what was asked for is none": (REGISTERED, status("False", ReadyReason.SUSPENDED), [("Suspended", False)]),
    "a beginning is none": (REGISTERED, BEGUN, [("Registering", False)]),
}


@pytest.mark.parametrize(("before", "after", "told"), CASES.values(), ids=CASES)
def test_what_is_told_and_how(before: dict[str, Any], after: dict[str, Any], told: list[tuple[str, bool]]) -> None:
    recorder = Told()

    record_transition(recorder, KEY, {"status": before}, after)

    assert recorder.told == told


@pytest.mark.parametrize(
    ("said", "told"),
    [
        pytest.param(EPOCH_LIMIT, [("EpochNotBelieved", True)], id="of no operator"),
        pytest.param(EPOCH_LIMIT - 1, [], id="of an operator"),
        pytest.param(None, [], id="none"),
    ],
)
def test_that_an_epoch_was_not_believed_is_a_warning(said: int | None, told: list[tuple[str, bool]]) -> None:
    recorder = Told()

    record_disbelief(recorder, KEY, {"status": {"epoch": said}})

    assert recorder.told == told


@virtual_time
async def test_events_that_are_too_many_are_counted_and_each_flood_is_logged_once() -> None:
    kube, dropped = FakeKube(), list[str]()
    recorder = EventRecorder(kube, dropped=dropped.append)
    body: Body = {"metadata": {"uid": "u", "resourceVersion": "1"}}

    def flood() -> None:
        for number in range(1003):
            recorder.record(KEY, body, reason="Drifted", message=str(number), is_warning=True)

    with capture_logs() as logs:
        flood()
        telling = asyncio.create_task(recorder.run())
        while len(kube.events) < 1000:  # noqa: ASYNC110  (time is virtual)
            await asyncio.sleep(0.01)
        flood()
    telling.cancel()

    assert dropped == ["Full"] * 6
    assert [entry["event"] for entry in logs] == ["events.flooded"] * 2
