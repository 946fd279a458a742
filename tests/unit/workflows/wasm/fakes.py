"""A small replica with the traps of the real registry of modules, in virtual time, and runs on two of them.

Measured on smg 1.13.0: an addition is listed at once and answered 0.4 s later; it is carried out though its caller
hangs up; no second module of one content; a deletion is done when it is answered.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from herder.api.base import parse
from herder.api.wasm import WasmModuleSpec
from herder.engine import WorkflowEngine, WorkflowOutcome
from herder.gateway.errors import (
    DuplicateModule,
    FileUnreadable,
    Gone,
    NotAComponent,
    Unavailable,
)
from herder.gateway.wasm import Module, ModuleSpec
from herder.workflows.entry import Entry
from herder.workflows.owner import Owner
from herder.workflows.wasm import WasmPlan, WasmRegistration, WasmRemoval, registration, removal
from herder.workflows.wasm.files import ModuleFile
from unit.engine.kit import clock, statuses
from unit.workflows.faults import Faulty

PATH = "/srv/modules/a.wasm"
OTHER_PATH = "/srv/modules/b.wasm"
ONE, TWO = b"(component one)", b"(component two)"
OWNER = Owner("cluster", "ns", "name", "uid")
REBORN = Owner("cluster", "ns", "name", "uid-2")
STRANGER = Owner("cluster", "ns", "other", "uid-3")
ANSWERS_IN_S = 0.4


def sha(content: bytes) -> str:
    """As sha256sum prints it."""
    return hashlib.sha256(content).hexdigest()


def plan(owner: Owner = OWNER, *, path: str = PATH, content: bytes | None = None, **spec: Any) -> WasmPlan:
    """A declared module; `spec` in the words of the manifest, `content` what its file must hold."""
    declared = {"gatewayRef": {"name": "gw"}, "source": {"path": path}, **spec}
    if content is not None:
        declared["sha256"] = sha(content)
    return WasmPlan(parse(WasmModuleSpec, declared), owner)


def module(name: str, content: bytes = ONE, *, number: int = 1, **fields: Any) -> Module:
    """A listed module; `number` gives its id, the younger the higher."""
    shown: dict[str, Any] = {
        "id": str(UUID(int=number << 96)),
        "name": name,
        "path": PATH,
        "sha256": sha(content),
        "size_bytes": len(content),
        "attach_points": ("OnRequest",),
    }
    return Module(**(shown | fields))


@dataclass
class FakeModules(Faulty):
    """A replica's registry. `files` is its disk, `seen` what it listed after each change, oldest first."""

    files: dict[str, bytes] = field(default_factory=dict)
    loses_adds: int = 0
    """How many of the next additions are carried out without an answer."""
    comes_back: int = 0
    """How many of the next modules that are deleted are added again at once, by somebody else."""
    lands_in_s: float = 0.0
    """How long an addition takes until it is listed."""
    seen: list[list[str]] = field(default_factory=list)
    listed: list[Module] = field(default_factory=list)
    landing: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def contents(self) -> list[str]:
        """The sha256 of what is listed."""
        return sorted(each.sha256 for each in self.listed)

    def restart(self) -> None:
        """Its registry is gone."""
        self._change([])

    def lose(self, name: str) -> None:
        """Forget what has this name."""
        self._change([each for each in self.listed if each.name != name])

    def enter(self, name: str, content: bytes = ONE, **fields: Any) -> Module:
        """List a module as if somebody had added it long ago."""
        entered = module(name, content, number=len(self.seen) + 1, **fields)
        self._change([*self.listed, entered])
        return entered

    async def list_modules(self) -> tuple[Module, ...]:
        await self._called("list")
        return tuple(self.listed)

    async def add_module(self, spec: ModuleSpec) -> None:
        await self._called("add")
        content = self.files.get(spec.path)
        if content is None:
            raise FileUnreadable(f"the gateway refused the module: Failed to access file {spec.path}")
        if any(each.sha256 == sha(content) for each in self.listed):
            raise DuplicateModule("the gateway refused the module: Duplicate SHA256", sha(content))
        if not content.startswith(b"(component"):
            raise NotAComponent("the gateway refused the module: Invalid WASM component")
        landing = asyncio.get_running_loop().create_task(self._land(spec, content))
        self.landing.add(landing)
        if self.loses_adds:
            self.loses_adds -= 1
            raise Unavailable(f"{self.endpoint}: the connection was closed without an answer")
        await asyncio.shield(landing)
        await asyncio.sleep(ANSWERS_IN_S)

    async def delete_module(self, module_id: str) -> None:
        await self._called("delete")
        left = [each for each in self.listed if each.id != module_id]
        if len(left) == len(self.listed):
            raise Gone(f"the gateway knows no module {module_id}")
        gone = next(each for each in self.listed if each.id == module_id)
        self._change(left)
        if self.comes_back:
            self.comes_back -= 1
            self.enter(gone.name)

    async def _land(self, spec: ModuleSpec, content: bytes) -> None:
        await asyncio.sleep(self.lands_in_s)
        self.enter(spec.name, content, path=spec.path, attach_points=spec.attach_points)

    def _change(self, listed: list[Module]) -> None:
        self.listed = listed
        self.seen.append([each.name for each in listed])


