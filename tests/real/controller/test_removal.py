"""From `kubectl delete` to nothing left on any replica, and what may hold the finalizer."""

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from rig.control_plane.cluster import Cluster
from rig.declared import Declared, is_listed_ready, urls_of
from rig.gateway import Smg
from rig.history import History
from rig.operator_process import Operator
from rig.waiting import eventually
from rig.workers import MockWorkers, Script

FINALIZER = "herder.dev/deregister"


async def test_a_deleted_worker_is_drained_and_gone_from_both_replicas_before_its_finalizer_goes(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a")
    declared.worker("a", worker.url, drain={"settleSeconds": 3})
    await declared.until("a")
    seen: set[tuple[str, str]] = set()

    def look() -> bool:
        is_held = declared.get("a") is not None
        listed = {(replica.url, w["status"]) for replica in ready_gateway for w in replica.workers()}
        if is_held:
            seen.update(listed)
        return not is_held

    declared.delete("a")
    await eventually(look, 20)

    assert {(replica.url, "draining") for replica in ready_gateway} <= seen
    assert urls_of(ready_gateway[0]) == urls_of(ready_gateway[1]) == []


async def test_a_removal_shows_its_steps_and_what_it_waits_for(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers, history: History
) -> None:
    declared.worker("a", mock_workers.add("a").url, drain={"settleSeconds": 5})
    await declared.until("a")

    declared.delete("a")
    await declared.until_gone("a")

    statuses = [version.get("status", {}) for version in history.versions("a")]
    removing = [each for each in statuses if each.get("workflow", {}).get("name") == "worker-removal"]
    said = [{each["type"]: each for each in status["conditions"]} for status in removing]
    [draining, *_] = [each for each in said if "draining" in each["Ready"]["message"]]
    assert draining["Reconciling"]["reason"] == "Removing"


@pytest.mark.parametrize("probe", ["Direct", "Gateway"])
async def test_a_worker_deleted_while_its_registration_hangs_is_not_there_when_it_comes_up(
    probe: str, declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    """Twenty at once. With Gateway the replicas themselves are registering when the resource is deleted."""
    workers = [mock_workers.add(f"w{number}", Script(up=False)) for number in range(20)]
    for number, worker in enumerate(workers):
        declared.worker(f"w{number}", worker.url, probe=probe)
    waiting_step = "detect_connection" if probe == "Direct" else "await_ready"
    for number in range(20):
        await eventually(partial(_waits_in, declared, f"w{number}", waiting_step), 15)

    for number in range(20):
        declared.delete(f"w{number}")
    for worker in workers:
        worker.heal()
    for number in range(20):
        await declared.until_gone(f"w{number}", 30)
    await asyncio.sleep(3)  # the replicas look for a worker each second: time for any ghost to appear

    assert urls_of(ready_gateway[0]) == urls_of(ready_gateway[1]) == []


def _waits_in(declared: Declared, name: str, step: str) -> bool:
    return step in declared.condition(name).get("message", "")


async def test_an_orphaned_worker_stays_on_the_replicas(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a")
    declared.worker("a", worker.url, deletionPolicy="Orphan")
    await declared.until("a")

    declared.delete("a")
    await declared.until_gone("a")

    assert all(is_listed_ready(replica, worker.url) for replica in ready_gateway)


async def test_a_worker_can_be_declared_anew_right_after_its_deletion(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a")
    declared.worker("a", worker.url)
    await declared.until("a")

    declared.delete("a")
    await declared.until_gone("a")
    declared.worker("a", worker.url, priority=7)
    await declared.until("a")

    assert [w["priority"] for replica in ready_gateway for w in replica.workers()] == [7, 7]


async def test_a_replica_that_is_away_holds_the_finalizer_until_it_answers_or_force_has_waited_long_enough(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    declared.worker("kept", mock_workers.add("kept").url, drain={"settleSeconds": 0, "onTimeout": "Keep"})
    forced_drain = {"settleSeconds": 0, "timeoutSeconds": 6, "onTimeout": "Force"}
    declared.worker("forced", mock_workers.add("forced").url, drain=forced_drain)
    await declared.until("kept")
    await declared.until("forced")
    ready_gateway[1].pause()

    declared.delete("kept")
    declared.delete("forced")
    await declared.until_gone("forced", 30)
    held = declared.get("kept")
    ready_gateway[1].resume()
    await declared.until_gone("kept", 40)

    assert held is not None
    assert urls_of(ready_gateway[0]) == []
    await eventually(lambda: urls_of(ready_gateway[1]) == [], 30)  # what was forced is swept


async def test_a_gateway_that_goes_lets_its_workers_go(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers, control_plane: Cluster
) -> None:
    declared.worker("a", mock_workers.add("a").url)
    await declared.until("a")

    control_plane.kubectl("delete", "mgw", "gw", "-n", declared.namespace)
    await declared.until("a", status="False", reason="GatewayNotFound", timeout_s=30)
    declared.delete("a")

    await declared.until_gone("a")


async def test_a_namespace_with_workers_can_be_deleted(
    declared: Declared,
    control_plane: Cluster,
    smg_pair: tuple[Smg, Smg],
    mock_workers: MockWorkers,
    start_operator: Callable[..., Operator],
) -> None:
    declared.gateway(smg_pair)
    start_operator().wait_healthy()
    declared.worker("a", mock_workers.add("a").url)
    await declared.until("a")

    control_plane.kubectl("delete", "namespace", declared.namespace, "--wait=false")

    await declared.until_gone("a", 90)
