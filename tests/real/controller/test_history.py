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
from rig.resource import Resource
from rig.tokenizers import write_tokenizer
from rig.waiting import eventually
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
class Life(Resource):
    """A resource in a namespace with the gateways `gw` and `other`."""

    specs: Kind

    def apply(self, spec: Mapping[str, Any], gateway: str = "gw", **more: Any) -> None:
        """Declare it."""
        self.write({"gatewayRef": {"name": gateway}, **spec, **more})

    async def go(self) -> None:
        """Live it."""
        self.apply(self.specs.spec)
        await self.until()
        self.apply(self.specs.changed)
        await self.until()
        self.apply(self.specs.endless)
        await self.until("Reconciling")
        self.apply(self.specs.spec)
        await self.until()
        self.apply(self.specs.changed, suspend=True)
        await self.until(status="False", reason="Suspended")
        self.apply(self.specs.changed)
        await self.until()
        self.annotate(retry="once")
        await eventually(lambda: self.status.get("lastHandled") == {"retry": "once"}, 30)
        await self.until()
        self.apply(self.specs.changed, "other")
        await self.until()
        self.apply(self.specs.endless, "other")
        await self.until("Reconciling")
        self.annotate(cancel="once")
        await self.until("Stalled", reason="Cancelled")
        self.apply(self.specs.endless)
        await self.until("Reconciling")
        await self.delete()
        self.apply(self.specs.spec)
        await self.until()


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
    with running(4, "--enable-wasm", log_dir=log_dir) as replicas:
        declared.gateway(replicas[:2])
        declared.gateway(replicas[2:], "other")
        with History(control_plane, declared.namespace) as history:
            start_operator().wait_healthy()
            await Life(declared, kind.name, "r", kind).go()

            faults = await history.faults()

            recorded = history.versions("r")

    assert faults == []
    assert len({body["metadata"]["uid"] for body in recorded}) == 2
    assert {body["metadata"]["generation"] for body in recorded} >= set(range(1, 10))