@dataclass(frozen=True, slots=True)
class FakeReplica:
    """A replica that has nothing but modules."""

    endpoint: str
    wasm: FakeModules


@dataclass(frozen=True, slots=True)
class FakeFiles:
    """Herder's own disk; `leads_to` is where its files really lie."""

    contents: Mapping[str, bytes] = field(default_factory=dict)
    leads_to: str | None = None

    async def read(self, path: str) -> ModuleFile | None:
        content = self.contents.get(path)
        return None if content is None else ModuleFile(self.leads_to or path, content)


@dataclass(frozen=True, slots=True)
class Ended[D]:
    """A run that has ended: how, on what data, with which step where."""

    outcome: WorkflowOutcome
    data: D
    steps: Mapping[str, str]

    @property
    def reason(self) -> str:
        """Which step failed of what, such as `register: ForeignEntry`."""
        step: str = self.outcome.failed_step or ""
        problems: dict[str, Any] = getattr(self.data, "problems", {})
        return f"{step}: {problems[step].reason}"

    @property
    def message(self) -> str:
        """What is said of that."""
        problems: dict[str, Any] = getattr(self.data, "problems", {})
        return str(problems[self.outcome.failed_step or ""].message)


def _modules(endpoint: str) -> FakeModules:
    return FakeModules(endpoint, files={PATH: ONE, OTHER_PATH: TWO})


@dataclass(slots=True)
class World:
    """Two replicas whose disks hold ONE at PATH and TWO at OTHER_PATH, an engine, and herder without a file."""

    a: FakeModules = field(default_factory=lambda: _modules("http://gw-a"))
    b: FakeModules = field(default_factory=lambda: _modules("http://gw-b"))
    files: FakeFiles = field(default_factory=FakeFiles)
    engine: WorkflowEngine = field(default_factory=lambda: WorkflowEngine(clock=clock))

    @property
    def replicas(self) -> tuple[FakeReplica, ...]:
        return tuple(FakeReplica(modules.endpoint, modules) for modules in (self.a, self.b))

    def registration(
        self, plan: WasmPlan, *, adopt: bool = False, entries: Mapping[str, Entry] | None = None
    ) -> WasmRegistration:
        """The data of a run that brings `plan` onto the replicas."""
        return WasmRegistration(
            plan, self.replicas, adopt=adopt, files=self.files, entries=dict(entries or {}), now=clock
        )

    async def register(
        self, plan: WasmPlan, *, adopt: bool = False, entries: Mapping[str, Entry] | None = None
    ) -> Ended[WasmRegistration]:
        """Run `wasm-registration` to its end."""
        data = self.registration(plan, adopt=adopt, entries=entries)
        self.engine.register_workflow(registration())
        return await self._wait(await self.engine.start_workflow(registration().id, data), data)

    async def remove(
        self, entries: Mapping[str, Entry] | None = None, *, owner: Owner = OWNER, timeout_s: int = 60
    ) -> Ended[WasmRemoval]:
        """Run `wasm-removal` to its end."""
        data = WasmRemoval(owner, self.replicas, entries=dict(entries or {}), now=clock)
        definition = removal(timeout_s)
        self.engine.register_workflow(definition)
        return await self._wait(await self.engine.start_workflow(definition.id, data), data)

    async def _wait[D](self, instance_id: str, data: D) -> Ended[D]:
        outcome = await self.engine.wait_for_completion(instance_id, None)
        return Ended(outcome, data, statuses(self.engine, instance_id))


def states(data: WasmRegistration | WasmRemoval) -> dict[str, str]:
    """What is recorded of each replica."""
    return {endpoint.removeprefix("http://gw-"): entry.state.value for endpoint, entry in data.entries.items()}
