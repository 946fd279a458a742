"""One leads, another takes its place: killed, told to stop, stopped and continued, cut off, and with wrong clocks."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from real.leadership.conftest import Realm
from rig.declared import is_listed_ready, urls_of
from rig.waiting import eventually
from rig.workers import MockWorkers, Script

STEADY_S = 20.0


async def test_killed_by_sigkill_the_leader_is_followed_and_the_same_run_goes_on(
    realm: Realm, mock_workers: MockWorkers
) -> None:
    first, second = await realm.leader_and_standby()
    worker = mock_workers.add("a", Script(up=False))
    realm.declared.worker("a", worker.url)
    await eventually(lambda: "detect_connection" in realm.declared.condition("a").get("message", ""), 30)
    before = realm.declared.status("a")["workflow"]
    await eventually(lambda: len(first.renewals) > 2, 30)

    first.operator.kill()
    held = realm.held
    written_s = first.renewals[-2]  # whether the last one still arrived nobody knows
    await eventually(lambda: second.leads, 60)
    led_s = time.monotonic()
    await eventually(lambda: "run.begun" in second.operator.log.read_text(), 30)
    worker.heal()
    found = await realm.declared.until("a", timeout_s=30)

    assert led_s - written_s >= STEADY_S, "the Lease was not waited for"
    assert "lease.holder_ended" not in second.operator.log.read_text()
    after = found["status"]["workflow"]
    assert after["instanceId"] == before["instanceId"]
    assert after["steps"][0]["finishedAt"] == before["steps"][0]["finishedAt"]
    assert found["status"]["epoch"] > held["leaseTransitions"]


async def test_told_to_stop_the_leader_gives_the_lease_back_and_the_standby_need_not_wait_for_it(
    realm: Realm, mock_workers: MockWorkers
) -> None:
    first, second = await realm.leader_and_standby()
    realm.declared.worker("a", mock_workers.add("a").url)
    await realm.declared.until("a", timeout_s=30)

    code = first.operator.stop(timeout_s=60)
    before = realm.declared.status("a")
    await eventually(lambda: second.leads, 30)

    assert code == 0
    assert "leadership.given_back" in first.operator.log.read_text()
    assert realm.declared.status("a") == before, "a new leader writes nothing while nothing changes"


async def test_stopped_past_its_lease_and_continued_the_former_leader_changes_nothing(
    realm: Realm, mock_workers: MockWorkers
) -> None:
    first, second = await realm.leader_and_standby()
    workers = [mock_workers.add(f"w{number}", Script(up=False)) for number in range(8)]
    for number, worker in enumerate(workers):
        realm.declared.worker(f"w{number}", worker.url, probe="Gateway" if number % 2 else "Direct")
    await eventually(lambda: realm.calls(first), 30)

    first.operator.process.pause()
    await eventually(lambda: second.leads, 30)
    for worker in workers:
        worker.heal()
    for number in range(len(workers)):
        await realm.declared.until(f"w{number}", timeout_s=60)
    continued_s = time.monotonic()
    first.operator.process.resume()
    await eventually(lambda: "leadership.lost" in first.operator.log.read_text(), 30)
    await eventually(lambda: first.operator.log.read_text().count("leadership.standing_by") > 0, 30)
    realm.declared.delete("w0")
    await realm.declared.until_gone("w0", 30)

    assert realm.calls(first, continued_s) == []
    assert first.writes(continued_s) == []
    assert not first.leads
    await eventually(first.operator.is_healthy, 30)
    assert urls_of(realm.replicas[0]) == sorted(worker.url for worker in workers[1:])


async def test_cut_off_from_its_lease_alone_the_leader_stops_before_another_starts(
    realm: Realm, mock_workers: MockWorkers
) -> None:
    first, second = await realm.leader_and_standby()
    worker = mock_workers.add("a")
    realm.declared.worker("a", worker.url)
    await realm.declared.until("a", timeout_s=30)

    first.api.swallows = lambda path: "/leases/" in path
    stopped = asyncio.create_task(eventually(lambda: not first.leads, 30))
    # There is always something to do: what is done, and by whom, is what counts.
    toggled = asyncio.create_task(realm.keep_changing("a"))
    await eventually(lambda: second.leads, 30)
    led_s = time.monotonic()
    await eventually(lambda: realm.calls(second, led_s), 30)
    toggled.cancel()

    assert stopped.done()
    last_s = max(
        (p.at_s for p in first.api.changes() if "/leases" not in p.path),
        default=0.0,
    )
    assert last_s < led_s
    assert realm.calls(first, led_s) == []
    assert first.writes(led_s) == []
    first.api.swallows = lambda _path: False
    assert all(is_listed_ready(replica, worker.url) for replica in realm.replicas)


@pytest.mark.parametrize("skew", [timedelta(hours=-1), timedelta(hours=1)], ids=["an hour behind", "an hour ahead"])
async def test_a_clock_that_is_an_hour_off_neither_hastens_nor_delays_a_handover(realm: Realm, skew: timedelta) -> None:
    path, wrong = realm.lease_path, (datetime.now(UTC) + skew).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    realm.declared.cluster.apply(
        path,
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": realm.lease, "namespace": realm.declared.namespace},
            "spec": {
                "holderIdentity": "somebody",
                "leaseDurationSeconds": int(STEADY_S),
                "leaseTransitions": 40,
                "renewTime": wrong,
            },
        },
    )
    begun_s = time.monotonic()
    contender = realm.enter()
    await eventually(lambda: contender.leads, 60)

    assert time.monotonic() - begun_s >= STEADY_S
    assert realm.held["leaseTransitions"] == 41


async def test_a_leader_whose_clock_is_an_hour_behind_keeps_its_lease_as_long_as_it_renews_it(realm: Realm) -> None:
    first, second = await realm.leader_and_standby()
    holder = realm.held["holderIdentity"]

    for _ in range(50):  # longer than the Lease lasts
        wrong = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        realm.declared.cluster.merge_patch(realm.lease_path, {"spec": {"renewTime": wrong}})
        await asyncio.sleep(0.5)

    assert realm.held["holderIdentity"] == holder
    assert first.leads
    assert not second.leads


async def test_whose_lease_is_taken_away_by_hand_stands_by_and_may_lead_again(realm: Realm) -> None:
    first = realm.enter()
    await eventually(lambda: first.leads, 60)

    epoch = realm.held["leaseTransitions"]
    realm.declared.cluster.merge_patch(realm.lease_path, {"spec": {"holderIdentity": "thief"}})
    await eventually(lambda: not first.leads, 30)
    await eventually(lambda: first.leads, 30)

    await eventually(first.operator.is_healthy, 30)
    assert realm.held["leaseTransitions"] > epoch
