"""What the tests of security share."""

from collections.abc import Iterator

import pytest

from rig.listener import Listener, listening


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A peer that a tenant has put up."""
    with listening(Listener()) as started:
        yield started
