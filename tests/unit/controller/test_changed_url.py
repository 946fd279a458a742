"""A worker whose URL was changed: registered under the new one before it is taken off under the old one."""

import asyncio
from functools import partial
from typing import Any

import pytest

from herder.controller.known.objects import Key
from herder.gateway.types import WorkerStatus
from herder.workflows.owner import Owner
from unit.controller.office import ENDPOINTS, Office, at_work

A, B = ENDPOINTS
OLD, NEW = "http://a:8000", "http://b:8000"
QUICK: dict[str, Any] = {"startup": {"timeoutSeconds": 5}}
FORCE: dict[str, Any] = {"settleSeconds": 0, "timeoutSeconds": 20}


async def registered(office: Office, **spec: Any) -> Key:
    """A worker under the old URL."""
    key = office.worker(**spec)
    await office.registered(key)
    return key


def is_pending(office: Office, url: str) -> bool:
    """Whether a replica is registering it."""
    return url in office.a.pending


async def settled(office: Office, key: Key) -> None:
    """Registered, and nothing is left to be done."""
    await office.until(lambda: office.kube.status(key)["workflow"]["status"] == "Completed" and not former(office, key))
    await office.registered(key)


def change(office: Office, url: str = NEW, *, up: bool = True, **spec: Any) -> None:
    """Declare another URL, behind which a worker is up, or not."""
    office.worker("a", url=url, up=up, **spec)


def everywhere(office: Office) -> list[list[str]]:
    """What the replicas list."""
    return [sorted(office.listed(endpoint)) for endpoint in ENDPOINTS]


def former(office: Office, key: Key) -> list[str]:
    """The URLs that the status says it had before."""
    return [row["url"] for row in office.kube.status(key).get("former", [])]


@at_work
async def test_it_serves_under_the_new_url_before_it_leaves_the_old_one(office: Office) -> None:
    key = await registered(office)

    change(office, up=False)
    await office.until(lambda: office.condition(key).get("reason") == "Registering")
    await asyncio.sleep(10)
    before, said, shown = everywhere(office), office.condition(key), former(office, key)
    office.workers[NEW].rise()
    await office.until(lambda: office.listed(A) == [NEW])
    await settled(office, key)

    status = office.kube.status(key)
    assert (before, shown, OLD in said["message"]) == ([[OLD], [OLD]], [OLD], True)
    assert (everywhere(office), status["worker"]["url"], former(office, key)) == ([[NEW], [NEW]], NEW, [])
    assert [run["name"] for run in status["history"]] == ["worker-move", "worker-registration"]
    assert "drain" not in status


@at_work
async def test_a_typo_leaves_the_old_url_serving_and_says_so(office: Office) -> None:
    key = await registered(office)

    change(office, up=False, **QUICK)
    await office.until(lambda: office.condition(key, "Stalled"))
    await asyncio.sleep(600)
    said = office.condition(key)

    assert everywhere(office) == [[OLD], [OLD]]
    assert (said["reason"], OLD in said["message"]) == ("WorkerUnreachable", True)


@at_work
async def test_a_typo_that_is_corrected_is_left_behind_with_the_old_url(office: Office) -> None:
    key = await registered(office)
    change(office, "http://typo:8000", up=False, **QUICK)
    await office.until(lambda: office.condition(key, "Stalled"))

    change(office)
    await office.until(lambda: everywhere(office) == [[NEW], [NEW]])
    await settled(office, key)

    assert former(office, key) == []


@at_work
async def test_a_typo_that_the_replicas_themselves_probe_takes_nothing_out_of_service(office: Office) -> None:
    key = await registered(office, probe="Gateway")

    for wrong in ("http://x:1", "http://y:1", "http://z:1"):
        change(office, wrong, up=False, probe="Gateway")
        await office.until(partial(is_pending, office, wrong))
    kept = everywhere(office)
    change(office, probe="Gateway")
    await office.until(lambda: everywhere(office) == [[NEW], [NEW]])
    await office.until(lambda: former(office, key) == [])
    await settled(office, key)

    assert kept == [[OLD], [OLD]]
    assert (office.a.pending, everywhere(office)) == ([], [[NEW], [NEW]])


