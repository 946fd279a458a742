"""WorkerRegistrations from their declaration to Ready, and what interrupts that."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from herder.controller.kube import Forbidden, Rejected
from herder.controller.objects import Key
from herder.engine import WorkflowEngine
from herder.gateway.errors import Transient, Unauthorized
from herder.gateway.spec import WorkerSpec
from unit.controller.fake_kube import Call
from unit.controller.office import ENDPOINTS, GATEWAY, Office, working
from unit.engine.kit import virtual_time


def posts(office: Office) -> int:
    return sum(replica.count("add_worker") for replica in office.replicas.values())


@virtual_time
async def test_a_worker_becomes_ready_on_every_replica_with_four_writes_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with working(monkeypatch) as office:
        key = office.worker()
        await office.registered(key)
        writes = office.writes(key)

        assert [office.listed(endpoint) for endpoint in ENDPOINTS] == [["http://a:8000"]] * 2
        assert office.kube.status(key)["registered"] == "2/2"
        assert writes <= 4


@virtual_time
async def test_nothing_is_written_while_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:
        registered = office.worker("a")
        foreign = office.worker("b")
        office.a.enter(WorkerSpec(url="http://b:8000"))
        sick = office.worker("c", up=False, startup={"timeoutSeconds": 1})
        keyed = office.worker("d", apiKeySecretRef={"name": "none", "key": "token"})
        await office.registered(registered)
        await office.until(office.says(foreign, "ForeignEntry"))
        await office.until(office.says(sick, "WorkerUnreachable"))
        await office.until(office.says(keyed, "SecretNotFound"))
        await asyncio.sleep(60)
        before = len([call for call in office.kube.calls if call.method != "GET"])

        await asyncio.sleep(3600)

        assert len([call for call in office.kube.calls if call.method != "GET"]) == before


@virtual_time
async def test_nothing_is_sent_before_the_status_says_that_a_run_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:
        seen: list[str | None] = []
        posted = office.a.add_worker

        async def add_worker(spec: WorkerSpec) -> str:
            seen.append(office.kube.status(key).get("workflow", {}).get("status"))
            return await posted(spec)

        monkeypatch.setattr(office.a, "add_worker", add_worker)
        key = office.worker()
        await office.registered(key)

        assert seen == ["Running"]


@virtual_time
async def test_a_deleted_worker_is_off_every_replica_before_its_finalizer_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:
        key = office.worker()
        await office.registered(key)
        listed_at_release: list[list[str]] = []

        async def look(call: Call) -> None:
            if call.method == "PATCH" and (call.body or {}).get("metadata", {}).get("finalizers") == []:
                listed_at_release.append([url for endpoint in ENDPOINTS for url in office.listed(endpoint)])

        office.kube.gate = look
        office.kube.delete(key)
        await office.until(lambda: office.is_gone(key))
        await asyncio.sleep(1)

        assert listed_at_release == [[]]
        assert office.told(key)[-1] == ("Normal", "Removed")


INTERRUPTIONS: dict[str, dict[str, Any]] = {
    "suspended": {"suspend": True},
    "its Secret is missing": {"apiKeySecretRef": {"name": "none", "key": "token"}},
    "changed": {"priority": 7},
}


@pytest.mark.parametrize("changed", INTERRUPTIONS.values(), ids=INTERRUPTIONS)
def test_a_worker_whose_registration_was_interrupted_right_after_it_was_sent_is_never_left_behind(
    changed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    @virtual_time
    async def run() -> None:
        async with working(monkeypatch) as office:
            key = office.worker(up=False, probe="Gateway")
            await office.until(lambda: posts(office) == 2)
            office.worker(up=False, probe="Gateway", **changed)
            await asyncio.sleep(0.05)

            office.kube.delete(key)
            await asyncio.sleep(1)
            office.workers["http://a:8000"].rise()
            await office.until(lambda: office.is_gone(key))
            left = [office.listed(endpoint) for endpoint in ENDPOINTS]
            pending = [replica.pending for replica in office.replicas.values()]

            assert (left, pending) == ([[], []], [[], []])

    run()


@virtual_time
async def test_a_cancelled_worker_is_never_left_behind_either(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:
        key = office.worker(up=False, probe="Gateway")
        await office.until(lambda: posts(office) == 2)
        office.annotate(key, cancel="now")
        await office.until(office.says(key, "Cancelled"))
        await asyncio.sleep(5)  # observed once more

        office.kube.delete(key)
        await asyncio.sleep(1)
        office.workers["http://a:8000"].rise()
        await office.until(lambda: office.is_gone(key))

        assert [replica.pending + list(replica.listed) for replica in office.replicas.values()] == [[], []]


@virtual_time
async def test_what_a_killed_operator_may_have_sent_is_looked_for_before_its_resource_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with working(monkeypatch) as office:
        key = office.worker(up=False, probe="Gateway")
        await office.until(lambda: posts(office) == 2)
        await office.stop()
        known = [row.get("workerId") for row in office.kube.status(key).get("replicas", [])]
        office.kube.delete(key)

        office.operator = office.hire()
        await office.start()
        await asyncio.sleep(5)
        office.workers["http://a:8000"].rise()
        await office.until(lambda: office.is_gone(key))

        assert not any(known)
        assert [replica.pending + list(replica.listed) for replica in office.replicas.values()] == [[], []]


@virtual_time
async def test_a_registration_that_has_failed_while_the_gateway_still_tries_is_never_left_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with working(monkeypatch) as office:
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


@virtual_time
async def test_each_cancellation_ends_one_run_also_one_that_waits_for_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:
        monkeypatch.setattr(office.operator._runs, "_places", asyncio.Semaphore(0))
        key = office.worker()
        await office.until(lambda: office.operator._runs.of_key(key))

        office.annotate(key, cancel="c1")
        await office.until(office.says(key, "Cancelled"))
        await asyncio.sleep(30)

        status = office.kube.status(key)
        assert status["workflow"]["status"] == "Cancelled"
        assert status["lastHandled"] == {"cancel": "c1"}
        assert [run["status"] for run in status["history"]] == ["Cancelled"]
        assert posts(office) == 0


@virtual_time
async def test_a_cancellation_that_was_asked_for_while_nobody_was_there_ends_the_run_that_was_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with working(monkeypatch) as office:
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
        assert posts(office) == 0


@virtual_time
async def test_a_stopped_operator_leaves_every_status_as_it_is_and_the_next_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with working(monkeypatch) as office:
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


@virtual_time
async def test_a_write_that_meets_a_conflict_while_its_run_is_stopped_does_not_say_that_it_was_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with working(monkeypatch) as office:
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


@virtual_time
async def test_a_start_that_is_not_taken_is_tried_again_and_nothing_is_sent_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with working(monkeypatch) as office:
        is_wrong = True

        async def refuse(call: Call) -> None:
            if is_wrong and call.path.endswith("a/status"):
                raise Rejected("422")

        office.kube.gate = refuse
        key = office.worker()
        await asyncio.sleep(100)
        tries, sent = office.kube.count("PATCH", "a/status"), posts(office)
        is_wrong = False
        await office.registered(key)

        assert sent == 0
        assert 3 <= tries <= 10


@virtual_time
async def test_an_end_that_is_not_taken_does_not_make_the_run_go_round(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:

        async def refuse(call: Call) -> None:
            if (call.body or {}).get("status", {}).get("history"):
                raise Rejected("422")

        office.kube.gate = refuse
        office.worker()
        await asyncio.sleep(100)

        assert office.kube.count("PATCH", "a/status") <= 30
        assert posts(office) == 2


@virtual_time
async def test_rights_that_are_taken_away_for_a_while_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:
        has_rights = False

        async def refuse(call: Call) -> None:
            if call.method == "PATCH" and not has_rights:
                raise Forbidden("403")

        office.kube.gate = refuse
        key = office.worker()
        await asyncio.sleep(120)
        has_rights = True

        await office.registered(key)


@virtual_time
async def test_objects_that_can_not_be_written_to_keep_no_hand_from_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:
        bad = [office.worker(f"bad{number}", up=False) for number in range(12)]
        for key in bad:
            await office.until(office.has_begun(key))

        async def refuse(call: Call) -> None:
            if call.method == "PATCH" and "/bad" in call.path:
                raise Forbidden("403")

        office.kube.gate = refuse
        for number in range(12):
            office.worker(f"bad{number}", up=False, priority=7)
        await asyncio.sleep(0.1)
        good = office.worker("good")

        await office.until(office.says(good, "Registered"), within_s=5)


@pytest.mark.parametrize("error", [Unauthorized("403"), Transient("503")], ids=["refused", "broken"])
def test_a_gateway_that_can_be_read_but_takes_no_worker_is_not_tried_without_end(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    @virtual_time
    async def run() -> None:
        async with working(monkeypatch) as office:
            for replica in office.replicas.values():
                replica.fails["add_worker"] = [error] * 10_000
            key = office.worker()
            await asyncio.sleep(1000)
            sent, told = posts(office), Counter(event["reason"] for event in office.kube.events)
            for replica in office.replicas.values():
                replica.fails.clear()
            await office.registered(key)

            assert sent < 400
            assert max(told.values()) < 40

    run()


@virtual_time
async def test_a_removal_for_another_url_that_fails_is_not_tried_without_a_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with working(monkeypatch) as office:
        key = office.worker()
        await office.registered(key)
        office.a.fails["delete_worker"] = [Unauthorized("403")] * 10_000

        office.worker(url="http://new:8000")
        await asyncio.sleep(600)
        tries = office.a.count("delete_worker")
        office.a.fails.clear()
        await office.until(lambda: office.listed() == ["http://new:8000"])

        assert 1 < tries < 300


@virtual_time
async def test_a_removal_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:
        key = office.worker(drain={"settleSeconds": 0, "onTimeout": "Keep"})
        await office.registered(key)
        office.a.fails["delete_worker"] = [Unauthorized("403")] * 10_000

        office.kube.delete(key)
        await office.until(lambda: len(office.kube.status(key)["history"]) > 1)

        assert office.kube.status(key)["history"][0]["status"] == "Failed"
        assert "403" in office.condition(key)["message"]
        office.a.fails.clear()
        await office.until(lambda: office.is_gone(key))


@virtual_time
async def test_an_overdue_object_that_somebody_else_holds_is_left_in_peace(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:
        key = office.worker()
        await office.registered(key)
        finalizers = office.kube.body(key)["metadata"]["finalizers"]
        office.kube.touch(key, finalizers=[*finalizers, "example.com/other"])
        decisions = 0
        decided = office.operator._workers.scout.world

        def count(*args: Any) -> Any:
            nonlocal decisions
            decisions += 1
            return decided(*args)

        monkeypatch.setattr(office.operator._workers.scout, "world", count)
        office.kube.delete(key, at="2020-01-01T00:00:00Z")
        await asyncio.sleep(60)

        assert office.kube.body(key)["metadata"]["finalizers"] == ["example.com/other"]
        assert decisions < 20


@virtual_time
async def test_a_forced_release_is_told_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:
        key = office.worker()
        await office.registered(key)
        office.a.hangs = True

        office.kube.delete(key, at="2020-01-01T00:00:00Z")
        await office.until(lambda: office.is_gone(key))
        await asyncio.sleep(0.1)

        assert office.told(key)[-1] == ("Warning", "Released")


@virtual_time
async def test_an_orphaned_entry_stays_and_is_not_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:
        key = office.worker(deletionPolicy="Orphan")
        await office.registered(key)

        office.kube.delete(key)
        await office.until(lambda: office.is_gone(key))
        await asyncio.sleep(120)

        assert [office.listed(endpoint) for endpoint in ENDPOINTS] == [["http://a:8000"]] * 2


@virtual_time
async def test_a_replica_that_hangs_does_not_keep_an_orphaning_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:
        key = office.worker(deletionPolicy="Orphan")
        await office.registered(key)
        office.a.hangs = True

        office.kube.delete(key)

        await office.until(lambda: office.is_gone(key), within_s=3)


@virtual_time
async def test_what_was_forced_is_swept_once_its_replica_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:
        key = office.worker()
        await office.registered(key)
        office.a.away = True
        office.kube.delete(key, at="2020-01-01T00:00:00Z")
        await office.until(lambda: office.is_gone(key))
        was_left = office.listed()

        office.a.come_back()
        await office.until(lambda: office.listed() == [])

        assert was_left == ["http://a:8000"]


CHANGING = {"add_worker", "replace_worker", "delete_worker", "patch_worker", "pending_add"}


@virtual_time
async def test_a_gateway_that_comes_to_be_only_observed_is_changed_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:
        there = office.worker("there", deletionPolicy="Orphan")
        await office.registered(there)
        coming = office.worker("coming", up=False)
        await office.until(lambda: "detect_connection" in office.kube.status(coming).get("progress", ""))

        office.gateway(mode="Observe")
        await office.until(office.says(coming, "Observed"))
        for replica in office.replicas.values():
            replica.calls.clear()
        office.workers["http://coming:8000"].rise()
        office.kube.delete(there)
        await office.until(lambda: office.is_gone(there))
        await asyncio.sleep(60)

        assert [CHANGING & set(replica.calls) for replica in office.replicas.values()] == [set(), set()]
        office.gateway(mode="Enforce")
        await office.registered(coming)


@virtual_time
async def test_an_object_that_vanishes_in_a_run_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:
        for number in range(20):
            key = office.worker(f"w{number}", up=bool(number % 2))
            await office.until(office.has_begun(key))
            office.kube.remove(key)
        await asyncio.sleep(30)

        operator = office.operator
        assert list(operator.objects) == [GATEWAY]
        assert (len(operator._runs), len(operator._writer), len(operator._workers.memories)) == (0, 1, 0)
        assert operator._runs._places._value == 32


@virtual_time
async def test_an_object_that_vanishes_while_its_start_is_written_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with working(monkeypatch) as office:
        on_its_way = asyncio.Event()

        async def hold(call: Call) -> None:
            if call.path.endswith("a/status"):
                on_its_way.set()
                await asyncio.sleep(5)

        office.kube.gate = hold
        key = office.worker()
        await on_its_way.wait()
        office.kube.remove(key)
        await asyncio.sleep(30)

        assert (len(office.operator._runs), dict(office.operator._workers.memories)) == (0, {})


@virtual_time
async def test_an_object_that_the_finalizer_can_not_be_taken_off_any_more_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with working(monkeypatch) as office:
        key = office.worker(suspend=True)
        await office.until(office.says(key, "Suspended"))
        office.kube.delete(key)
        office.kube.bodies.pop(key.path)  # and nobody tells

        await office.until(lambda: office.operator.objects.get(key) is None, within_s=1)

        assert dict(office.operator._workers.memories) == {}


@virtual_time
async def test_a_worker_that_moves_to_a_url_that_is_taken_is_taken_off_its_own_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with working(monkeypatch) as office:
        office.kube.touch(office.worker("older"), creationTimestamp="2000-01-01T00:00:00Z")
        key = office.worker("mover")
        await office.registered(key)

        office.worker("mover", url="http://older:8000")
        await office.until(office.says(key, "Conflict"))

        assert office.listed() == ["http://older:8000"]


@virtual_time
async def test_an_object_whose_going_is_only_noticed_by_a_write_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with working(monkeypatch) as office:
        older, younger = office.worker("older", url="http://w"), office.worker("younger", url="http://w")
        await office.registered(older)
        await office.until(office.says(younger, "Conflict"))
        office.kube.delete(older)
        await asyncio.sleep(0)
        office.is_deaf = True
        office.kube.bodies.pop(older.path)
        office.operator.queue.add(older)

        await office.until(lambda: office.operator.objects.get(older) is None)
        office.is_deaf = False
        await office.registered(younger)

        assert len(office.operator._workers.memories) == 1


@pytest.mark.parametrize("how", ["its URL changes", "it goes"])
def test_when_the_older_of_two_gives_the_url_up_the_other_is_told(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    @virtual_time
    async def run() -> None:
        async with working(monkeypatch) as office:
            older = office.worker("older", url="http://w", suspend=True)
            await office.until(office.says(older, "Suspended"))
            office.kube.touch(older, creationTimestamp="2000-01-01T00:00:00Z")
            younger = office.worker("younger", url="http://w")
            await office.until(office.says(younger, "Conflict"))

            if how == "it goes":
                office.kube.remove(older)
            else:
                office.worker("older", url="http://other", suspend=True)

            await office.until(office.says(younger, "Registered"), within_s=1)

    run()


@virtual_time
async def test_an_object_made_anew_under_the_same_name_gets_a_run_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:
        key = office.worker(up=False)
        await office.until(office.has_begun(key))
        office.is_deaf = True
        office.kube.remove(key)
        office.is_deaf = False

        office.worker(up=False)
        office.workers["http://a:8000"].rise()
        await office.registered(key)

        assert len(office.kube.status(key)["history"]) == 1
        assert len(office.operator._workers.memories) == 1


@virtual_time
async def test_runs_that_wait_long_give_their_places_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:
        monkeypatch.setattr(office.operator._runs, "_places", asyncio.Semaphore(1))
        for number in range(3):
            office.worker(f"down{number}", up=False)
        await asyncio.sleep(5)

        await office.registered(office.worker("up"))
        await asyncio.sleep(1)

        assert office.operator._runs._places._value == 1


@virtual_time
async def test_a_defect_in_a_run_is_logged_and_the_run_begun_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:
        resume, failures = office.operator._runs._engine.resume_workflow, iter([True])

        async def break_once(engine: WorkflowEngine, state: Any) -> str:
            if next(failures, False):
                raise ZeroDivisionError
            return await resume(state)

        monkeypatch.setattr(WorkflowEngine, "resume_workflow", break_once)

        await office.registered(office.worker())


@virtual_time
async def test_a_retry_is_done_once_for_each_token(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:
        key = office.worker()
        await office.registered(key)

        office.annotate(key, retry="r1")
        await office.until(lambda: len(office.kube.status(key)["history"]) == 2)
        await asyncio.sleep(30)

        assert len(office.kube.status(key)["history"]) == 2
        assert office.kube.status(key)["lastHandled"] == {"retry": "r1"}


@virtual_time
async def test_a_gateway_on_its_way_out_lets_its_workers_go(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:
        key = office.worker(drain={"settleSeconds": 0, "onTimeout": "Keep"})
        await office.registered(key)
        for replica in office.replicas.values():
            replica.hangs = True
        office.kube.delete(key)
        await asyncio.sleep(5)
        was_held = not office.is_gone(key)
        office.kube.touch(GATEWAY, finalizers=["example.com/other"])

        office.kube.delete(GATEWAY)
        await office.until(lambda: office.is_gone(key), within_s=5)

        assert was_held


@virtual_time
async def test_no_secret_is_in_a_status_or_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:
        key = office.worker(apiKeySecretRef={"name": "key", "key": "token"})
        office.kube.bodies[f"/api/v1/namespaces/{key.namespace}/secrets/key"] = {
            "kind": "Secret",
            "data": {"token": "Y2FuYXJ5LTU1"},
        }
        await office.until(lambda: office.a.posted)
        await office.registered(key)

        assert office.a.posted[0].api_key == "canary-55"
        assert "canary" not in str([call.body for call in office.kube.calls])


def test_a_key_says_which_object_it_is_of() -> None:
    assert str(Key("WorkerRegistration", "ns", "a")) == "workerregistration/ns/a"
