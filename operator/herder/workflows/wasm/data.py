"""What the runs for a WasmModule work on: the declaration, the replicas, and what was found out and done so far."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from herder.api.status import EntryState
from herder.api.wasm import RegisteredModule
from herder.gateway.wasm import Module, ModuleSpec
from herder.workflows.owner import Holder, Owner, nobody
from herder.workflows.run import RunData
from herder.workflows.wasm.files import LocalFiles, ModuleFiles
from herder.workflows.wasm.plan import WasmPlan


class Modules(Protocol):
    """One replica's registry of modules, as herder.gateway.wasm has it. Every call raises GatewayError."""

    async def list_modules(self) -> tuple[Module, ...]:
        """Return all modules, as of a moment after the call."""
        ...

    async def add_module(self, spec: ModuleSpec) -> None:
        """Have a module read, checked and registered."""
        ...

    async def delete_module(self, module_id: str) -> None:
        """Remove a module; raise Gone."""
        ...


class Replica(Protocol):
    """One gateway replica, as far as modules go."""

    @property
    def endpoint(self) -> str:
        """The replica's base URL."""
        ...

    @property
    def wasm(self) -> Modules:
        """Its modules."""
        ...


@dataclass(slots=True)
class WasmRegistration(RunData):
    """The data of one `wasm-registration` run."""

    plan: WasmPlan
    replicas: tuple[Replica, ...]
    adopt: bool = False
    files: ModuleFiles = field(default_factory=LocalFiles)
    sha256: str | None = None
    """Of the content that the replicas, or herder, read."""
    size_bytes: int | None = None
    contents: dict[str, str] = field(default_factory=dict)
    """By endpoint: the sha256 that a replica refused to register a second time."""
    added: set[str] = field(default_factory=set)
    """The replicas that this run has sent the module to."""
    holder: Holder = nobody

    def note_foreign(self, endpoint: str, module: Module) -> None:
        """Remember that somebody else's module is in the way."""
        record = replace(self.entry(endpoint), worker_id=module.id, spec_hash=None)
        self.entries[endpoint] = record.seen(EntryState.FOREIGN, self.now())


@dataclass(slots=True)
class WasmRemoval(RunData):
    """The data of one `wasm-removal` run. `entries` begins as what the registration left, lost additions included."""

    owner: Owner
    replicas: tuple[Replica, ...]
    missed_since: dict[str, datetime] = field(default_factory=dict)
    """By endpoint: since when a module that may still be added there is looked for in vain."""


def shown(data: WasmRegistration) -> RegisteredModule:
    """Return what a status shows of the module."""
    return RegisteredModule(name=data.plan.name, sha256=data.sha256, size_bytes=data.size_bytes)
