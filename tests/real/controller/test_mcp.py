"""MCP servers through the whole operator: declared, published, looked at, repaired, rolled, removed."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from rig.control_plane.cluster import Cluster
from rig.declared import Declared
from rig.gateway import Smg
from rig.mcp import McpServer
from rig.mcp.deployment import FakeDeployment
from rig.operator_process import Operator
from rig.ports import HOST, reserve_port
from rig.waiting import eventually, wait_for_condition


@dataclass(frozen=True)
class Servers:
    """The MCP servers that a test declares for the gateway `gw`."""

    declared: Declared

    def apply(self, name: str, url: str, **spec: Any) -> None:
        """Declare one."""
        self.declared.apply("McpServer", name, {"gatewayRef": {"name": "gw"}, "transport": {"url": url}, **spec})

    def path(self, name: str) -> str:
        """Its API path."""
        return self.declared.path(name, "mcpservers")

    def status(self, name: str) -> dict[str, Any]:
        """Its status."""
        found: dict[str, Any] = (self.declared.cluster.get(self.path(name)) or {}).get("status", {})
        return found

    async def until(self, name: str, kind: str = "Ready", **condition: Any) -> dict[str, Any]:
        """Wait for a condition and return the status."""
        found = await wait_for_condition(self.declared.cluster, self.path(name), kind, **condition)
        status: dict[str, Any] = found["status"]
        return status

    async def until_gone(self, name: str) -> None:
        """Wait until its deletion is complete."""
        await eventually(lambda: self.declared.cluster.get(self.path(name)) is None, 15)

    def config_map(self) -> dict[str, Any]:
        """The ConfigMap that they are published in; empty if there is none."""
        return self.declared.cluster.get(self.map()) or {}

    def published(self) -> dict[str, str]:
        """The URLs in the published file, by name."""
        content = yaml.safe_load(self.config_map().get("data", {}).get("mcp.yaml", "servers: []"))
        return {each["name"]: each["url"] for each in content["servers"]}

    def publish_by_hand(self, text: str) -> None:
        """Change the file as somebody else would."""
        self.declared.cluster.merge_patch(self.map(), {"data": {"mcp.yaml": text}})

    def map(self, name: str = "gw-mcp") -> str:
        """The API path of a ConfigMap."""
        return f"/api/v1/namespaces/{self.declared.namespace}/configmaps/{name}"


@pytest.fixture
def servers(declared: Declared) -> Servers:
    return Servers(declared)


@pytest.fixture
def server(log_dir: Path) -> Iterator[McpServer]:
    with McpServer.start(log_dir=log_dir) as server:
        yield server


@pytest.fixture
def gateway(declared: Declared, log_dir: Path, start_operator: Callable[..., Operator]) -> Iterator[Smg]:
    """One replica declared as `gw`, and an operator at work."""
    smg = Smg.start(log_dir=log_dir)
    declared.gateway([smg])
    start_operator().wait_healthy()
    yield smg
    smg.kill()


async def test_a_server_is_published_shown_and_removed(servers: Servers, server: McpServer, gateway: Smg) -> None:
    servers.apply("tools", server.url)

    status = await servers.until("tools", reason="Published")
    published = servers.published()
    servers.declared.cluster.delete(servers.path("tools"))
    await servers.until_gone("tools")

    shown = status["server"]
    assert (shown["server"], shown["toolCount"], shown["configMap"]) == ("rig 1.0", 2, "gw-mcp")
    assert [tool["name"] for tool in shown["tools"]] == ["tool_0", "tool_1"]
    assert "registered" not in status
    assert status.get("replicas", []) == []
    assert [step["name"] for step in status["workflow"]["steps"]] == [
        *("connect", "discover_tools", "publish", "roll", "verify"),
    ]
    assert published == {"tools": server.url}
    assert servers.published() == {}


async def test_a_server_whose_policy_became_orphan_right_before_its_deletion_stays_published(
    servers: Servers, server: McpServer, gateway: Smg
) -> None:
    servers.apply("tools", server.url)
    await servers.until("tools", reason="Published")

    servers.apply("tools", server.url, deletionPolicy="Orphan")
    servers.declared.cluster.delete(servers.path("tools"))
    await servers.until_gone("tools")
    servers.apply("another", server.url)
    await servers.until("another", reason="Published")

    assert servers.published() == {"another": server.url, "tools": server.url}


async def test_one_that_does_not_answer_is_published_and_ready_and_tried_again(
    servers: Servers, gateway: Smg, log_dir: Path
) -> None:
    late = McpServer(log_dir=log_dir)
    servers.apply("late", late.url)

    await servers.until("late", reason="Published")
    status = await servers.until("late", "Reconciling", reason="ProgressingWithRetry")
    late.up()
    reached = await servers.until("late", "Reachable", timeout_s=20)

    assert _condition(status, "Ready")["status"] == "True"
    assert "connect is retried" in _condition(status, "Reconciling")["message"]
    assert reached["server"]["toolCount"] == 2
    late.kill()


async def test_a_required_server_is_ready_only_while_it_answers(
    servers: Servers, server: McpServer, gateway: Smg
) -> None:
    servers.apply("tools", server.url, required=True)
    await servers.until("tools", reason="Published")

    server.kill()
    dead = await servers.until("tools", status="False", reason="ServerUnreachable")
    server.up()
    alive = await servers.until("tools", reason="Published")

    assert "toolCount" not in dead["server"]
    assert alive["server"]["toolCount"] == 2
    assert servers.published() == {"tools": server.url}


async def test_a_changed_list_of_tools_is_noticed_and_nothing_is_written_while_nothing_changes(
    servers: Servers, server: McpServer, gateway: Smg
) -> None:
    servers.apply("tools", server.url)
    await servers.until("tools", "Reachable")

    server.change(tools=300)
    await eventually(lambda: servers.status("tools")["server"].get("toolCount") == 300)
    before = servers.declared.cluster.get(servers.path("tools")), servers.config_map()
    asked = len(server.received())
    await eventually(lambda: len(server.received()) > asked + 12)

    assert (servers.declared.cluster.get(servers.path("tools")), servers.config_map()) == before
    assert len(servers.status("tools")["server"]["tools"]) == 128


async def test_changes_by_hand_are_undone_and_told(
    servers: Servers, server: McpServer, gateway: Smg, control_plane: Cluster
) -> None:
    servers.apply("tools", server.url)
    await servers.until("tools", reason="Published")

    servers.publish_by_hand("servers:\n- {name: tools, protocol: streamable, url: 'http://elsewhere/mcp'}\n")
    await eventually(lambda: servers.published() == {"tools": server.url})

    def told() -> list[str]:
        path = f"/api/v1/namespaces/{servers.declared.namespace}/events"
        events = (control_plane.get(path) or {})["items"]
        return [each["message"] for each in events if each["reason"] == "Drifted"]

    [message] = await eventually(told)
    assert "tools with another" in message


async def test_headers_are_refused_until_variables_may_stand_for_them(
    servers: Servers, server: McpServer, gateway: Smg
) -> None:
    server.change(headers={"Authorization": "Bearer sesame"})
    servers.declared.secret("keys", Authorization="Bearer sesame")
    servers.apply("tools", server.url, headersSecretRef={"name": "keys"})

    refused = await servers.until("tools", "Stalled")
    before = servers.published()
    servers.declared.gateway([gateway], mcp={"headers": "Variables"})
    taken = await servers.until("tools", reason="Published")
    reached = await servers.until("tools", "Reachable")

    assert "init container" in _condition(refused, "Ready")["message"]
    assert before == {}
    assert "HERDER_MCP_TOOLS_AUTHORIZATION" in _condition(taken, "Ready")["message"]
    assert reached["server"]["toolCount"] == 2
    everything = f"{servers.declared.cluster.get(servers.path('tools'))}{servers.config_map()}"
    assert "sesame" not in everything
    assert base64.b64encode(b"Bearer sesame").decode() not in everything


async def test_wrong_headers_are_told_without_showing_them(servers: Servers, server: McpServer, gateway: Smg) -> None:
    servers.declared.gateway([gateway], mcp={"headers": "Variables"})
    server.change(headers={"Authorization": "Bearer sesame"})
    servers.declared.secret("keys", Authorization="Bearer wrong")
    servers.apply("tools", server.url, required=True, headersSecretRef={"name": "keys"})

    status = await servers.until("tools", "Stalled", timeout_s=15)

    message = _condition(status, "Ready")["message"]
    assert "answered 401" in message
    assert "correct the Secret" in message
    assert "wrong" not in message


async def test_a_bad_server_holds_up_none_of_the_others(servers: Servers, server: McpServer, gateway: Smg) -> None:
    servers.apply("dead", f"http://{HOST}:{reserve_port()}/mcp", required=True)
    await servers.until("dead", "Reconciling")

    servers.apply("tools", server.url)
    await servers.until("tools", reason="Published")

    assert servers.published() == {"tools": server.url}


async def test_the_deployment_is_rolled_for_a_change_and_a_removal(
    servers: Servers, server: McpServer, gateway: Smg
) -> None:
    deployment = FakeDeployment(servers.declared.cluster, servers.declared.namespace)
    deployment.create()
    servers.declared.gateway([gateway], mcp={"rollout": {"deployment": "shepherd"}})

    for name in ("a", "b", "c"):
        servers.apply(name, server.url)
    first = await eventually(deployment.told, 20)
    waiting = await servers.until("a", "Reconciling")
    deployment.complete()
    for name in ("a", "b", "c"):
        await servers.until(name, reason="Published", timeout_s=20)
    servers.declared.cluster.delete(servers.path("b"))
    second = await eventually(lambda: (told := deployment.told()) != first and told, 20)
    deployment.complete()
    await servers.until_gone("b")

    assert "Reconciling" in {each["type"] for each in waiting["conditions"]}
    assert first != second
    assert deployment.generation() == 3


async def test_a_config_map_that_the_gateway_no_longer_names_keeps_only_what_others_put_there(
    servers: Servers, server: McpServer, gateway: Smg
) -> None:
    servers.apply("tools", server.url)
    await servers.until("tools", reason="Published")
    servers.declared.cluster.merge_patch(servers.map(), {"data": {"note": "ours"}})

    servers.declared.gateway([gateway], mcp={"configMap": "other"})
    await eventually(lambda: "mcp.yaml" not in servers.config_map()["data"], 30)

    moved = servers.declared.cluster.get(servers.map("other")) or {}
    assert server.url in moved["data"]["mcp.yaml"]
    assert servers.config_map()["data"] == {"note": "ours"}


async def test_a_server_that_moves_to_another_gateway_leaves_the_former_ones_file(
    servers: Servers, server: McpServer, gateway: Smg, smg_pair: tuple[Smg, Smg]
) -> None:
    servers.declared.gateway(smg_pair, name="other")
    servers.apply("tools", server.url)
    await servers.until("tools", reason="Published")

    servers.apply("tools", server.url, gatewayRef={"name": "other"})
    await eventually(lambda: servers.status("tools").get("gateway") == "other", 15)
    status = await servers.until("tools", reason="Published")

    assert status["server"]["configMap"] == "other-mcp"
    assert servers.published() == {}


async def test_a_restarted_operator_goes_on_where_the_former_one_was(
    servers: Servers,
    declared: Declared,
    log_dir: Path,
    server: McpServer,
    smg_pair: tuple[Smg, Smg],
    start_operator: Callable[..., Operator],
) -> None:
    declared.gateway(smg_pair)
    first = start_operator().wait_healthy()
    late = McpServer(log_dir=log_dir)
    servers.apply("tools", server.url)
    servers.apply("late", late.url, required=True)
    await servers.until("tools", "Reachable")
    await eventually(lambda: _attempts(servers.status("late"), "connect") > 1)
    before = servers.config_map()

    first.kill()
    late.up()
    start_operator().wait_healthy()
    status = await servers.until("late", reason="Published", timeout_s=20)

    assert status["history"][0]["status"] == "Completed"
    assert len(status["history"]) == 1
    assert before["data"] != servers.config_map()["data"]
    assert servers.published() == {"late": late.url, "tools": server.url}
    late.kill()


def _condition(status: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in status["conditions"] if each["type"] == kind)
    return found


def _attempts(status: dict[str, Any], step: str) -> int:
    steps = status.get("workflow", {}).get("steps", [])
    return next((each["attempts"] for each in steps if each["name"] == step), 0)
