"""MCP servers published through a real API server, from real servers, for real gateways that start on the file."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import yaml

from herder.api.gateway import HeaderPublishing
from herder.controller.cluster.kube import Kube
from herder.controller.cluster.login import load_configuration
from herder.engine import WorkflowStatus
from herder.net.address import AddressPolicy
from herder.net.http import Http
from herder.net.mcp import McpClient
from herder.workflows.mcp import shown
from real.workflows.mcp_runs import McpRuns
from rig.control_plane.cluster import Cluster
from rig.gateway import Smg
from rig.mcp import McpServer
from rig.mcp.deployment import FakeDeployment
from rig.ports import HOST, reserve_port
from rig.waiting import eventually
from rig.web import fetch


@pytest.fixture
def server(log_dir: Path) -> Iterator[McpServer]:
    with McpServer.start(log_dir=log_dir) as server:
        yield server


@pytest.fixture
async def runs(control_plane: Cluster, namespace: str) -> AsyncIterator[McpRuns]:
    configuration = await load_configuration(control_plane.kubeconfig)
    async with Kube(configuration) as kube, Http(AddressPolicy(allow_loopback=True)) as http:
        made = McpRuns(control_plane, namespace, kube, McpClient(http))
        yield made
        await made.end()


class Gateway:
    """A replica that starts on the published file, as its pod's volume would show it to it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._metrics = reserve_port()
        self.smg: Smg | None = None

    def start(self, text: str, log_dir: Path) -> None:
        """Start it on this text."""
        self._file.write_text(text)
        options = ("--mcp-config-path", str(self._file), "--prometheus-port", str(self._metrics))
        self.smg = Smg.start(*options, log_dir=log_dir)

    def active(self) -> int:
        """How many MCP servers it is connected with."""
        lines = fetch(f"http://{HOST}:{self._metrics}/metrics").decode().splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith("smg_mcp_servers_active ")), 0)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    made = Gateway(tmp_path / "mcp.yaml")
    yield made
    if made.smg is not None:
        made.smg.kill()


async def test_a_server_is_published_and_a_gateway_started_on_the_file_offers_it(
    runs: McpRuns, server: McpServer, gateway: Gateway, log_dir: Path
) -> None:
    runs.declare_gateway()
    spec = runs.declare_server("tools", server.url)
    data = runs.data("tools", spec, runs.file())

    outcome = await runs.register(data)
    gateway.start(runs.text(), log_dir)

    assert outcome.status is WorkflowStatus.COMPLETED
    assert shown(data).model_dump(include={"name", "server", "tool_count", "config_map"}) == {
        "name": "tools",
        "server": "rig 1.0",
        "tool_count": 2,
        "config_map": "gw-mcp",
    }
    await eventually(lambda: gateway.active() == 1)


async def test_the_config_map_goes_with_its_gateway_and_says_who_keeps_it(runs: McpRuns, server: McpServer) -> None:
    runs.declare_gateway(configMap="tools-of-gw")
    await runs.register(runs.data("tools", runs.declare_server("tools", server.url), runs.file()))

    metadata = runs.config_map("tools-of-gw")["metadata"]

    assert metadata["labels"] == {"app.kubernetes.io/managed-by": "herder"}
    assert [(owner["kind"], owner["name"]) for owner in metadata["ownerReferences"]] == [("ModelGateway", "gw")]
    assert [(each["manager"], each["operation"]) for each in metadata["managedFields"]] == [("herder", "Apply")]


async def test_a_removed_server_leaves_a_file_that_a_gateway_can_start_on(
    runs: McpRuns, server: McpServer, gateway: Gateway, log_dir: Path
) -> None:
    runs.declare_gateway()
    file = runs.file()
    await runs.register(runs.data("tools", runs.declare_server("tools", server.url), file))
    runs.withdraw("tools")

    outcome = await runs.remove("tools", file)
    gateway.start(runs.text(), log_dir)

    assert outcome.status is WorkflowStatus.COMPLETED
    assert yaml.safe_load(runs.text()) == {"servers": []}
    assert gateway.active() == 0


async def test_an_optional_server_is_published_before_it_answers_and_tried_until_it_does(
    runs: McpRuns, gateway: Gateway, log_dir: Path
) -> None:
    late = McpServer(log_dir=log_dir)
    runs.declare_gateway()
    data = runs.data("late", runs.declare_server("late", late.url), runs.file())

    instance_id = await runs.start(data)
    await eventually(lambda: "late" in runs.config_map().get("data", {}).get("mcp.yaml", ""))
    gateway.start(runs.text(), log_dir)
    await eventually(lambda: runs.engine.get_state(instance_id).steps["connect"].attempts > 1)
    await asyncio.to_thread(late.up)
    outcome = await runs.wait(instance_id)

    assert outcome.status is WorkflowStatus.COMPLETED
    assert data.offer is not None
    assert data.offer.count == 2
    await eventually(lambda: gateway.active() == 1, timeout_s=15)
    late.kill()


