"""Runs that are suspended, cancelled, replaced or left: what they sent is not forgotten."""

import asyncio
from typing import Any

import pytest

from herder.controller.running.places import Places
from herder.gateway.spec import WorkerSpec
from unit.controller.fake_kube import Call
from unit.controller.office import ENDPOINTS, Office, at_work
from unit.engine.kit import elapsed_s

INTERRUPTIONS: dict[str, dict[str, Any]] = {
    "suspended": {"suspend": True},
    "its Secret is missing": {"apiKeySecretRef": {"name": "none", "key": "token"}},
    "changed": {"priority": 7},
}


@pytest.mark.parametrize("changed", INTERRUPTIONS.values(), ids=INTERRUPTIONS)
@at_work
async def test_a_worker_whose_registration_was_interrupted_right_after_it_was_sent_is_never_left_behind(
    office: Office, changed: dict[str, Any]
) -> None:
    key = office.worker(up=False, probe="Gateway")
    await office.until(lambda: office.posts == 2)
    office.worker(up=False, probe="Gateway", **changed)
    await asyncio.sleep(0.05)

    office.kube.delete(key)
    await asyncio.sleep(1)
    office.workers["http://a:8000"].rise()
    await office.until(lambda: office.is_gone(key))
    left = [office.listed(endpoint) for endpoint in ENDPOINTS]
    pending = [replica.pending for replica in office.replicas.values()]

    assert (left, pending) == ([[], []], [[], []])


@at_work
async def test_a_cancelled_worker_is_never_left_behind_either(office: Office) -> None:
    key = office.worker(up=False, probe="Gateway")
    await office.until(lambda: office.posts == 2)
    office.annotate(key, cancel="now")
    await office.until(office.says(key, "Cancelled"))
    await asyncio.sleep(5)  # observed once more

    office.kube.delete(key)
    await asyncio.sleep(1)
    office.workers["http://a:8000"].rise()
    await office.until(lambda: office.is_gone(key))

    assert [replica.pending + list(replica.listed) for replica in office.replicas.values()] == [[], []]


@at_work
async def test_what_a_killed_operator_may_have_sent_is_looked_for_before_its_resource_goes(office: Office) -> None:
    key = office.worker(up=False, probe="Gateway")
    await office.until(lambda: office.posts == 2)
    await office.kill()
    known = [row.get("workerId") for row in office.kube.status(key).get("replicas", [])]
    office.kube.delete(key)

    office.operator = office.hire()
    await office.start()
    await asyncio.sleep(5)
    office.workers["http://a:8000"].rise()
    await office.until(lambda: office.is_gone(key))

    assert not any(known)
    assert [replica.pending + list(replica.listed) for replica in office.replicas.values()] == [[], []]


@at_work
async def test_a_registration_that_has_failed_while_the_gateway_still_tries_is_never_left_behind(
    office: Office,
) -> None:
    for replica in office.replicas.values():
        replica._startup_timeout_s = 300
    key = office.worker(up=False, probe="Gateway", startup={"timeoutSeconds": 3})
    await office.until(office.says(key, "StepFailed"))
    office.a.enter(WorkerSpec(url="http://other"))  # a new list, for everybody to look at
    await asyncio.sleep(60)

    office.kube.delete(key)
    await asyncio.sleep(5)
    office.workers["http://a:8000"].rise()
    await office.until(lambda: office.is_gone(key))

    assert [replica.pending for replica in office.replicas.values()] == [[], []]
    assert office.listed() == ["http://other"]


@at_work
async def test_each_cancellation_ends_one_run_also_one_that_waits_for_its_turn(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office.operator.deciding.runs, "_places", Places(0))
    key = office.worker()
    await office.until(lambda: office.operator.deciding.runs.of_key(key))

    office.annotate(key, cancel="c1")
    await office.until(office.says(key, "Cancelled"))
    await asyncio.sleep(30)

    status = office.kube.status(key)
    assert status["workflow"]["status"] == "Cancelled"
    assert status["lastHandled"] == {"cancel": "c1"}
    assert [run["status"] for run in status["history"]] == ["Cancelled"]
    assert office.posts == 0


@at_work
async def test_a_cancellation_that_was_asked_for_while_nobody_was_there_ends_the_run_that_was_left(
    office: Office,
) -> None:
    key = office.worker(up=False)
    await office.until(office.has_begun(key))
    await office.stop()
    office.annotate(key, cancel="c1")
    office.workers["http://a:8000"].rise()

    office.operator = office.hire()
    await office.start()
    await office.until(office.says(key, "Cancelled"))
    await asyncio.sleep(30)

    assert office.kube.status(key)["workflow"]["status"] == "Cancelled"
    assert office.posts == 0


@at_work
async def test_a_stopped_operator_leaves_every_status_as_it_is_and_the_next_goes_on(office: Office) -> None:
    key = office.worker(up=False)
    await office.until(lambda: "detect_connection" in office.kube.status(key).get("progress", ""))
    await asyncio.sleep(5)
    before = office.kube.status(key)

    await office.stop()
    after = office.kube.status(key)
    office.operator = office.hire()
    await office.start()
    office.workers["http://a:8000"].rise()
    await office.registered(key)

    assert after == before
    assert office.kube.status(key)["workflow"]["instanceId"] == before["workflow"]["instanceId"]


