"""What the tests of security share."""

from collections.abc import Iterator

import pytest

from rig.control_plane.cluster import Cluster
from rig.declared import Declared
from rig.listener import Listener, listening


@pytest.fixture
def declared(control_plane: Cluster, namespace: str) -> Declared:
    """The test's namespace."""
    return Declared(control_plane, namespace)


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A peer that a tenant has put up."""
    with listening(Listener()) as started:
        yield started
