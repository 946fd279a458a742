"""A resource that changes: during its run, after it, its URL, and on demand."""

import asyncio

import pytest

from rig.control_plane.cluster import Cluster
from rig.declared import Declared, is_listed_ready, urls_of
from rig.gateway import Smg
from rig.waiting import eventually
from rig.workers import MockWorkers, Script

pytestmark = pytest.mark.usefixtures("history")


async def test_a_changed_spec_reaches_both_replicas_and_the_entries_keep_their_ids(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a")
    declared.worker("a", worker.url, priority=10)
    await declared.until("a")
    ids = [w["id"] for replica in ready_gateway for w in replica.workers()]

    declared.worker("a", worker.url, priority=20, labels={"zone": "eu-2"})
    found = await declared.until("a", reason="Registered")

    entries = [w for replica in ready_gateway for w in replica.workers()]
    assert [(w["priority"], w["labels"]["zone"]) for w in entries] == [(20, "eu-2")] * 2
    assert [w["id"] for w in entries] == ids
    assert found["status"]["observedGeneration"] == found["metadata"]["generation"] == 2


async def test_a_change_that_concerns_no_replica_starts_no_run(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a")
    declared.worker("a", worker.url)
    first = await declared.until("a")

    declared.worker("a", worker.url, drain={"settleSeconds": 0, "timeoutSeconds": 60})
    second = await declared.until("a")

    assert second["metadata"]["generation"] == 2
    assert second["status"]["workflow"] == first["status"]["workflow"]


async def test_a_new_generation_replaces_the_run_of_the_old_one(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    down, up = mock_workers.add("down", Script(up=False)), mock_workers.add("up")
    declared.worker("a", down.url)
    await eventually(lambda: "detect_connection" in declared.condition("a").get("message", ""))

    declared.worker("a", up.url)
    await declared.until("a", reason="Registered")
    down.heal()
    await asyncio.sleep(2)  # time for the replaced run to do harm

    assert urls_of(ready_gateway[0]) == urls_of(ready_gateway[1]) == [up.url]


async def test_a_worker_serves_under_its_changed_url_before_it_leaves_the_old_one(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    old, new = mock_workers.add("old"), mock_workers.add("new", Script(up=False))
    declared.worker("a", old.url)
    await declared.until("a")

    declared.worker("a", new.url)
    await eventually(lambda: "detect_connection" in declared.condition("a").get("message", ""))
    before, said = [urls_of(each) for each in ready_gateway], declared.condition("a")["message"]
    new.heal()
    gaps = await _gaps(declared, ready_gateway, new.url)
    found = await declared.until("a", reason="Registered")

    assert (before, old.url in said) == ([[old.url]] * 2, True)
    assert (gaps, [urls_of(each) for each in ready_gateway]) == (0, [[new.url]] * 2)
    assert [run["name"] for run in found["status"]["history"]] == ["worker-move", "worker-registration"]


async def _gaps(declared: Declared, replicas: tuple[Smg, Smg], url: str) -> int:
    """Until only `url` is listed: how often a replica was seen to have no worker that is ready."""
    gaps = 0

    def is_over() -> bool:
        nonlocal gaps
        gaps += sum(all(each["status"] != "ready" for each in replica.workers()) for replica in replicas)
        return all(urls_of(replica) == [url] for replica in replicas) and "former" not in declared.status("a")

    await eventually(is_over, 30)
    return gaps


async def test_a_url_with_a_typo_takes_nothing_out_of_service(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker, typo = mock_workers.add("a"), mock_workers.add("typo", Script(up=False))
    declared.worker("a", worker.url)
    await declared.until("a")

    declared.worker("a", typo.url, startup={"timeoutSeconds": 3})
    await declared.until("a", "Stalled", timeout_s=30)
    kept, said = [urls_of(each) for each in ready_gateway], declared.condition("a")["message"]
    declared.worker("a", worker.url)
    await declared.until("a", reason="Registered", timeout_s=30)

    assert (kept, worker.url in said) == ([[worker.url]] * 2, True)
    assert [urls_of(each) for each in ready_gateway] == [[worker.url]] * 2


async def test_a_suspended_worker_is_left_as_it_is(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a")
    declared.worker("a", worker.url)
    await declared.until("a")

    declared.worker("a", worker.url, priority=5, suspend=True)
    await declared.until("a", status="False", reason="Suspended")
    suspended = ready_gateway[0].workers()[0]["priority"]
    declared.worker("a", worker.url, priority=5)
    await declared.until("a", reason="Registered")

    assert suspended == 50
    assert ready_gateway[0].workers()[0]["priority"] == 5


async def test_a_cancelled_run_stays_cancelled_until_a_retry_each_token_once(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a", Script(up=False))
    declared.worker("a", worker.url)
    await eventually(lambda: declared.condition("a", "Reconciling"))

    declared.annotate("a", cancel="c1")
    await declared.until("a", "Stalled", reason="Cancelled")
    cancelled = declared.status("a")
    worker.heal()
    await asyncio.sleep(1.5)  # a run that was not really cancelled would get through now
    listed = urls_of(ready_gateway[0])
    declared.annotate("a", retry="r1")
    await declared.until("a", reason="Registered")

    assert cancelled["workflow"]["status"] == "Cancelled"
    assert listed == []
    assert declared.status("a")["lastHandled"] == {"cancel": "c1", "retry": "r1"}


async def test_a_retry_of_a_registered_worker_runs_once(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    declared.worker("a", mock_workers.add("a").url)
    first = await declared.until("a")

    declared.annotate("a", retry="again")
    await eventually(lambda: len(declared.status("a")["history"]) == 2)
    second = await declared.until("a")

    assert second["status"]["workflow"]["instanceId"] != first["status"]["workflow"]["instanceId"]
    assert second["status"]["lastHandled"]["retry"] == "again"


async def test_events_tell_of_state_changes(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers, control_plane: Cluster
) -> None:
    worker = mock_workers.add("a", Script(health_status=503))
    declared.worker("a", worker.url, startup={"timeoutSeconds": 3})
    await declared.until("a", "Stalled", timeout_s=15)
    worker.heal()
    declared.annotate("a", retry="1")
    await declared.until("a")

    def reasons() -> set[str]:
        words = ["-o", "jsonpath={range .items[*]}{.type}/{.reason} {end}"]
        told = control_plane.kubectl("get", "events", "-n", declared.namespace, *words).stdout
        return set(told.split())

    expected = {"Warning/Retrying", "Warning/StepFailed", "Normal/Registering", "Normal/Registered"}
    await eventually(lambda: expected <= reasons())
    assert is_listed_ready(ready_gateway[0], worker.url)
