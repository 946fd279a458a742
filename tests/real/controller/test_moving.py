"""A worker that goes from one gateway to another, on four real replicas."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rig.declared import Declared, is_listed_ready, urls_of
from rig.gateway import Smg, running
from rig.operator_process import Operator
from rig.waiting import eventually
from rig.workers import MockWorkers

FORCE = {"settleSeconds": 0, "timeoutSeconds": 3}

pytestmark = pytest.mark.usefixtures("history")


@pytest.fixture
def others(log_dir: Path) -> Iterator[tuple[Smg, Smg]]:
    """The replicas of a second gateway."""
    with running(2, log_dir=log_dir) as (first, second):
        yield first, second


@pytest.fixture
def moves(declared: Declared, ready_gateway: tuple[Smg, Smg], others: tuple[Smg, Smg]) -> Callable[..., None]:
    """Declare the worker `a` on the gateway `other`."""
    declared.gateway(others, "other")

    def move(url: str, **spec: Any) -> None:
        declared.worker("a", url, gatewayRef={"name": "other"}, **spec)

    return move


async def test_it_is_off_the_former_replicas_and_on_the_new_ones(
    declared: Declared,
    ready_gateway: tuple[Smg, Smg],
    others: tuple[Smg, Smg],
    moves: Callable[..., None],
    mock_workers: MockWorkers,
) -> None:
    worker = mock_workers.add("a")
    declared.worker("a", worker.url)
    await declared.until("a", reason="Registered")

    moves(worker.url)
    await eventually(lambda: all(is_listed_ready(each, worker.url) for each in others), 20)
    found = await declared.until("a", reason="Registered")

    assert [urls_of(each) for each in ready_gateway] == [[], []]
    assert (found["status"]["gateway"], found["status"]["registered"]) == ("other", "2/2")
    assert {row["endpoint"] for row in found["status"]["replicas"]} == {each.url for each in others}
    assert [run["name"] for run in found["status"]["history"]] == [
        "worker-registration",
        "worker-removal",
        "worker-registration",
    ]
    assert found["status"]["observedGeneration"] == found["metadata"]["generation"]


async def test_a_former_replica_that_hangs_is_given_up_in_time_and_swept_when_it_goes_on(
    declared: Declared,
    ready_gateway: tuple[Smg, Smg],
    others: tuple[Smg, Smg],
    moves: Callable[..., None],
    mock_workers: MockWorkers,
) -> None:
    worker = mock_workers.add("a")
    declared.worker("a", worker.url, drain=FORCE)
    await declared.until("a", reason="Registered")
    ready_gateway[0].pause()

    moves(worker.url, drain=FORCE)
    await eventually(lambda: "deadline" in declared.status("a").get("drain", {}), 20)
    await eventually(lambda: all(is_listed_ready(each, worker.url) for each in others), 40)
    await declared.until("a", reason="Registered")
    ready_gateway[0].resume()
    await eventually(lambda: urls_of(ready_gateway[0]) == [], 40)

    assert [urls_of(each) for each in others] == [[worker.url]] * 2


async def test_a_killed_operator_goes_on_with_the_move(
    declared: Declared,
    smg_pair: tuple[Smg, Smg],
    others: tuple[Smg, Smg],
    start_operator: Callable[..., Operator],
    mock_workers: MockWorkers,
) -> None:
    declared.gateway(smg_pair)
    declared.gateway(others, "other")
    operator = start_operator()
    operator.wait_healthy()
    worker = mock_workers.add("a")
    drain = {"settleSeconds": 2, "timeoutSeconds": 60}
    declared.worker("a", worker.url, drain=drain)
    await declared.until("a", reason="Registered")

    declared.worker("a", worker.url, gatewayRef={"name": "other"}, drain=drain)
    before = await eventually(lambda: declared.status("a").get("drain"))
    operator.kill()
    start_operator().wait_healthy()
    await eventually(lambda: all(is_listed_ready(each, worker.url) for each in others), 30)
    await asyncio.sleep(3)  # time for the killed run to do harm

    assert before["deadline"] > before["startedAt"]
    assert [urls_of(each) for each in smg_pair] == [[], []]
    assert [urls_of(each) for each in others] == [[worker.url]] * 2
