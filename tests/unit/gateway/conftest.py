"""What the tests of herder.gateway share."""

from collections.abc import AsyncIterator

import pytest

from unit.gateway.fake import Rig, rigged


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """A Replica without a key, its scripted gateway and its time."""
    async with rigged() as made:
        yield made
