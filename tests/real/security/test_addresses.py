"""Resources that name the API server or a metadata service: refused with the reason, by herder and for the gateway."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from rig.control_plane.cluster import Cluster
from rig.declared import Declared
from rig.gateway import Smg
from rig.operator_process import Operator
from rig.waiting import eventually, wait_for_condition

METADATA = "http://169.254.169.254/latest"


def _direct(declared: Declared, url: str) -> str:
    declared.worker("a", url)
    return declared.path("a")


def _by_gateway(declared: Declared, url: str) -> str:
    declared.worker("a", url, probe="Gateway")
    return declared.path("a")


def _external(declared: Declared, url: str) -> str:
    declared.worker("a", url, runtime="External", models=["m"])
    return declared.path("a")


def _optional_server(declared: Declared, url: str) -> str:
    declared.apply("McpServer", "a", {"gatewayRef": {"name": "gw"}, "transport": {"url": url}})
    return declared.path("a", "mcpservers")


WAYS = {"a worker": _direct, "by the gateway": _by_gateway, "a provider": _external, "a server": _optional_server}
PLACES: dict[str, Callable[[Cluster], str]] = {"metadata": lambda _: METADATA, "the API server": lambda c: c.server}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
async def test_what_leads_where_it_must_not_is_refused_and_no_gateway_told(
    way: Callable[[Declared, str], str],
    place: Callable[[Cluster], str],
    declared: Declared,
    control_plane: Cluster,
    smg_pair: tuple[Smg, Smg],
    operator: Operator,
) -> None:
    declared.gateway(smg_pair)

    path = way(declared, place(control_plane))
    await eventually(lambda: "AddressRefused" in str(_status(control_plane, path)), timeout_s=15)
    await wait_for_condition(control_plane, path, "Stalled", timeout_s=15)

    assert [replica.workers() for replica in smg_pair] == [[], []]
    assert _published(control_plane, declared.namespace) == []


async def test_the_api_server_is_no_gateway(declared: Declared, control_plane: Cluster, operator: Operator) -> None:
    declared.apply("ModelGateway", "gw", {"endpoints": [control_plane.server], "resyncSeconds": 1})

    path = declared.path("gw", "modelgateways")
    found = await wait_for_condition(control_plane, path, "Ready", status="False", timeout_s=15)

    assert "the API server's address" in str(found["status"])


def _status(cluster: Cluster, path: str) -> dict[str, Any]:
    found: dict[str, Any] = (cluster.get(path) or {}).get("status", {})
    return found


def _published(cluster: Cluster, namespace: str) -> list[Any]:
    found = cluster.get(f"/api/v1/namespaces/{namespace}/configmaps/gw-mcp") or {}
    content = yaml.safe_load(found.get("data", {}).get("mcp.yaml", "servers: []"))
    servers: list[Any] = content["servers"] or []
    return servers
