"""The confused deputy: herder may read a Secret that a user may not, and does not carry it where that user says."""

import asyncio
from collections.abc import Callable

import pytest

from rig.control_plane.cluster import Cluster
from rig.declared import Declared
from rig.gateway import Smg
from rig.listener import Listener
from rig.operator_process import Operator
from rig.waiting import eventually, wait_for_condition
from rig.workers import MockWorkers, Script

KEY = {"name": "key", "key": "token"}
CANARY = "canary-3d41b7"
RESYNC_S = 1
NOT_HERE = "models.example, 10.0.0.0/8"


def _gateway(declared: Declared, url: str) -> str:
    spec = {"endpoints": [url], "auth": {"apiKeySecretRef": KEY}, "resyncSeconds": 1}
    declared.apply("ModelGateway", "stolen", spec)
    return declared.path("stolen", "modelgateways")


def _worker(declared: Declared, url: str) -> str:
    declared.worker("stolen", url, apiKeySecretRef=KEY, startup={"timeoutSeconds": 2})
    return declared.path("stolen")


def _external(declared: Declared, url: str) -> str:
    declared.worker("stolen", url, apiKeySecretRef=KEY, runtime="External", models=["m"])
    return declared.path("stolen")


def _grpc(declared: Declared, url: str) -> str:
    return _worker(declared, url.replace("http:", "grpc:"))


def _mcp(declared: Declared, url: str) -> str:
    spec = {"gatewayRef": {"name": "gw"}, "transport": {"url": f"{url}/mcp"}, "headersSecretRef": {"name": "key"}}
    declared.apply("McpServer", "stolen", spec)
    return declared.path("stolen", "mcpservers")


WAYS = {"gateway": _gateway, "worker": _worker, "provider": _external, "grpc worker": _grpc, "mcp server": _mcp}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
async def test_a_bound_key_does_not_reach_a_listener_that_a_resource_names(
    way: Callable[[Declared, str], str],
    declared: Declared,
    control_plane: Cluster,
    smg_pair: tuple[Smg, Smg],
    operator: Operator,
    listener: Listener,
) -> None:
    declared.gateway(smg_pair)
    declared.secret("key", hosts=NOT_HERE, token=CANARY)

    path = way(declared, listener.url)
    found = await wait_for_condition(control_plane, path, "Stalled", reason="SecretNotPermitted", timeout_s=15)

    [ready] = [each for each in found["status"]["conditions"] if each["type"] == "Ready"]
    assert f"Secret {declared.namespace}/key" in ready["message"]
    assert "is not to be sent to 127.0.0.1" in ready["message"]
    assert not listener.heard("Authorization")
    assert not listener.heard(CANARY)


async def test_a_worker_s_key_does_not_reach_a_gateway_that_it_is_not_for(
    declared: Declared, operator: Operator, listener: Listener
) -> None:
    declared.apply("ModelGateway", "gw", {"endpoints": [listener.url], "resyncSeconds": 1})
    declared.secret("key", hosts="models.example", token=CANARY)

    declared.worker("a", "http://models.example", apiKeySecretRef=KEY, probe="Gateway")
    await declared.until("a", "Stalled", reason="SecretNotPermitted", timeout_s=15)

    assert listener.requests
    assert not listener.heard(CANARY)


async def test_a_key_that_is_bound_no_longer_is_sent_no_more(
    declared: Declared, control_plane: Cluster, operator: Operator, listener: Listener
) -> None:
    declared.secret("key", hosts="127.0.0.1", token=CANARY)
    path = _gateway(declared, listener.url)
    await eventually(lambda: listener.heard(f"Authorization: Bearer {CANARY}"), timeout_s=15)

    declared.secret("key", hosts="models.example", token=CANARY)
    await wait_for_condition(control_plane, path, "Stalled", reason="SecretNotPermitted", timeout_s=15)
    before = len(listener.requests)
    declared.secret("key", hosts="127.0.0.1", token=CANARY)
    await wait_for_condition(control_plane, path, "Reachable", timeout_s=15)

    assert before < len(listener.requests)


async def test_a_server_is_asked_no_more_with_headers_that_are_bound_elsewhere_now(
    declared: Declared, control_plane: Cluster, smg_pair: tuple[Smg, Smg], operator: Operator, listener: Listener
) -> None:
    declared.gateway(smg_pair)
    declared.secret("key", hosts="127.0.0.1", Authorization=f"Bearer {CANARY}")
    path = _mcp(declared, listener.url)
    await eventually(lambda: listener.heard(CANARY), timeout_s=15)

    declared.secret("key", hosts="models.example", Authorization=f"Bearer {CANARY}")
    await wait_for_condition(control_plane, path, "Stalled", reason="SecretNotPermitted", timeout_s=15)
    before = len(listener.requests)
    await asyncio.sleep(3 * RESYNC_S)  # what must not happen can't be waited for

    assert len(listener.requests) == before


async def test_where_it_is_asked_for_only_bound_keys_are_sent(
    declared: Declared,
    control_plane: Cluster,
    start_operator: Callable[..., Operator],
    smg_pair: tuple[Smg, Smg],
    mock_workers: MockWorkers,
) -> None:
    start_operator("--require-bound-keys").wait_healthy()
    declared.gateway(smg_pair)
    worker = mock_workers.add("a", Script(api_key=CANARY))
    declared.secret("key", token=CANARY)

    declared.worker("a", worker.url, apiKeySecretRef=KEY)
    await declared.until("a", "Stalled", reason="SecretNotPermitted", timeout_s=15)
    is_unasked = not worker.received()
    declared.secret("key", hosts="127.0.0.0/8", token=CANARY)
    await declared.until("a", reason="Registered", timeout_s=20)

    assert is_unasked