async def test_a_required_server_is_not_published_before_it_answers(runs: McpRuns, log_dir: Path) -> None:
    late = McpServer(log_dir=log_dir)
    runs.declare_gateway()
    data = runs.data("late", runs.declare_server("late", late.url, required=True), runs.file())

    instance_id = await runs.start(data)
    await eventually(lambda: runs.engine.get_state(instance_id).steps["connect"].attempts > 1)
    before = runs.config_map()
    await asyncio.to_thread(late.up)
    await runs.wait(instance_id)

    assert before == {}
    assert yaml.safe_load(runs.text())["servers"] == [
        {"name": "late", "protocol": "streamable", "url": late.url, "required": True}
    ]
    late.kill()


async def test_one_bad_server_holds_up_none_of_the_others(runs: McpRuns, server: McpServer, log_dir: Path) -> None:
    runs.declare_gateway()
    file = runs.file()
    with McpServer.start(log_dir=log_dir) as hanging:
        hanging.change(hangs=True)
        await runs.start(runs.data("hangs", runs.declare_server("hangs", hanging.url), file))
        await runs.start(runs.data("dead", runs.declare_server("dead", f"http://{HOST}:{reserve_port()}/mcp"), file))

        outcome = await runs.register(runs.data("tools", runs.declare_server("tools", server.url), file))

    assert outcome.status is WorkflowStatus.COMPLETED
    names = await eventually(lambda: [each["name"] for each in yaml.safe_load(runs.text())["servers"]])
    assert names == ["dead", "hangs", "tools"]


async def test_servers_that_are_published_at_once_are_all_in_the_file(runs: McpRuns, server: McpServer) -> None:
    runs.declare_gateway()
    file, names = runs.file(), [f"s{number}" for number in range(10)]
    datas = [runs.data(name, runs.declare_server(name, server.url), file) for name in names]

    outcomes = await asyncio.gather(*(runs.register(data) for data in datas))

    assert {outcome.status for outcome in outcomes} == {WorkflowStatus.COMPLETED}
    assert [each["name"] for each in yaml.safe_load(runs.text())["servers"]] == names


async def test_what_is_published_already_is_not_written_again(runs: McpRuns, server: McpServer) -> None:
    runs.declare_gateway()
    spec = runs.declare_server("tools", server.url)
    await runs.register(runs.data("tools", spec, runs.file()))
    before = runs.config_map()["metadata"]["resourceVersion"]

    await runs.register(runs.data("tools", spec, runs.file()))

    assert runs.config_map()["metadata"]["resourceVersion"] == before


async def test_a_config_map_of_somebody_else_is_left_alone_unless_it_is_adopted(
    runs: McpRuns, server: McpServer
) -> None:
    runs.declare_gateway()
    path = f"/api/v1/namespaces/{runs.namespace}/configmaps/gw-mcp"
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "gw-mcp"}, "data": {"mcp.yaml": "x: 1"}}
    runs.cluster.apply(path, theirs)
    data = runs.data("tools", runs.declare_server("tools", server.url), runs.file())

    refused = await runs.register(data)
    text = runs.text()
    data.adopt = True
    taken = await runs.register(data)

    assert refused.failed_step == "publish"
    assert data.problems.get("publish") is None
    assert text == "x: 1"
    assert taken.status is WorkflowStatus.COMPLETED
    assert "tools" in runs.text()


async def test_changes_by_hand_are_undone_and_told(runs: McpRuns, server: McpServer) -> None:
    runs.declare_gateway()
    file = runs.file()
    await runs.register(runs.data("tools", runs.declare_server("tools", server.url), file))
    before, told = runs.text(), list[str]()
    changed = before.replace("/mcp", "/other") + "- {name: mine, protocol: streamable, url: 'http://h/mcp'}\n"
    path = f"/api/v1/namespaces/{runs.namespace}/configmaps/gw-mcp"
    runs.cluster.merge_patch(path, {"data": {"mcp.yaml": changed}})

    await file.repair(lambda _, found: told.append(found))

    assert runs.text() == before
    assert told == [
        "ConfigMap gw-mcp: it lists mine, which nobody declares; repaired",
        "ConfigMap gw-mcp: it lists tools with another url than declared; repaired",
    ]


