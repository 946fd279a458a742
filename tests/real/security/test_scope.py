"""A resource reaches nothing outside its namespace: there is no field for it, and none of herder's reads goes there."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from herder.api.meta import GROUP
from rig.control_plane.api_client import ApiError
from rig.control_plane.cluster import Cluster
from rig.declared import Declared
from rig.gateway import Smg
from rig.operator_process import Operator
from rig.waiting import eventually

ELSEWHERE = "not-here"
"""Stands for the other namespace's name in a spec below."""
WORKER: dict[str, Any] = {"gatewayRef": {"name": "gw"}, "url": "http://127.0.0.1:1"}
SERVER: dict[str, Any] = {"gatewayRef": {"name": "gw"}, "transport": {"url": "http://127.0.0.1:1/mcp"}}
GATEWAY: dict[str, Any] = {"endpoints": ["http://127.0.0.1:1"], "resyncSeconds": 1}
THERE = {"namespace": ELSEWHERE}
UNKNOWN = {
    "gateway of a worker": ("WorkerRegistration", {**WORKER, "gatewayRef": {"name": "gw", **THERE}}),
    "key of a worker": ("WorkerRegistration", {**WORKER, "apiKeySecretRef": {"name": "key", "key": "token", **THERE}}),
    "gateway of a server": ("McpServer", {**SERVER, "gatewayRef": {"name": "gw", **THERE}}),
    "headers of a server": ("McpServer", {**SERVER, "headersSecretRef": {"name": "key", **THERE}}),
    "key of a gateway": (
        "ModelGateway",
        {**GATEWAY, "auth": {"apiKeySecretRef": {"name": "key", "key": "token", **THERE}}},
    ),
    "authority of a gateway": (
        "ModelGateway",
        {**GATEWAY, "tls": {"caSecretRef": {"name": "key", "key": "token", **THERE}}},
    ),
    "service of a gateway": ("ModelGateway", {"service": {"name": "gw", "port": 80, **THERE}}),
    "file of a gateway": ("ModelGateway", {**GATEWAY, "mcp": {"configMap": "file", **THERE}}),
}
REFUSED = {
    "gateway": ("WorkerRegistration", {**WORKER, "gatewayRef": {"name": f"{ELSEWHERE}/gw"}}),
    "gateway, climbing": ("WorkerRegistration", {**WORKER, "gatewayRef": {"name": f"../{ELSEWHERE}/gw"}}),
    "key": ("WorkerRegistration", {**WORKER, "apiKeySecretRef": {"name": f"{ELSEWHERE}/key", "key": "token"}}),
    "key, encoded": ("WorkerRegistration", {**WORKER, "apiKeySecretRef": {"name": "..%2fkey", "key": "token"}}),
    "key within": ("WorkerRegistration", {**WORKER, "apiKeySecretRef": {"name": "key", "key": "../token"}}),
    "headers": ("McpServer", {**SERVER, "headersSecretRef": {"name": f"../../{ELSEWHERE}/secrets/key"}}),
    "service": ("ModelGateway", {"service": {"name": f"../../{ELSEWHERE}/services/gw", "port": 80}}),
    "authority": ("ModelGateway", {**GATEWAY, "tls": {"caSecretRef": {"name": "..", "key": "token"}}}),
    "file": ("ModelGateway", {**GATEWAY, "mcp": {"configMap": f"{ELSEWHERE}/file"}}),
}


@pytest.fixture
def elsewhere(control_plane: Cluster) -> Iterator[Declared]:
    """Another namespace, in which there is all that is referred to."""
    name = f"test-{secrets.token_hex(4)}"
    path = f"/api/v1/namespaces/{name}"
    control_plane.apply(path, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    other = Declared(control_plane, name)
    other.secret("key", token="canary-elsewhere")
    yield other
    control_plane.delete(path)


def _at(spec: dict[str, Any], namespace: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(spec).replace(ELSEWHERE, namespace))
    return found


def _manifest(declared: Declared, kind: str, name: str, spec: dict[str, Any]) -> str:
    metadata = {"name": name, "namespace": declared.namespace}
    return json.dumps({"apiVersion": "herder.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec})


@pytest.mark.parametrize(("kind", "spec"), REFUSED.values(), ids=REFUSED.keys())
def test_a_name_that_would_lead_out_of_the_namespace_is_refused(
    kind: str, spec: dict[str, Any], declared: Declared, elsewhere: Declared
) -> None:
    with pytest.raises(ApiError, match="422"):
        declared.apply(kind, "a", _at(spec, elsewhere.namespace))


@pytest.mark.parametrize(("kind", "spec"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_there_is_no_field_for_another_namespace(
    kind: str, spec: dict[str, Any], declared: Declared, elsewhere: Declared
) -> None:
    metadata = {"name": "a", "namespace": declared.namespace}
    body = {"apiVersion": "herder.dev/v1alpha1", "kind": kind, "metadata": metadata}
    text = json.dumps({**body, "spec": _at(spec, elsewhere.namespace)})

    done = declared.cluster.kubectl(
        "create", "--validate=strict", "--dry-run=server", "-f", "-", input=text, check=False
    )

    assert done.returncode != 0
    assert "unknown field" in done.stderr
    assert "namespace" in done.stderr


def test_no_spec_of_any_kind_has_a_field_for_a_namespace(control_plane: Cluster) -> None:
    crds = (control_plane.get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions") or {})["items"]
    specs = [
        version["schema"]["openAPIV3Schema"]["properties"]["spec"]
        for crd in crds
        if crd["spec"]["group"] == GROUP
        for version in crd["spec"]["versions"]
    ]

    fields = [field for spec in specs for field in _fields(spec)]

    assert {"apiKeySecretRef", "gatewayRef", "caSecretRef", "headersSecretRef", "configMap"} <= set(fields)
    assert [field for field in fields if "namespace" in field.lower()] == []


def _fields(schema: dict[str, Any]) -> Iterator[str]:
    for name, inner in schema.get("properties", {}).items():
        yield name
        yield from _fields(inner)
    if "items" in schema:
        yield from _fields(schema["items"])


async def test_herder_reads_nothing_in_a_namespace_that_only_names_lead_to(
    declared: Declared,
    elsewhere: Declared,
    control_plane: Cluster,
    smg_pair: tuple[Smg, Smg],
    operator: Operator,
) -> None:
    declared.gateway(smg_pair)
    for number, (kind, spec) in enumerate(UNKNOWN.values()):  # what is unknown is pruned: the rest is served
        text = _manifest(declared, kind, f"r{number}", _at(spec, elsewhere.namespace))
        control_plane.kubectl("create", "--validate=ignore", "-f", "-", input=text)
    names = [(f"r{number}", f"{kind.lower()}s") for number, (kind, _) in enumerate(UNKNOWN.values())]

    def is_said(name: str, plural: str) -> bool:
        found = control_plane.get(declared.path(name, plural)) or {}
        return bool(found.get("status", {}).get("conditions"))

    await eventually(lambda: all(is_said(*each) for each in names), timeout_s=15)
    asked = {
        (request.resource, request.verb)
        for resource in ("secrets", "services", "configmaps", "endpointslices", "modelgateways", "events")
        for request in control_plane.requests(resource=resource, namespace=elsewhere.namespace)
        if request.verb in {"get", "list", "watch", "create"}
    }

    assert asked == set()
    assert "canary-elsewhere" not in operator.log.read_text()
