"""A replica that hangs, or is slow, holds up no other replica and no other gateway: told by the order of things."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rig.declared import Declared, is_listed_ready, urls_of
from rig.gateway import Smg
from rig.operator_process import Operator
from rig.waiting import eventually
from rig.workers import MockWorkers

MANY = 40


@pytest.fixture
def other_gateway(log_dir: Path) -> Iterator[Smg]:
    """The only replica of another gateway."""
    replica = Smg.start(log_dir=log_dir)
    yield replica
    replica.kill()


async def test_a_replica_that_hangs_holds_up_no_other_replica_and_no_other_gateway(
    declared: Declared,
    smg_pair: tuple[Smg, Smg],
    other_gateway: Smg,
    mock_workers: MockWorkers,
    start_operator: Callable[..., Operator],
) -> None:
    hung, well = smg_pair
    declared.gateway(smg_pair)
    declared.gateway([other_gateway], name="other")
    start_operator("--max-runs", "8").wait_healthy()
    workers = [mock_workers.add(f"w{number}") for number in range(MANY)]
    elsewhere = mock_workers.add("elsewhere")
    declared.worker("first", mock_workers.add("first").url)
    await declared.until("first")
    hung.pause()
    try:
        for number, worker in enumerate(workers):
            declared.worker(f"w{number}", worker.url)
        declared.worker("elsewhere", elsewhere.url, gatewayRef={"name": "other"})

        await declared.until("elsewhere")  # while the replica hangs
        assert is_listed_ready(other_gateway, elsewhere.url)
        await eventually(lambda: len(urls_of(well)) == MANY + 1, 60)
        await declared.until("w0", status="Unknown", reason="GatewayUnreachable", timeout_s=60)
    finally:
        hung.resume()

    for number in range(MANY):
        await declared.until(f"w{number}", timeout_s=60)
    assert len(urls_of(hung)) == MANY + 1
