"""Runs on real replicas: on a pair as it is, and on one that soon gives up on a worker that it does not reach."""

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from real.workflows.runs import CountingHttp, Runs
from rig.gateway import Smg


@pytest.fixture
async def http() -> AsyncIterator[CountingHttp]:
    """The way out, open for loopback."""
    async with CountingHttp() as opened:
        yield opened


@pytest.fixture
def runs(smg_pair: tuple[Smg, Smg], http: CountingHttp) -> Runs:
    """Two fresh replicas."""
    return Runs(smg_pair, http)


@pytest.fixture
def hasty(log_dir: Path, http: CountingHttp) -> Iterator[Runs]:
    """Two fresh replicas that give up on a new worker after three seconds."""
    with ThreadPoolExecutor() as pool:
        smgs = tuple(pool.map(lambda _: Smg.start(startup_timeout_s=3, log_dir=log_dir), range(2)))
    yield Runs(smgs, http)
    for smg in smgs:
        smg.kill()
