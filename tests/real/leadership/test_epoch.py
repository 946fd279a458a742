"""The API server itself refuses a status of an earlier epoch: what a deposed operator sends late is lost."""

from typing import Any

import pytest

from herder.api.status import EPOCH_LIMIT
from rig.control_plane.api_client import ApiError
from rig.declared import Declared

KINDS: dict[str, dict[str, Any]] = {
    "modelgateways": {"endpoints": ["http://127.0.0.1:1"]},
    "workerregistrations": {"gatewayRef": {"name": "gw"}, "url": "http://127.0.0.1:1"},
    "wasmmodules": {"gatewayRef": {"name": "gw"}, "source": {"path": "/a.wasm"}},
    "mcpservers": {"gatewayRef": {"name": "gw"}, "transport": {"url": "http://127.0.0.1:1"}},
    "tokenizers": {"gatewayRef": {"name": "gw"}, "name": "t", "source": "t"},
}
NAMES = {
    "modelgateways": "ModelGateway",
    "workerregistrations": "WorkerRegistration",
    "wasmmodules": "WasmModule",
    "mcpservers": "McpServer",
    "tokenizers": "Tokenizer",
}


@pytest.mark.parametrize("plural", KINDS)
def test_an_epoch_that_no_operator_has_come_to_may_be_put_right(declared: Declared, plural: str) -> None:
    declared.apply(NAMES[plural], "a", KINDS[plural])
    path = f"{declared.path('a', plural)}/status"

    for epoch in (EPOCH_LIMIT, 7):
        declared.cluster.merge_patch(path, {"status": {"epoch": epoch}})

    found = declared.cluster.get(declared.path("a", plural))
    assert found is not None
    assert found["status"]["epoch"] == 7


@pytest.mark.parametrize("plural", KINDS)
def test_an_epoch_may_stay_and_rise_and_be_taken_away_but_not_fall(declared: Declared, plural: str) -> None:
    declared.apply(NAMES[plural], "a", KINDS[plural])

    def write(epoch: int | None, generation: int) -> None:
        status = {"status": {"epoch": epoch, "observedGeneration": generation}}
        declared.cluster.merge_patch(f"{declared.path('a', plural)}/status", status)

    write(7, 1)
    write(7, 2)
    write(8, 3)
    with pytest.raises(ApiError, match=r"status\.epoch.*leave it to the operator that leads now"):
        write(7, 4)
    declared.cluster.merge_patch(f"{declared.path('a', plural)}/status", {"status": {"observedGeneration": 5}})
    write(None, 6)
    write(1, 7)

    found = declared.cluster.get(declared.path("a", plural))
    assert found is not None
    assert found["status"] == {"epoch": 1, "observedGeneration": 7}
