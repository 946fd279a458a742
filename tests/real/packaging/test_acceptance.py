"""Herder under the account that the chart gives it, with the arguments that the chart starts it with, at all its work:
nothing that it asks is forbidden, and nothing that it is granted goes unused."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
import yaml

from real.packaging.chart import CHART, NO_CRDS, Helm, container_of, sets
from real.packaging.grants import IDENTITY, IMPLIED, LEASE, REVIEWS, RIVALS, SERVED, SERVING, Grant, asked
from rig.control_plane.audit import ApiRequest, read_requests
from rig.control_plane.cluster import Cluster
from rig.control_plane.control_plane import ControlPlane
from rig.declared import Declared, is_listed_ready, urls_of
from rig.gateway import Smg
from rig.mcp import McpServer
from rig.mcp.deployment import FakeDeployment
from rig.operator_process import Operator
from rig.pod import RigPod
from rig.tokenizers import loaded, write_tokenizer
from rig.waiting import eventually, wait_for_condition
from rig.wasm import ModuleFolder, component, sha256
from rig.web import fetch
from rig.workers import MockWorkers

RELEASE, TEAM = "herder-system", "team"
USER = f"system:serviceaccount:{RELEASE}:herder"
RIGHTS = (
    {"verb": "patch", "group": "coordination.k8s.io", "resource": "leases", "namespace": RELEASE, "name": "herder"},
    {"verb": "watch", "group": "herder.dev", "resource": "tokenizers", "namespace": TEAM},
)
"""One of each role: the others count from the same moment on."""
KEY = {"name": "gateway-key", "key": "key"}
OF_GATEWAY = {"gatewayRef": {"name": "gw"}}
PATIENCE_S = 60
ADDRESSES = {f"--{what}-{part}" for what in ("health", "metrics") for part in ("host", "port")}
SECURE = ("metrics.enabled=true", "metrics.secure=true")
LIVES_S = itertools.count(3600)
MODULE = component("one", header=("x-herder-test", "one"))


@dataclass(frozen=True)
class Stage:
    """Two gateway replicas behind a Service, and herder at work as the chart has it."""

    declared: Declared
    smgs: tuple[Smg, ...]
    folder: Path
    operator: Operator
    pod: RigPod
    run: Callable[[RigPod], Operator]
    """Starts another herder, in another pod."""

    async def until(self, name: str, plural: str, **condition: Any) -> dict[str, Any]:
        """Wait for a resource's condition and return its status."""
        path = self.declared.path(name, plural)
        found = await wait_for_condition(self.declared.cluster, path, "Ready", timeout_s=PATIENCE_S, **condition)
        status: dict[str, Any] = found["status"]
        return status

    async def delete(self, name: str, plural: str) -> None:
        """Ask for a resource's deletion and wait until it is complete."""
        self.declared.cluster.delete(self.declared.path(name, plural))
        await self.until_gone(name, plural)

    async def until_gone(self, name: str, plural: str) -> None:
        """Wait until a resource's deletion is complete."""
        path = self.declared.path(name, plural)
        await eventually(lambda: self.declared.cluster.get(path) is None, PATIENCE_S)

    def requests(self) -> list[ApiRequest]:
        """What herder has asked the API server so far."""
        return [each for each in read_requests(self.declared.cluster.audit_log) if each.user == USER]

    def asked(self) -> frozenset[Grant]:
        """The rights that it has used so far."""
        return asked(self.requests())


type Start = Callable[..., Awaitable[Stage]]


@pytest.fixture
def smgs(log_dir: Path) -> Iterator[tuple[Smg, ...]]:
    """Two fresh replicas that keep modules."""
    with ThreadPoolExecutor() as pool:
        started = tuple(pool.map(lambda _: Smg.start("--enable-wasm", log_dir=log_dir), range(2)))
    yield started
    for smg in started:
        smg.kill()


