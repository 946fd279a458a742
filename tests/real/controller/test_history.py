"""What a resource of each kind says in the course of a whole life: of each generation one end, and that once."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rig.control_plane.cluster import Cluster
from rig.declared import Declared
from rig.gateway import running
from rig.history import History
from rig.mcp import McpServer
from rig.operator_process import Operator
from rig.ports import HOST, reserve_port
from rig.tokenizers import write_tokenizer
from rig.waiting import eventually, wait_for_condition
from rig.wasm import ModuleFolder, component
from rig.workers import MockWorkers, Script

type Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: a declaration, another one, and one whose run has no end."""

    name: str
    spec: Spec
    changed: Spec
    endless: Spec


@pytest.fixture
def worker(mock_workers: MockWorkers) -> Kind:
    up, down = mock_workers.add("up"), mock_workers.add("down", Script(up=False))
    drain = {"settleSeconds": 0}
    spec = {"url": up.url, "drain": drain}
    return Kind("WorkerRegistration", spec, {**spec, "priority": 20}, {"url": down.url, "drain": drain})


@pytest.fixture
def module(tmp_path: Path, namespace: str) -> Kind:
    spec = {"source": {"path": ModuleFolder(tmp_path).put("a.wasm", component(namespace))}}
    missing = {"source": {"path": str(tmp_path / "missing.wasm")}}
    return Kind("WasmModule", spec, {**spec, "attachPoints": ["OnRequest", "OnResponse"]}, missing)


@pytest.fixture
def tokenizer(tmp_path: Path) -> Kind:
    one, other = (str(write_tokenizer(tmp_path / name, name)) for name in ("one", "other"))
    missing = {"name": "missing", "source": str(tmp_path / "missing")}
    return Kind("Tokenizer", {"name": "m", "source": one}, {"name": "m", "source": other}, missing)


@pytest.fixture
def server(log_dir: Path) -> Iterator[Kind]:
    with McpServer.start(log_dir=log_dir) as server:
        spec = {"transport": {"url": server.url}, "required": True}
        absent = {"transport": {"url": f"http://{HOST}:{reserve_port()}/mcp"}, "required": True}
        yield Kind("McpServer", spec, {**spec, "required": False}, absent)


@dataclass(frozen=True)
class Life:
    """The resource `r` of a kind, in a namespace with the gateways `gw` and `other`, which are the same replicas."""

    declared: Declared
    kind: Kind

    @property
    def path(self) -> str:
        """Its API path."""
        return self.declared.path("r", f"{self.kind.name.lower()}s")

    def apply(self, spec: Mapping[str, Any], gateway: str = "gw", **more: Any) -> None:
        """Declare it."""
        self.declared.apply(self.kind.name, "r", {"gatewayRef": {"name": gateway}, **spec, **more})

    def annotate(self, **tokens: str) -> None:
        """Ask for something once."""
        words = {f"herder.dev/{key}": value for key, value in tokens.items()}
        self.declared.cluster.merge_patch(self.path, {"metadata": {"annotations": words}})

    async def until(self, kind: str = "Ready", **said: Any) -> None:
        """Wait until it says so of its present generation."""
        await wait_for_condition(self.declared.cluster, self.path, kind, timeout_s=30, **said)

    async def delete(self) -> None:
        """Delete it, and wait until it is gone."""
        self.declared.cluster.delete(self.path)
        await eventually(lambda: self.declared.cluster.get(self.path) is None, 30)

    async def go(self) -> None:
        """Live it."""
        self.apply(self.kind.spec)
        await self.until()
        self.apply(self.kind.changed)
        await self.until()
        self.apply(self.kind.endless)
        await self.until("Reconciling")
        self.apply(self.kind.spec)
        await self.until()
        self.apply(self.kind.changed, suspend=True)
        await self.until(status="False", reason="Suspended")
        self.apply(self.kind.changed)
        await self.until()
        self.annotate(retry="once")
        await eventually(lambda: self.status.get("lastHandled") == {"retry": "once"}, 30)
        await self.until()
        self.apply(self.kind.changed, "other")
        await self.until()
        self.apply(self.kind.endless, "other")
        await self.until("Reconciling")
        self.annotate(cancel="once")
        await self.until("Stalled", reason="Cancelled")
        self.apply(self.kind.endless)
        await self.until("Reconciling")
        await self.delete()
        self.apply(self.kind.spec)
        await self.until()

    @property
    def status(self) -> dict[str, Any]:
        """What it says."""
        found: dict[str, Any] = (self.declared.cluster.get(self.path) or {}).get("status", {})
        return found


@pytest.mark.parametrize("fixture", ["worker", "module", "tokenizer", "server"])
async def test_each_generation_ends_once(
    fixture: str,
    request: pytest.FixtureRequest,
    declared: Declared,
    control_plane: Cluster,
    log_dir: Path,
    start_operator: Callable[..., Operator],
) -> None:
    kind: Kind = request.getfixturevalue(fixture)
    with running(2, "--enable-wasm", log_dir=log_dir) as replicas:
        for name in ("gw", "other"):
            declared.gateway(replicas, name)
        with History(control_plane, declared.namespace) as history:
            start_operator().wait_healthy()
            await Life(declared, kind).go()

            faults = await history.faults()

            recorded = history.versions("r")

    assert faults == []
    assert len({body["metadata"]["uid"] for body in recorded}) == 2
    assert {body["metadata"]["generation"] for body in recorded} >= set(range(1, 10))