@at_work
async def test_of_more_former_urls_than_are_kept_all_are_taken_off_first(office: Office) -> None:
    key = await registered(office, probe="Gateway")

    for number in range(5):
        change(office, f"http://x{number}:1", up=False, probe="Gateway")
        await asyncio.sleep(1)
    change(office, probe="Gateway")
    await office.until(lambda: everywhere(office) == [[NEW], [NEW]], within_s=600)
    await settled(office, key)

    assert (office.a.pending, former(office, key)) == ([], [])


@at_work
async def test_a_url_that_is_changed_back_was_never_touched(office: Office) -> None:
    key = await registered(office)
    ids = [worker.id for worker in office.a.listed]
    change(office, up=False)
    await office.until(lambda: former(office, key) == [OLD])

    change(office, OLD)
    await settled(office, key)

    assert [worker.id for worker in office.a.listed] == ids
    assert (everywhere(office), former(office, key), office.a.count("delete_worker")) == ([[OLD], [OLD]], [], 0)


@at_work
async def test_a_url_that_is_changed_back_while_the_old_one_drains_ends_as_declared(office: Office) -> None:
    drain = {"settleSeconds": 10, "timeoutSeconds": 60}
    key = await registered(office, drain=drain)
    change(office, drain=drain)
    await office.until(lambda: office.a.count("delete_worker") == 1)

    change(office, OLD, drain=drain)
    gaps = 0
    for _ in range(600):
        await asyncio.sleep(0.1)
        gaps += not any(worker.status is WorkerStatus.READY for worker in office.a.listed)
    await settled(office, key)

    assert (gaps, everywhere(office), former(office, key)) == (0, [[OLD], [OLD]], [])


@at_work
async def test_it_is_ready_while_requests_on_the_old_url_end(office: Office) -> None:
    drain = {"settleSeconds": 10, "timeoutSeconds": 60}
    key = await registered(office, drain=drain)

    change(office, drain=drain)
    await office.until(lambda: office.condition(key, "Drained"))
    await asyncio.sleep(3)
    status, said, drained = office.kube.status(key), office.condition(key), office.condition(key, "Drained")
    await office.until(lambda: everywhere(office) == [[NEW], [NEW]])
    await settled(office, key)

    assert (said["status"], said["reason"], OLD in said["message"]) == ("True", "Registered", True)
    assert (drained["status"], status["drain"]["deadline"] > status["drain"]["startedAt"]) == ("False", True)
    assert [row["state"] for row in status["former"][0]["replicas"]] == ["Draining", "Draining"]
    assert office.a.cut_drains == 0
    assert office.condition(key, "Drained") == {}


@at_work
async def test_a_new_url_that_a_replica_finds_sick_takes_nothing_out_of_service(office: Office) -> None:
    key = await registered(office)
    office.a.sick = frozenset({NEW})

    change(office, **QUICK)
    await office.until(lambda: NEW in office.listed(A))
    await asyncio.sleep(60)
    before, said = everywhere(office), office.condition(key)
    office.a.sick = frozenset()
    await office.until(lambda: everywhere(office) == [[NEW], [NEW]])
    await settled(office, key)

    assert before == [[OLD, NEW], [OLD, NEW]]
    assert said["reason"] == "WorkerNotReady"


@pytest.mark.parametrize("probe", ["Direct", "Gateway"])
@at_work
async def test_a_worker_that_is_deleted_on_its_way_is_off_under_both(office: Office, probe: str) -> None:
    key = await registered(office, probe=probe)
    change(office, up=False, probe=probe)
    await office.until(lambda: former(office, key) == [OLD])
    await asyncio.sleep(1)

    office.kube.delete(key)
    await office.until(lambda: office.is_gone(key))
    at_once = everywhere(office)
    office.workers[NEW].rise()
    await asyncio.sleep(600)

    assert at_once == everywhere(office) == [[], []]
    assert office.a.pending == []


@at_work
async def test_a_worker_that_is_left_on_its_way_is_left_under_both(office: Office) -> None:
    key = await registered(office)
    change(office, up=False)
    await office.until(lambda: former(office, key) == [OLD])

    change(office, up=False, deletionPolicy="Orphan")
    await asyncio.sleep(1)
    office.kube.delete(key)
    await office.until(lambda: office.is_gone(key))
    await asyncio.sleep(600)

    assert everywhere(office) == [[OLD], [OLD]]