@pytest.fixture
def start(own_control_plane: ControlPlane, smgs: tuple[Smg, ...], tmp_path: Path) -> Iterator[Start]:
    """Installs the chart with values and starts what its Deployment would, but for addresses and ports."""
    for name in (RELEASE, TEAM):
        own_control_plane.kubectl("create", "namespace", name)
    helm, operators = Helm(own_control_plane, tmp_path), []

    async def started(*values: str) -> Stage:
        helm.run("install", "herder", str(CHART), "--namespace", RELEASE, *sets((NO_CRDS, *values)))
        documents = list(yaml.safe_load_all(helm.run("get", "manifest", "herder", "--namespace", RELEASE)))
        _, *words = container_of(documents)["args"]
        args = [word for word in words if word.partition("=")[0] not in ADDRESSES]
        token = own_control_plane.kubectl("create", "token", "herder", "--namespace", RELEASE).stdout.strip()
        kubeconfig = own_control_plane.kubeconfig_for(token)
        for rights in RIGHTS:
            await eventually(partial(own_control_plane.is_allowed, USER, **rights), PATIENCE_S)

        def run(pod: RigPod) -> Operator:
            words = (*args, *pod.flags)
            operators.append(Operator.start(own_control_plane, *words, kubeconfig=kubeconfig, log_dir=tmp_path))
            return operators[-1].wait_healthy()

        pod = RigPod.created(own_control_plane, RELEASE, "herder-1", tmp_path)
        return Stage(Declared(own_control_plane, TEAM), smgs, tmp_path, run(pod), pod, run)

    yield started
    for operator in operators:
        operator.kill()


@pytest.mark.parametrize(
    ("values", "grants"),
    [
        pytest.param((), SERVING | IDENTITY | LEASE | RIVALS, id="all namespaces"),
        pytest.param(
            (f"watchNamespaces={{{TEAM}}}", *SECURE),
            SERVING | REVIEWS | LEASE | RIVALS,
            id="a named namespace, and secure metrics",
        ),
    ],
)
async def test_all_that_herder_does_takes_exactly_what_the_chart_grants(
    start: Start, mock_workers: MockWorkers, values: tuple[str, ...], grants: frozenset[Grant]
) -> None:
    stage = await start(*values)

    await _gateway(stage)
    await _worker(stage, mock_workers)
    await _tokenizer(stage)
    await _module(stage)
    await _mcp_server(stage)
    await _contend(stage)
    if SECURE[0] in values:
        await _metrics(stage)
    await _die(stage)

    requests = stage.requests()
    assert [request for request in requests if request.code == 403] == []
    assert "forbidden" not in stage.operator.log.read_text().lower()
    assert asked(requests) == grants - IMPLIED
    assert {request.name for request in requests if request.resource == "secrets"} == {"gateway-key"}


async def _gateway(stage: Stage) -> None:
    stage.declared.secret("gateway-key", key="sesame")
    stage.declared.service("shepherd", stage.smgs)
    mcp = {"rollout": {"deployment": "shepherd"}}
    spec = {
        "service": {"name": "shepherd", "port": 80},
        "auth": {"apiKeySecretRef": KEY},
        "resyncSeconds": 1,
        "mcp": mcp,
    }
    stage.declared.apply("ModelGateway", "gw", spec)


async def _worker(stage: Stage, workers: MockWorkers) -> None:
    url = workers.add("a").url
    stage.declared.worker("a", url)
    await stage.until("a", "workerregistrations", reason="Registered")
    assert all(is_listed_ready(smg, url) for smg in stage.smgs)
    stage.declared.worker("a", url, priority=80)
    await eventually(lambda: {each["priority"] for smg in stage.smgs for each in smg.workers()} == {80}, PATIENCE_S)
    stage.smgs[0].restart()
    await eventually(lambda: is_listed_ready(stage.smgs[0], url), PATIENCE_S)
    await stage.delete("a", "workerregistrations")
    assert [urls_of(smg) for smg in stage.smgs] == [[], []]


async def _tokenizer(stage: Stage) -> None:
    source = str(write_tokenizer(stage.folder / "tokenizer", "hello"))
    stage.declared.apply("Tokenizer", "t", {**OF_GATEWAY, "name": "t", "source": source})
    await stage.until("t", "tokenizers", reason="Registered")
    await stage.delete("t", "tokenizers")
    assert [loaded(smg.url) for smg in stage.smgs] == [{}, {}]


