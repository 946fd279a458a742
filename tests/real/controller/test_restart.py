"""The operator killed and started again: every worker ends Ready, none twice, nothing that was done is done again."""

import asyncio
from collections.abc import Callable

import pytest

from rig.declared import Declared, urls_of
from rig.gateway import Smg
from rig.operator_process import Operator
from rig.waiting import eventually
from rig.workers import MockWorkers, Script


@pytest.mark.parametrize("after_s", [0.0, 0.1, 0.2, 0.35, 0.5, 0.8])
async def test_killed_at_any_moment_and_started_again_every_worker_ends_ready_and_none_twice(
    after_s: float,
    declared: Declared,
    smg_pair: tuple[Smg, Smg],
    mock_workers: MockWorkers,
    start_operator: Callable[..., Operator],
) -> None:
    declared.gateway(smg_pair)
    operator = start_operator().wait_healthy()
    workers = [mock_workers.add(f"w{number}") for number in range(5)]
    for number, worker in enumerate(workers):
        declared.worker(f"w{number}", worker.url, probe="Gateway" if number % 2 else "Direct")

    await asyncio.sleep(after_s)  # the moment is the point
    operator.kill()
    start_operator().wait_healthy()
    for number in range(5):
        await declared.until(f"w{number}", timeout_s=20)

    expected = sorted(worker.url for worker in workers)
    assert urls_of(smg_pair[0]) == urls_of(smg_pair[1]) == expected


async def test_a_run_that_waits_goes_on_after_a_restart_without_repeating_what_succeeded(
    declared: Declared, smg_pair: tuple[Smg, Smg], mock_workers: MockWorkers, start_operator: Callable[..., Operator]
) -> None:
    declared.gateway(smg_pair)
    operator = start_operator().wait_healthy()
    worker = mock_workers.add("a", Script(up=False))
    declared.worker("a", worker.url)
    await eventually(lambda: "detect_connection" in declared.condition("a").get("message", ""))
    before = declared.status("a")["workflow"]

    operator.kill()
    start_operator().wait_healthy()
    worker.heal()
    found = await declared.until("a", timeout_s=20)

    after = found["status"]["workflow"]
    assert after["instanceId"] == before["instanceId"]
    assert after["startedAt"] == before["startedAt"]
    assert after["steps"][0]["finishedAt"] == before["steps"][0]["finishedAt"]
    assert after["steps"][1]["attempts"] > before["steps"][1]["attempts"]


async def test_a_worker_deleted_while_the_operator_is_away_is_removed_when_it_is_back(
    declared: Declared, smg_pair: tuple[Smg, Smg], mock_workers: MockWorkers, start_operator: Callable[..., Operator]
) -> None:
    declared.gateway(smg_pair)
    operator = start_operator().wait_healthy()
    declared.worker("a", mock_workers.add("a").url)
    await declared.until("a")

    operator.kill()
    declared.delete("a")
    start_operator().wait_healthy()
    await declared.until_gone("a")

    assert urls_of(smg_pair[0]) == urls_of(smg_pair[1]) == []


async def test_killed_while_a_hanging_registration_is_removed_nothing_is_left(
    declared: Declared, smg_pair: tuple[Smg, Smg], mock_workers: MockWorkers, start_operator: Callable[..., Operator]
) -> None:
    declared.gateway(smg_pair)
    operator = start_operator().wait_healthy()
    worker = mock_workers.add("a", Script(up=False))
    declared.worker("a", worker.url, probe="Gateway")
    await eventually(lambda: declared.status("a").get("workflow"))

    operator.kill()  # it may have posted without having written the ids
    declared.delete("a")
    start_operator().wait_healthy()
    worker.heal()
    await declared.until_gone("a", 40)
    await asyncio.sleep(3)  # the replicas look for a worker each second: time for any ghost to appear

    assert urls_of(smg_pair[0]) == urls_of(smg_pair[1]) == []


async def test_told_to_stop_it_stops_soon_and_a_run_in_progress_is_not_recorded_as_cancelled(
    declared: Declared, smg_pair: tuple[Smg, Smg], mock_workers: MockWorkers, start_operator: Callable[..., Operator]
) -> None:
    declared.gateway(smg_pair)
    operator = start_operator().wait_healthy()
    declared.worker("a", mock_workers.add("a", Script(up=False)).url)
    await eventually(lambda: declared.condition("a", "Reconciling"))

    code = operator.stop(timeout_s=60)

    assert code == 0
    assert declared.status("a")["workflow"]["status"] == "Running"
