"""What an API server or a gateway does not take: tried again, with pauses, at nobody else's cost."""

import asyncio
from collections import Counter

import pytest

from herder.controller.cluster.errors import Forbidden, Rejected
from herder.gateway.errors import Transient, Unauthorized
from unit.controller.fake_kube import Call
from unit.controller.office import Office, at_work


@at_work
async def test_a_start_that_is_not_taken_is_tried_again_and_nothing_is_sent_meanwhile(office: Office) -> None:
    is_wrong = True

    async def refuse(call: Call) -> None:
        if is_wrong and call.path.endswith("a/status"):
            raise Rejected("422")

    office.kube.gate = refuse
    key = office.worker()
    await asyncio.sleep(100)
    tries, sent = office.kube.count("PATCH", "a/status"), office.posts
    is_wrong = False
    await office.registered(key)

    assert sent == 0
    assert 3 <= tries <= 10


@at_work
async def test_an_end_that_is_not_taken_does_not_make_the_run_go_round(office: Office) -> None:
    async def refuse(call: Call) -> None:
        if (call.body or {}).get("status", {}).get("history"):
            raise Rejected("422")

    office.kube.gate = refuse
    office.worker()
    await asyncio.sleep(100)

    assert office.kube.count("PATCH", "a/status") <= 30
    assert office.posts == 2


@at_work
async def test_rights_that_are_taken_away_for_a_while_lose_nothing(office: Office) -> None:
    has_rights = False

    async def refuse(call: Call) -> None:
        if call.method == "PATCH" and not has_rights:
            raise Forbidden("403")

    office.kube.gate = refuse
    key = office.worker()
    await asyncio.sleep(120)
    has_rights = True

    await office.registered(key)


@at_work
async def test_objects_that_can_not_be_written_to_keep_no_hand_from_the_others(office: Office) -> None:
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
@at_work
async def test_a_gateway_that_can_be_read_but_takes_no_worker_is_not_tried_without_end(
    office: Office, error: Exception
) -> None:
    for replica in office.replicas.values():
        replica.fails["add_worker"] = [error] * 10_000
    key = office.worker()
    await asyncio.sleep(1000)
    sent, told = office.posts, Counter(event["reason"] for event in office.kube.events)
    for replica in office.replicas.values():
        replica.fails.clear()
    await office.registered(key)

    assert sent < 400
    assert max(told.values()) < 40


@at_work
async def test_a_removal_for_another_url_that_fails_is_not_tried_without_a_pause(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    office.a.fails["delete_worker"] = [Unauthorized("403")] * 10_000

    office.worker(url="http://new:8000")
    await asyncio.sleep(600)
    tries = office.a.count("delete_worker")
    office.a.fails.clear()
    await office.until(lambda: office.listed() == ["http://new:8000"])

    assert 1 < tries < 300


@at_work
async def test_a_removal_that_fails_says_so(office: Office) -> None:
    key = office.worker(drain={"settleSeconds": 0, "onTimeout": "Keep"})
    await office.registered(key)
    office.a.fails["delete_worker"] = [Unauthorized("403")] * 10_000

    office.kube.delete(key)
    await office.until(lambda: len(office.kube.status(key)["history"]) > 1)

    assert office.kube.status(key)["history"][0]["status"] == "Failed"
    assert "403" in office.condition(key)["message"]
    office.a.fails.clear()
    await office.until(lambda: office.is_gone(key))