async def _module(stage: Stage) -> None:
    path = ModuleFolder(stage.folder).put("m.wasm", MODULE)
    stage.declared.apply("WasmModule", "m", {**OF_GATEWAY, "source": {"path": path}, "sha256": sha256(MODULE)})
    await stage.until("m", "wasmmodules", reason="Registered")
    await stage.delete("m", "wasmmodules")
    assert [json.loads(fetch(f"{smg.url}/wasm"))["modules"] for smg in stage.smgs] == [[], []]


async def _mcp_server(stage: Stage) -> None:
    deployment = FakeDeployment(stage.declared.cluster, TEAM)
    deployment.create()
    with McpServer.start(log_dir=stage.folder) as server:
        stage.declared.apply("McpServer", "m", {**OF_GATEWAY, "transport": {"url": server.url}})
        await eventually(deployment.told, PATIENCE_S)
        first = deployment.told()
        deployment.complete()
        await stage.until("m", "mcpservers")
        stage.declared.cluster.delete(stage.declared.path("m", "mcpservers"))
        await eventually(lambda: deployment.told() != first, PATIENCE_S)
        deployment.complete()
        await stage.until_gone("m", "mcpservers")


async def _metrics(stage: Stage) -> None:
    """A stranger is not known, an account may not, and one that is bound to the chart's role may."""
    cluster, url = stage.declared.cluster, stage.operator.metrics_url
    cluster.kubectl("create", "serviceaccount", "reader", "--namespace", TEAM)
    refused = [_status(url, token) for token in ("stranger", _token(cluster))]
    role = f"--clusterrole={RELEASE}:herder:metrics-reader"
    cluster.kubectl("create", "clusterrolebinding", "reader", role, f"--serviceaccount={TEAM}:reader")
    user = f"system:serviceaccount:{TEAM}:reader"
    await eventually(lambda: cluster.is_allowed(user, verb="get", path="/metrics"), PATIENCE_S)
    assert (refused, _status(url, _token(cluster))) == ([401, 403], 200)


def _token(cluster: Cluster) -> str:
    """One that was never shown: herder keeps a verdict on a token for a minute."""
    return cluster.kubectl(
        "create", "token", "reader", "--namespace", TEAM, f"--duration={next(LIVES_S)}s"
    ).stdout.strip()


def _status(url: str, token: str) -> int:
    try:
        fetch(url, token=token)
    except HTTPError as error:
        error.close()
        return error.code
    return 200


async def _contend(stage: Stage) -> None:
    """Write what herder is about to write, again and again: it then reads the object anew, which nothing else asks."""
    source = {"source": {"path": "/none.wasm"}}
    stage.declared.worker("c", "http://127.0.0.1:1", startup={"timeoutSeconds": 600})
    stage.declared.apply("WasmModule", "c", {**OF_GATEWAY, **source})
    stage.declared.apply("Tokenizer", "c", {**OF_GATEWAY, "name": "c", "source": "/none"})
    stage.declared.apply("McpServer", "c", {**OF_GATEWAY, "transport": {"url": "http://127.0.0.1:1/mcp"}})
    for kind, name, field in (("modelgateways", "gw", "resyncSeconds"), *((kind, "c", "suspend") for kind in SERVED)):
        path, values = stage.declared.path(name, kind), (2, 3) if kind == "modelgateways" else (True, False)
        async with asyncio.timeout(4 * PATIENCE_S):
            while ("get", kind) not in stage.asked():
                for value in values * 10:
                    await asyncio.to_thread(stage.declared.cluster.merge_patch, path, {"spec": {field: value}})


async def _die(stage: Stage) -> None:
    """Let herder be killed, and another one follow it."""
    stage.operator.kill()
    stage.pod.ended()
    other = stage.run(RigPod.created(stage.declared.cluster, RELEASE, "herder-2", stage.folder))
    await eventually(lambda: "lease.holder_ended" in other.log.read_text(), PATIENCE_S)
    await eventually(lambda: "leadership.won" in other.log.read_text(), PATIENCE_S)
    assert "forbidden" not in other.log.read_text().lower()
