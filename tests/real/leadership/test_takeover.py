"""Killed, and known to be dead: by the kubelet's word the standby takes over long before the Lease is out."""

import time

from real.leadership.conftest import QUICK, Contender, Realm
from rig.waiting import eventually
from rig.workers import MockWorkers, Script
from rig.workers.client import MockWorker

LONG = ("--lease-duration=600", "--renew-deadline=400", "--retry-period=1")
"""For a Lease that nobody could have waited out."""


async def _amid_a_run(realm: Realm, workers: MockWorkers) -> MockWorker:
    worker = workers.add("a", Script(up=False))
    realm.declared.worker("a", worker.url)
    await eventually(lambda: "detect_connection" in realm.declared.condition("a").get("message", ""), 30)
    return worker


async def _moved_on(realm: Realm, second: Contender, killed_s: float) -> None:
    await eventually(lambda: second.leads, 60)
    led_s = time.monotonic()
    await eventually(lambda: "run.begun" in second.operator.log.read_text(), 60)
    print(f"killed → led {led_s - killed_s:.2f} s, killed → moved {time.monotonic() - killed_s:.2f} s")


async def test_the_standby_moves_the_same_run_on_as_soon_as_the_leader_is_known_to_be_dead(
    realm: Realm, mock_workers: MockWorkers
) -> None:
    first, second = await realm.leader_and_standby(*LONG)
    worker = await _amid_a_run(realm, mock_workers)
    before, held = realm.declared.status("a")["workflow"], realm.held

    killed_s = time.monotonic()
    first.operator.kill()
    first.pod.ended()
    await _moved_on(realm, second, killed_s)
    worker.heal()
    found = await realm.declared.until("a", timeout_s=60)

    after = found["status"]["workflow"]
    assert after["instanceId"] == before["instanceId"]
    assert after["steps"][0]["finishedAt"] == before["steps"][0]["finishedAt"]
    assert found["status"]["epoch"] == held["leaseTransitions"] + 1
    assert realm.held["holderIdentity"].startswith(f"{second.pod.name}_")


async def test_a_container_that_was_killed_need_not_wait_for_the_lease_of_its_former_run(
    realm: Realm, mock_workers: MockWorkers
) -> None:
    first = realm.enter(*LONG)
    await eventually(lambda: first.leads, 60)
    await _amid_a_run(realm, mock_workers)
    before = realm.declared.status("a")["workflow"]

    killed_s = time.monotonic()
    first.operator.kill()
    first.pod.restarted()
    again = realm.enter(*LONG, pod=first.pod)
    await _moved_on(realm, again, killed_s)

    assert realm.declared.status("a")["workflow"]["instanceId"] == before["instanceId"]


async def test_one_whose_pod_was_deleted_by_force_is_waited_for(realm: Realm) -> None:
    first, second = await realm.leader_and_standby(*QUICK)

    first.operator.process.pause()
    force = ("--namespace", realm.declared.namespace, "--grace-period=0", "--force")
    realm.declared.cluster.kubectl("delete", "pod", first.pod.name, *force)
    await eventually(lambda: second.leads, 60)

    assert "lease.holder_ended" not in second.operator.log.read_text()
