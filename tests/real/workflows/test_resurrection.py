"""Deleted while its registration hangs, and the worker comes up afterwards: never registered at the end."""

import asyncio
from collections.abc import Mapping

import pytest

from herder.workflows.entry import LOST_ADD, Entry
from herder.workflows.registration.data import Registration
from real.workflows.runs import Runs, plan
from rig.workers import MockWorker, MockWorkers, Script

RUNS = 20


async def _hangs_then_is_removed(runs: Runs, worker: MockWorker, number: int, *, is_killed: bool) -> bool:
    """One of the runs, each cut off and each worker up at another moment; returns whether the removal succeeded."""
    data = runs.data(plan(worker.url, probe="Gateway"))
    instance = await runs.start(data)
    await asyncio.sleep(0.005 * number)
    await runs.engine.cancel_workflow(instance)
    removing = asyncio.create_task(runs.remove(worker.url, _records(runs, data, is_killed=is_killed)))
    await asyncio.sleep(0.1 * number)
    await asyncio.to_thread(worker.heal)
    return (await removing).outcome.ok


def _records(runs: Runs, data: Registration, *, is_killed: bool) -> Mapping[str, Entry]:
    """What the removal knows: what the cancelled run left, or, of a process that was killed, nothing."""
    return {smg.url: LOST_ADD for smg in runs.smgs} if is_killed else data.entries


@pytest.mark.parametrize("is_killed", [False, True], ids=["cancelled", "killed"])
async def test_a_worker_deleted_while_its_registration_hangs_never_comes_back(
    runs: Runs, mock_workers: MockWorkers, is_killed: bool
) -> None:
    workers = [mock_workers.add(f"w{number}", Script(up=False)) for number in range(RUNS)]

    removed = await asyncio.gather(
        *(_hangs_then_is_removed(runs, worker, number, is_killed=is_killed) for number, worker in enumerate(workers))
    )

    assert removed == [True] * RUNS
    await asyncio.sleep(3.0)  # a registration that lives on would take a check interval, one second
    assert runs.listed() == [[], []]
