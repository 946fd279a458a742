"""The chart's roles: what they grant, to the verb, and that herder does its work with them and needs each of them."""

from pathlib import Path

import pytest

from real.packaging.chart import Helm
from real.packaging.grants import FINDING, LOOKING, SELDOM, SERVING, asked, granted
from rig.control_plane.audit import ApiRequest, read_requests
from rig.control_plane.control_plane import ControlPlane
from rig.declared import Declared, is_listed_ready, urls_of
from rig.gateway import Smg
from rig.mcp.deployment import FakeDeployment
from rig.operator_process import Operator
from rig.tokenizers import loaded, write_tokenizer
from rig.waiting import eventually, wait_for_condition
from rig.workers import MockWorkers

TEAM = "team"
KEY = {"name": "gateway-key", "key": "key"}


def test_serving_all_namespaces_takes_one_cluster_role(helm: Helm) -> None:
    documents = helm.template()

    assert granted(documents, "ClusterRole") == SERVING | LOOKING
    assert granted(documents, "Role") == frozenset()


def test_serving_named_namespaces_takes_a_role_in_each_and_little_in_the_cluster(helm: Helm) -> None:
    documents = helm.template("namespaces={a,b}")

    roles = [document for document in documents if document["kind"] == "Role"]
    assert [role["metadata"]["namespace"] for role in roles] == ["a", "b"]
    assert [granted([role], "Role") for role in roles] == [SERVING, SERVING]
    assert granted(documents, "ClusterRole") == LOOKING | FINDING


def test_secrets_can_be_narrowed_down_to_names(helm: Helm) -> None:
    documents = helm.template("secretNames={gateway-key,worker-key}")

    [rule] = [rule for each in documents for rule in each.get("rules", ()) if rule["resources"] == ["secrets"]]
    assert rule["resourceNames"] == ["gateway-key", "worker-key"]


@pytest.mark.parametrize(
    ("values", "scope", "grants"),
    [
        pytest.param((), ("--all-namespaces",), SERVING | LOOKING, id="all namespaces"),
        pytest.param(
            (f"namespaces={{{TEAM}}}",), ("--namespace", TEAM), SERVING | LOOKING | FINDING, id="a named namespace"
        ),
    ],
)
async def test_herder_works_with_exactly_these_rights(
    own_control_plane: ControlPlane,
    smg_pair: tuple[Smg, Smg],
    mock_workers: MockWorkers,
    tmp_path: Path,
    values: tuple[str, ...],
    scope: tuple[str, ...],
    grants: frozenset[tuple[str, str]],
) -> None:
    for name in ("herder-system", TEAM):
        own_control_plane.kubectl("create", "namespace", name)
    declared = Declared(own_control_plane, TEAM)
    worker = mock_workers.add("a")

    with Helm(own_control_plane, tmp_path).installed("herder", "herder-system", *values):
        token = own_control_plane.kubectl("create", "token", "herder", "--namespace", "herder-system").stdout.strip()
        operator = Operator.start(
            own_control_plane, *scope, kubeconfig=own_control_plane.kubeconfig_for(token), log_dir=tmp_path
        )
        try:
            operator.wait_healthy()
            await _register_and_remove(declared, smg_pair, worker.url)
            await _load_and_unload(declared, smg_pair, write_tokenizer(tmp_path / "tokenizer", "hello"))
            await _try_module(declared)
            await _publish(declared)
            await eventually(lambda: asked(_requests(own_control_plane)) >= grants - SELDOM)
        finally:
            operator.kill()

    requests = _requests(own_control_plane)
    assert [request for request in requests if request.code == 403] == []
    assert asked(requests) <= grants
    assert {request.name for request in requests if request.resource == "secrets"} == {"gateway-key"}


async def _register_and_remove(declared: Declared, replicas: tuple[Smg, Smg], url: str) -> None:
    declared.secret("gateway-key", key="sesame")
    declared.service("shepherd", replicas)
    by_service = {"service": {"name": "shepherd", "port": 80}, "auth": {"apiKeySecretRef": KEY}, "resyncSeconds": 1}
    by_service["mcp"] = {"rollout": {"deployment": "shepherd"}}
    declared.apply("ModelGateway", "gw", by_service)
    declared.worker("a", url)
    await declared.until("a", reason="Registered")
    assert all(is_listed_ready(replica, url) for replica in replicas)
    declared.delete("a")
    await declared.until_gone("a")
    assert [urls_of(replica) for replica in replicas] == [[], []]


async def _load_and_unload(declared: Declared, replicas: tuple[Smg, Smg], source: Path) -> None:
    path = declared.path("t", "tokenizers")
    declared.apply("Tokenizer", "t", {"gatewayRef": {"name": "gw"}, "name": "t", "source": str(source)})
    await wait_for_condition(declared.cluster, path, "Ready", reason="Registered")
    declared.cluster.delete(path)
    await eventually(lambda: declared.cluster.get(path) is None)
    assert [loaded(replica.url) for replica in replicas] == [{}, {}]


async def _try_module(declared: Declared) -> None:
    path = declared.path("m", "wasmmodules")
    declared.apply("WasmModule", "m", {"gatewayRef": {"name": "gw"}, "source": {"path": "/none.wasm"}})
    await eventually(lambda: "workflow" in (declared.cluster.get(path) or {}).get("status", {}))
    declared.cluster.delete(path)
    await eventually(lambda: declared.cluster.get(path) is None)


async def _publish(declared: Declared) -> None:
    deployment = FakeDeployment(declared.cluster, declared.namespace)
    deployment.create()
    declared.apply("McpServer", "m", {"gatewayRef": {"name": "gw"}, "transport": {"url": "http://127.0.0.1:1/mcp"}})
    await eventually(deployment.told, timeout_s=20)


def _requests(cluster: ControlPlane) -> list[ApiRequest]:
    user = "system:serviceaccount:herder-system:herder"
    return [request for request in read_requests(cluster.audit_log) if request.user == user]