@at_work
async def test_a_worker_that_goes_to_another_gateway_on_its_way_leaves_nothing_behind(office: Office) -> None:
    office.gateway(A)
    office.kube.apply("ModelGateway", "other", {"endpoints": [B]})
    key = await registered(office)
    change(office, up=False)
    await office.until(lambda: former(office, key) == [OLD])

    change(office, gatewayRef={"name": "other"})
    office.workers[NEW].rise()
    await office.until(lambda: everywhere(office) == [[], [NEW]])
    await settled(office, key)

    assert former(office, key) == []


@at_work
async def test_a_url_that_another_worker_has_is_not_taken_and_the_old_one_stays(office: Office) -> None:
    other = office.worker("b")
    await office.registered(other)
    key = await registered(office)

    change(office)
    await office.until(office.says(key, "Conflict"))
    await asyncio.sleep(600)
    kept, said = everywhere(office), office.condition(key)["message"]
    office.kube.delete(other)
    await office.until(lambda: office.is_gone(other))
    await office.until(lambda: everywhere(office) == [[NEW], [NEW]])
    await settled(office, key)

    assert kept == [[OLD, NEW], [OLD, NEW]]
    assert ("WorkerRegistration b" in said, OLD in said) == (True, True)


@at_work
async def test_two_workers_change_places(office: Office) -> None:
    a, b = await registered(office), office.worker("b")
    await office.registered(b)

    change(office)
    office.worker("b", url=OLD)
    await office.until(lambda: office.kube.status(a)["worker"] != office.kube.status(b).get("worker"))
    await office.until(lambda: [office.kube.status(key).get("worker", {}).get("url") for key in (a, b)] == [NEW, OLD])
    await settled(office, a)
    await settled(office, b)

    assert everywhere(office) == [[OLD, NEW], [OLD, NEW]]
    assert (former(office, a), former(office, b)) == ([], [])


@at_work
async def test_a_worker_takes_the_url_that_another_one_leaves(office: Office) -> None:
    a, b = await registered(office), office.worker("b")
    await office.registered(b)

    change(office)
    office.worker("b", url="http://c:8000")
    await office.until(lambda: everywhere(office) == [[NEW, "http://c:8000"]] * 2)
    await settled(office, a)
    await office.registered(b)


@at_work
async def test_what_a_silent_replica_keeps_under_the_old_url_is_forgotten_in_time_and_swept(office: Office) -> None:
    key = await registered(office, drain=FORCE)
    office.a.away = True

    change(office, drain=FORCE)
    await office.until(lambda: office.listed(B) == [NEW])
    await office.until(lambda: ("Warning", "Abandoned") in office.told(key))
    await office.until(lambda: former(office, key) == [])
    office.a.come_back()
    await office.until(lambda: everywhere(office) == [[NEW], [NEW]])

    await settled(office, key)


@at_work
async def test_what_a_silent_replica_keeps_under_the_old_url_is_remembered_where_it_is_to_be_kept(
    office: Office,
) -> None:
    key = await registered(office, drain=FORCE | {"onTimeout": "Keep"})
    office.a.away = True

    change(office, drain=FORCE | {"onTimeout": "Keep"})
    await office.until(lambda: office.listed(B) == [NEW])
    await asyncio.sleep(600)
    before, writes = former(office, key), office.writes(key)
    await asyncio.sleep(600)
    quiet = office.writes(key) - writes
    office.a.come_back()
    await office.until(lambda: everywhere(office) == [[NEW], [NEW]])
    await office.until(lambda: former(office, key) == [])

    assert (before, quiet) == ([OLD], 0)


@at_work
async def test_a_replica_that_restarts_while_the_old_url_drains_is_given_the_new_one(office: Office) -> None:
    drain = {"settleSeconds": 60, "timeoutSeconds": 100}
    key = await registered(office, drain=drain)
    change(office, drain=drain)
    await office.until(lambda: office.condition(key, "Drained"))

    office.a.restart()
    await office.until(lambda: office.listed(A) == [NEW], within_s=20)
    await office.registered(key)

    assert everywhere(office) == [[NEW], [OLD, NEW]]


@at_work
async def test_a_move_that_is_cancelled_stops_where_it_is_and_goes_on_when_asked_to(office: Office) -> None:
    key = await registered(office)
    change(office, up=False)
    await office.until(lambda: former(office, key) == [OLD])

    office.annotate(key, cancel="c")
    await office.until(office.says(key, "Cancelled"))
    office.workers[NEW].rise()
    await asyncio.sleep(600)
    kept, said = everywhere(office), office.condition(key)["message"]
    office.annotate(key, retry="r")
    await office.until(lambda: everywhere(office) == [[NEW], [NEW]])

    assert kept == [[OLD], [OLD]]
    assert f"{OLD}, as it was before, stays registered" in said


