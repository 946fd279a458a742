"""What a status holds: bounded, exact where it is compared, and read back as it was written."""

import json
from datetime import timedelta

import pytest
from pydantic import ValidationError

from herder.api.base import parse
from herder.api.status import MAX_TOKEN_LENGTH, EntryState, LastHandled, ReplicaEntry, Step, StepStatus, echo
from herder.api.worker import WorkerRegistrationStatus
from unit.api.statuses import NOON, failed_worker, full_gateway


def test_a_status_reads_back_equal() -> None:
    status = failed_worker(replicas=2, steps=7)

    assert parse(WorkerRegistrationStatus, json.loads(json.dumps(status.dump())), at="status") == status


def test_a_moment_finer_than_what_is_written_reads_back_equal() -> None:
    step = Step(name="register", status=StepStatus.RUNNING, started_at=NOON + timedelta(microseconds=7))

    assert parse(Step, step.dump(), at="step") == step
    assert step.dump()["startedAt"] == "2026-11-24T12:00:00.120000Z"


def test_what_is_unset_is_not_written() -> None:
    assert WorkerRegistrationStatus(observed_generation=1).dump() == {
        "observedGeneration": 1,
        "conditions": [],
        "replicas": [],
        "history": [],
    }


def test_long_lists_and_messages_are_cut() -> None:
    status = failed_worker(replicas=300, steps=7)

    assert (len(status.replicas), len(status.history)) == (256, 5)
    assert status.worker is not None
    assert len(status.worker.models) == 64
    assert status.workflow is not None
    assert {len(step.message or "") for step in status.workflow.steps} == {1024}


def test_the_status_of_two_hundred_failing_replicas_stays_below_64_kib() -> None:
    status = failed_worker(replicas=200, steps=8)

    assert len(json.dumps(status.dump(), separators=(",", ":")).encode()) < 64 * 1024


def test_the_status_of_a_gateway_with_two_hundred_replicas_stays_below_64_kib() -> None:
    status = full_gateway(replicas=200)

    assert len(status.plan) == 32
    assert len(json.dumps(status.dump(), separators=(",", ":")).encode()) < 64 * 1024


def test_an_identity_is_never_cut() -> None:
    with pytest.raises(ValidationError, match="at most 128 characters"):
        ReplicaEntry(endpoint="http://gw", state=EntryState.READY, spec_hash="f" * 129)


@pytest.mark.parametrize("token", ["1", "x" * MAX_TOKEN_LENGTH], ids=["short", "as long as fits"])
def test_a_token_is_echoed_as_it_is(token: str) -> None:
    assert echo(token) == token


def test_a_token_too_long_for_a_status_is_echoed_by_its_hash() -> None:
    one, other = echo("x" * 1000), echo("x" * 1001)

    assert one != other
    assert LastHandled(retry=one).retry == one