async def test_what_others_keep_in_the_same_config_map_stays_theirs(runs: McpRuns, server: McpServer) -> None:
    runs.declare_gateway()
    file = runs.file()
    await runs.register(runs.data("a", runs.declare_server("a", server.url), file))
    theirs = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "gw-mcp", "labels": {"team": "x"}},
        "data": {"notes.txt": "ours"},
    }
    runs.cluster.kubectl(
        *("apply", "--server-side", "--field-manager=team-x", "--namespace", runs.namespace, "-f", "-"),
        input=yaml.safe_dump(theirs),
    )

    await runs.register(runs.data("b", runs.declare_server("b", server.url), file))

    found = runs.config_map()
    managers = {each["manager"]: each["fieldsV1"]["f:data"].keys() for each in found["metadata"]["managedFields"]}
    assert found["data"]["notes.txt"] == "ours"
    assert found["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "herder", "team": "x"}
    assert [each["name"] for each in yaml.safe_load(runs.text())["servers"]] == ["a", "b"]
    assert managers == {"herder": {"f:mcp.yaml"}, "team-x": {"f:notes.txt"}}


async def test_a_server_that_was_orphaned_stays_in_the_file(runs: McpRuns, server: McpServer) -> None:
    runs.declare_gateway()
    file = runs.file()
    for name in ("left", "other"):
        spec = runs.declare_server(name, server.url, deletionPolicy="Orphan" if name == "left" else "Deregister")
        await runs.register(runs.data(name, spec, file))
    runs.withdraw("left")
    runs.withdraw("other")

    await file.repair(lambda _, __: None)

    assert [each["name"] for each in yaml.safe_load(runs.text())["servers"]] == ["left"]


async def test_headers_are_never_published(runs: McpRuns, server: McpServer) -> None:
    server.change(headers={"Authorization": "Bearer sesame"})
    runs.declare_gateway()
    spec = runs.declare_server("tools", server.url, required=True, headersSecretRef={"name": "keys"})
    data = runs.data("tools", spec, runs.file(), {"Authorization": "Bearer sesame"})

    outcome = await runs.register(data)

    assert outcome.failed_step == "publish"
    assert data.problems["publish"].reason == "HeadersNotPublishable"
    assert shown(data).tool_count == 2
    assert runs.config_map() == {}


async def test_headers_reach_a_gateway_whose_init_container_fills_them_in(
    runs: McpRuns, server: McpServer, gateway: Gateway, log_dir: Path
) -> None:
    server.change(headers={"Authorization": "Bearer sesame"})
    runs.declare_gateway(headers="Variables")
    spec = runs.declare_server("tools", server.url, headersSecretRef={"name": "keys"})
    headers = {"Authorization": "Bearer sesame"}

    await runs.register(runs.data("tools", spec, runs.file(), headers, HeaderPublishing.VARIABLES))
    gateway.start(_filled_in(runs.text(), HERDER_MCP_TOOLS_AUTHORIZATION="Bearer sesame"), log_dir)

    assert "sesame" not in runs.text()
    assert "${HERDER_MCP_TOOLS_AUTHORIZATION}" in runs.text()
    await eventually(lambda: gateway.active() == 1)


async def test_the_gateway_itself_fills_in_no_variables(
    server: McpServer, gateway: Gateway, log_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERDER_MCP_TOOLS_AUTHORIZATION", "Bearer sesame")
    headers = {"Authorization": "${HERDER_MCP_TOOLS_AUTHORIZATION}"}
    entry = {"name": "tools", "protocol": "streamable", "url": server.url, "headers": headers}

    gateway.start(yaml.safe_dump({"servers": [entry]}), log_dir)

    await eventually(lambda: gateway.active() == 1)
    sent = [each.get("authorization") for each in server.received() if "authorization" in each]
    assert sent[0] == "${HERDER_MCP_TOOLS_AUTHORIZATION}"


async def test_a_deployment_is_rolled_once_for_servers_that_come_together(runs: McpRuns, server: McpServer) -> None:
    runs.declare_gateway(rollout={"deployment": "shepherd"})
    deployment = FakeDeployment(runs.cluster, runs.namespace)
    deployment.create()
    file, names = runs.file(), [f"s{number}" for number in range(10)]
    datas = [runs.data(name, runs.declare_server(name, server.url), file) for name in names]

    instances = [await runs.start(data) for data in datas]
    told = await eventually(deployment.told, timeout_s=20)
    waiting = await eventually(
        lambda: [d.problems["roll"].message for d in datas if "roll" in d.problems], timeout_s=20
    )
    deployment.complete()
    outcomes = [await runs.wait(instance) for instance in instances]

    assert {outcome.status for outcome in outcomes} == {WorkflowStatus.COMPLETED}
    assert waiting[0] == "Deployment shepherd is rolled for the new file: its controller has not begun yet"
    assert deployment.generation() == 2
    assert told == (await file.look()).config_hash


def _filled_in(text: str, **variables: str) -> str:
    """What the init container of the documents makes of the file."""
    script = "import os, sys; sys.stdout.write(os.path.expandvars(sys.stdin.read()))"
    return subprocess.run(
        ["python3", "-c", script],
        input=text,
        env={"PATH": "/usr/bin:/bin", **variables},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