@at_work
async def test_another_process_goes_on_with_a_move(office: Office) -> None:
    drain = {"settleSeconds": 30, "timeoutSeconds": 100}
    key = await registered(office, drain=drain)
    change(office, up=False, drain=drain)
    await office.until(lambda: former(office, key) == [OLD])

    await office.restart()
    office.workers[NEW].rise()
    await office.until(lambda: office.condition(key, "Drained"))
    before = office.kube.status(key)["drain"]["startedAt"]
    await office.restart()
    await asyncio.sleep(5)
    after = office.kube.status(key)["drain"]["startedAt"]
    await office.until(lambda: everywhere(office) == [[NEW], [NEW]])
    await settled(office, key)

    assert before == after
    assert (former(office, key), office.a.cut_drains) == ([], 0)


@at_work
async def test_a_move_that_was_killed_when_all_of_it_was_done_is_ended_as_a_move(office: Office) -> None:
    key = await registered(office)
    change(office)
    await office.until(lambda: everywhere(office) == [[NEW], [NEW]])
    await settled(office, key)
    await office.kill()
    before = office.kube.status(key)
    run = {name: value for name, value in before["workflow"].items() if name != "finishedAt"} | {"status": "Running"}
    office.kube.set_status(key, {**before, "workflow": run, "history": before["history"][1:]})

    office.operator = office.hire()
    await office.start()
    await settled(office, key)

    after = office.kube.status(key)
    assert [run["name"] for run in after["history"]] == ["worker-move", "worker-registration"]
    assert after["workflow"]["steps"] == run["steps"]


@at_work
async def test_nothing_moves_on_a_gateway_that_is_only_observed(office: Office) -> None:
    key = await registered(office)
    office.gateway(mode="Observe")
    await asyncio.sleep(1)

    change(office)
    await office.until(office.says(key, "Observed"))
    await asyncio.sleep(60)

    assert (everywhere(office), former(office, key)) == ([[OLD], [OLD]], [])
    order = f"it would be registered as declared, and then taken off {OLD} on ModelGateway "
    assert order in office.condition(key)["message"]


@at_work
async def test_a_missing_secret_of_the_new_url_leaves_what_is_known_of_the_old_one(office: Office) -> None:
    key = await registered(office)
    rows = office.kube.status(key)["replicas"]

    change(office, apiKeySecretRef={"name": "none", "key": "key"})
    await office.until(office.says(key, "SecretNotFound"))
    await asyncio.sleep(60)

    status = office.kube.status(key)
    assert (status["worker"]["url"], status["replicas"], everywhere(office)) == (OLD, rows, [[OLD], [OLD]])
    assert OLD in office.condition(key)["message"]


@at_work
async def test_what_a_worker_on_its_way_still_has_is_taken_over_by_nobody(office: Office) -> None:
    key = await registered(office)
    change(office, up=False)
    await office.until(lambda: former(office, key) == [OLD])

    taker = office.worker("taker", url=OLD)
    office.annotate(taker, adopt="true")
    await office.until(office.says(taker, "Conflict"))
    await asyncio.sleep(60)
    labels = [worker.labels for worker in office.a.listed]
    office.workers[NEW].rise()
    await settled(office, key)
    await office.registered(taker)

    assert [owner.name for owner in map(Owner.of, labels) if owner is not None] == ["a"]
    assert everywhere(office) == [[OLD, NEW], [OLD, NEW]]


@at_work
async def test_what_was_given_back_under_the_old_url_is_not_taken_for_the_new_one(office: Office) -> None:
    key = await registered(office, probe="Gateway")
    await asyncio.sleep(30)
    posts = office.a.count("add_worker")
    office.a.restart()
    await office.until(lambda: office.a.count("add_worker") > posts)

    change(office, up=False, probe="Gateway")
    await office.until(lambda: NEW in office.a.pending)
    change(office, probe="Gateway", priority=7)
    office.workers[NEW].rise()
    await settled(office, key)

    ids = {row["endpoint"]: row["workerId"] for row in office.kube.status(key)["replicas"]}
    assert ids == {endpoint: office.replicas[endpoint].listed[0].id for endpoint in ENDPOINTS}
    assert everywhere(office) == [[NEW], [NEW]]
