"""MCP workflows in the real engine: a server and a file of one's own making, in virtual time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from herder.api.base import parse
from herder.api.gateway import HeaderPublishing
from herder.api.mcp import McpServerSpec
from herder.engine import WorkflowDefinition, WorkflowEngine, WorkflowOutcome
from herder.net.errors import AddressRefused, NetError, Unreachable
from herder.net.mcp import Greeting, McpEndpoint, Offer, Tool
from herder.workflows.errors import StepFault
from herder.workflows.mcp import McpPlan, McpRegistration, McpRemoval, registration, removal
from herder.workflows.mcp.file import FileEntry
from herder.workflows.mcp.ports import FileView
from unit.engine.kit import clock
from unit.workflows.made import OWNER

URL = "http://10.0.0.9:9000/mcp"
GREETING = Greeting("rig 1.0", "2025-11-25")
OFFER = Offer(GREETING, (Tool("add", "Adds."),), 1)
DOWN = Unreachable("http://10.0.0.9:9000: connection refused")


def plan(
    headers: Mapping[str, str] | None = None, publishing: HeaderPublishing = HeaderPublishing.REFUSE, **spec: Any
) -> McpPlan:
    """A declared server."""
    declared = {"gatewayRef": {"name": "gw"}, "transport": {"url": URL}, **spec}
    return McpPlan(parse(McpServerSpec, declared), OWNER, headers or {}, publishing)


@dataclass
class FakeServer:
    """An MCP server that fails as `failures` say, in turn, and answers when those are used up.

    `refusal` is what is thought of its address.
    """

    failures: list[NetError] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    refusal: AddressRefused | None = None

    async def greet(self, _endpoint: McpEndpoint) -> Greeting:
        """Answer, or fail."""
        self._ask("greet")
        return GREETING

    async def offer(self, _endpoint: McpEndpoint) -> Offer:
        """Answer, or fail."""
        self._ask("offer")
        return OFFER

    async def vet(self, _url: str) -> None:
        """Refuse it, if it is to be."""
        if self.refusal is not None:
            raise self.refusal

    def _ask(self, question: str) -> None:
        self.asked.append(question)
        if self.failures:
            raise self.failures.pop(0)


@dataclass
class FakeFile:
    """A gateway's file; its next calls raise `faults`."""

    entries: dict[str, FileEntry] = field(default_factory=dict)
    rolls: str | None = None
    faults: list[StepFault] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    async def look(self) -> FileView:
        """Show it."""
        self._call("look")
        return FileView("gw-mcp", dict(self.entries), "hash")

    async def put(self, key: str, entry: FileEntry, *, adopt: bool) -> FileView:
        """Take an entry."""
        self._call(f"put {key}" + (" adopting" if adopt else ""))
        self.entries[key] = entry
        return FileView("gw-mcp", dict(self.entries), "hash")

    async def take(self, key: str) -> FileView:
        """Lose an entry."""
        self._call(f"take {key}")
        self.entries.pop(key, None)
        return FileView("gw-mcp", dict(self.entries), "hash")

    async def roll(self) -> None:
        """Be rolled at once."""
        self._call("roll")

    def _call(self, call: str) -> None:
        self.calls.append(call)
        if self.faults:
            raise self.faults.pop(0)


def data(
    declared: McpPlan, server: FakeServer | None = None, file: FakeFile | None = None, *, adopt: bool = False
) -> McpRegistration:
    """The data of a registration."""
    return McpRegistration(declared, (), server or FakeServer(), file or FakeFile(), adopt)


async def register(data: McpRegistration) -> WorkflowOutcome:
    """Run `mcp-registration` to its end."""
    return await run(registration(is_required=data.plan.spec.required), data)


async def remove(file: FakeFile, timeout_s: int = 60) -> WorkflowOutcome:
    """Run `mcp-removal` to its end."""
    return await run(removal(timeout_s), McpRemoval(OWNER.name, (), file))


async def run[D](definition: WorkflowDefinition[D], data: D) -> WorkflowOutcome:
    """Run a workflow to its end."""
    engine = WorkflowEngine(clock=clock)
    engine.register_workflow(definition)
    instance_id = await engine.start_workflow(definition.id, data)
    return await engine.wait_for_completion(instance_id, 10_000.0)