@at_work
async def test_a_write_that_meets_a_conflict_while_its_run_is_stopped_does_not_say_that_it_was_cancelled(
    office: Office,
) -> None:
    key = office.worker(up=False, apiKeySecretRef={"name": "key", "key": "token"})
    secret = f"/api/v1/namespaces/{key.namespace}/secrets/key"
    office.kube.bodies[secret] = {"kind": "Secret", "data": {"token": "azE="}}
    await office.until(lambda: "detect_connection" in office.kube.status(key).get("progress", ""))

    async def slow_and_late(call: Call) -> None:
        if call.path.endswith("/status"):
            office.kube.touch(key, labels={"touched": str(len(office.kube.calls))})
            await asyncio.sleep(1)

    office.kube.gate = slow_and_late
    del office.kube.bodies[secret]
    await asyncio.sleep(40)
    office.kube.gate = lambda _call: asyncio.sleep(0)
    office.kube.bodies[secret] = {"kind": "Secret", "data": {"token": "azE="}}
    office.workers["http://a:8000"].rise()
    await office.registered(key)

    assert [run["status"] for run in office.kube.status(key)["history"]] == ["Completed"]


@at_work
async def test_a_change_of_the_url_that_is_cancelled_while_the_former_one_drains_ends_when_it_is_asked_for(
    office: Office,
) -> None:
    key = office.worker(drain={"settleSeconds": 20})
    await office.registered(key)
    office.worker("a", url="http://b:8000", drain={"settleSeconds": 20})
    await asyncio.sleep(2)

    office.annotate(key, cancel="c1")
    await asyncio.sleep(100)
    said, before, kept = office.condition(key)["reason"], office.writes(key), office.kube.status(key)["former"]
    await asyncio.sleep(100)
    after = office.writes(key)
    office.annotate(key, retry="r1")
    await office.until(lambda: not office.kube.status(key).get("former"))

    assert (said, after, len(kept)) == ("Registered", before, 1)
    assert office.listed() == ["http://b:8000"]


@at_work
async def test_a_run_that_is_stopped_while_its_end_is_being_written_is_in_the_history(office: Office) -> None:
    key = office.worker(up=False, startup={"timeoutSeconds": 3})
    is_changed = False

    async def change(call: Call) -> None:
        nonlocal is_changed
        if (call.body or {}).get("status", {}).get("history") and not is_changed:
            is_changed = True
            office.worker("a", up=False, priority=9, startup={"timeoutSeconds": 3})
            await asyncio.sleep(1)

    office.kube.gate = change
    await asyncio.sleep(60)

    history = office.kube.status(key)["history"]
    assert [(run["status"], run["failedStep"]) for run in history] == [("Failed", "detect_connection")] * 2


@at_work
async def test_a_cancel_while_it_is_suspended_ends_the_run_that_was_interrupted(office: Office) -> None:
    key = office.worker(up=False)
    await office.until(lambda: "detect_connection" in office.kube.status(key).get("progress", ""))
    office.worker(suspend=True)
    await office.until(office.says(key, "Suspended"))

    office.annotate(key, cancel="c1")
    await office.until(lambda: office.kube.status(key).get("lastHandled") == {"cancel": "c1"})
    await asyncio.sleep(60)

    status = office.kube.status(key)
    assert (status["workflow"]["status"], status["history"][0]["status"]) == ("Cancelled", "Cancelled")
    assert office.says(key, "Suspended")()
    assert office.told(key)[-1] == ("Normal", "Suspended")


@at_work
async def test_a_cancel_of_nothing_is_confirmed_while_it_is_suspended_and_a_retry_waits(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    office.worker(suspend=True)
    await office.until(office.says(key, "Suspended"))
    before = office.kube.status(key)["workflow"]

    office.annotate(key, cancel="c1", retry="r1")
    await office.until(lambda: office.kube.status(key).get("lastHandled") == {"cancel": "c1"})
    await asyncio.sleep(60)
    while_suspended = office.kube.status(key)
    office.worker()
    await office.until(lambda: office.kube.status(key)["lastHandled"] == {"cancel": "c1", "retry": "r1"})
    await office.registered(key)

    assert (while_suspended["workflow"], while_suspended["lastHandled"]) == (before, {"cancel": "c1"})
    assert len(office.kube.status(key)["history"]) == 2


@at_work
async def test_what_a_run_came_to_in_the_last_moment_is_written_when_the_operator_stops(office: Office) -> None:
    key = office.worker(up=False, probe="Gateway")
    await office.until(lambda: office.posts == 2)
    before = [row.get("workerId") for row in office.kube.status(key).get("replicas", [])]

    await office.stop()

    left = office.kube.status(key)
    assert not any(before)
    assert ["workerId" in row for row in left["replicas"]] == [True, True]
    assert left["workflow"]["status"] == "Running"


@at_work
async def test_a_run_that_has_just_ended_is_written_as_that_when_the_operator_stops(office: Office) -> None:
    ends = asyncio.Event()

    async def hold_end(call: Call) -> None:
        status = (call.body or {}).get("status") or {}
        if status.get("workflow", {}).get("status") == "Completed":
            ends.set()
            await asyncio.sleep(1)

    office.kube.gate = hold_end
    key = office.worker()
    await ends.wait()

    await office.stop()

    assert office.kube.status(key)["workflow"]["status"] == "Completed"


@at_work
async def test_an_api_server_that_takes_nothing_holds_up_the_end_for_three_seconds_at_most(office: Office) -> None:
    key = office.worker(up=False, probe="Gateway")
    await office.until(lambda: office.posts == 2)

    async def hold(call: Call) -> None:
        if call.method == "PATCH":
            await asyncio.Event().wait()

    office.kube.gate = hold
    began_s = elapsed_s()
    await office.stop()

    assert elapsed_s() - began_s <= 3.5
    assert office.kube.status(key)["workflow"]["status"] == "Running"
