"""What the runs of MCP servers work on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from herder.net.mcp import Asker, Greeting, Offer
from herder.workflows.entry import Entry
from herder.workflows.errors import Problem
from herder.workflows.mcp.plan import McpPlan
from herder.workflows.mcp.ports import FileView, GatewayFile
from herder.workflows.ports import Replica, utc_now


@dataclass(slots=True)
class McpRegistration:
    """The data of one `mcp-registration` run. The replicas list no MCP servers, so `entries` stays empty."""

    plan: McpPlan
    replicas: tuple[Replica, ...]
    asker: Asker
    file: GatewayFile
    adopt: bool = False
    greeting: Greeting | None = None
    offer: Offer | None = None
    view: FileView | None = None
    entries: dict[str, Entry] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)
    now: Callable[[], datetime] = utc_now

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what nothing that is shown may repeat."""
        return self.plan.secrets


@dataclass(slots=True)
class McpRemoval:
    """The data of one `mcp-removal` run: the name to take out of the gateway's file."""

    key: str
    replicas: tuple[Replica, ...]
    file: GatewayFile
    view: FileView | None = None
    entries: dict[str, Entry] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)
    now: Callable[[], datetime] = utc_now

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what nothing that is shown may repeat: a removal sends no headers."""
        return ()
