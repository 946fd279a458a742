"""A real gateway replica for the tests of this folder, and the Replica that drives it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from herder.gateway.replica import Replica
from herder.net.address import AddressPolicy
from herder.net.http import Http
from rig.gateway import Smg


@pytest.fixture(scope="package")
def smg(log_dir: Path) -> Iterator[Smg]:
    """One replica that the tests share: each has workers of its own, so that none meets another's entries."""
    started = Smg.start(log_dir=log_dir)
    yield started
    started.kill()


@pytest.fixture
def own_smg(log_dir: Path) -> Iterator[Smg]:
    """A replica of the test's own, with an empty registry, that it may pause and kill."""
    started = Smg.start(log_dir=log_dir)
    yield started
    started.kill()


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    """The way out, open for loopback."""
    async with Http(AddressPolicy(allow_loopback=True)) as opened:
        yield opened


@pytest.fixture
def replica(smg: Smg, http: Http) -> Replica:
    """The shared replica as herder drives it: real time, real calls."""
    return Replica(smg.url, http)
