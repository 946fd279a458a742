"""A replica killed and started again: all that was declared is back, once, and the time that this took is told."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rig.declared import Declared, urls_of
from rig.gateway import Smg, running
from rig.heals import Heals
from rig.operator_process import Operator
from rig.waiting import eventually
from rig.workers import MockWorkers

WORKERS = 40


@pytest.fixture
def replicas(log_dir: Path) -> Iterator[tuple[Smg, ...]]:
    """Three fresh replicas."""
    with running(3, log_dir=log_dir) as started:
        yield started


async def test_a_replica_that_comes_back_with_nothing_gets_everything_once_and_no_run_is_needed(
    declared: Declared, replicas: tuple[Smg, ...], mock_workers: MockWorkers, start_operator: Callable[..., Operator]
) -> None:
    declared.gateway(replicas)
    operator = start_operator().wait_healthy()
    names = [f"w{number}" for number in range(WORKERS)]
    urls = {name: mock_workers.add(name).url for name in names}
    for name in names:
        declared.worker(name, urls[name])
    for name in names:
        await declared.until(name, timeout_s=90)
    runs = {name: declared.status(name)["workflow"]["instanceId"] for name in names}

    replicas[-1].restart()
    await eventually(lambda: urls_of(replicas[-1]) == sorted(urls.values()), 60)
    ids = {worker["url"]: worker["id"] for worker in replicas[-1].workers()}
    await eventually(lambda: all(ids[urls[name]] == _id_on(declared, name, replicas[-1]) for name in names), 60)

    for name in names:
        await declared.until(name)

    assert {name: declared.status(name)["workflow"]["instanceId"] for name in names} == runs
    assert urls_of(replicas[0]) == urls_of(replicas[1]) == urls_of(replicas[-1]) == sorted(urls.values())
    await eventually(lambda: Heals.of(operator).count)


def _id_on(declared: Declared, name: str, replica: Smg) -> str | None:
    rows: dict[str, str | None] = {row["endpoint"]: row.get("workerId") for row in declared.status(name)["replicas"]}
    return rows[replica.url]
