"""A namespace with a gateway of two real replicas and an operator at work."""

from collections.abc import AsyncIterator, Callable

import pytest

from rig.declared import Declared
from rig.gateway import Smg
from rig.history import History
from rig.operator_process import Operator


@pytest.fixture
def ready_gateway(
    declared: Declared, smg_pair: tuple[Smg, Smg], start_operator: Callable[..., Operator]
) -> tuple[Smg, Smg]:
    """Two replicas declared as the gateway `gw`, and an operator that serves the namespace."""
    declared.gateway(smg_pair)
    start_operator().wait_healthy()
    return smg_pair


@pytest.fixture
async def history(declared: Declared) -> AsyncIterator[History]:
    """All that is said in the test's namespace; at its end it is judged."""
    with History(declared.cluster, declared.namespace) as history:
        yield history
        assert await history.faults() == []
