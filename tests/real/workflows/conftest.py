"""Runs on real replicas: on a pair as it is, and on one that soon gives up on a worker that it does not reach."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from real.workflows.runs import CountingHttp, Runs
from rig.gateway import Smg, running


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
    with running(2, log_dir=log_dir, startup_timeout_s=3) as smgs:
        yield Runs(smgs, http)
