"""What the runs of MCP servers work on."""

from dataclasses import dataclass
from typing import override

from herder.net.mcp import Asker, Greeting, Offer
from herder.workflows.mcp.plan import McpPlan
from herder.workflows.mcp.ports import FileView, GatewayFile
from herder.workflows.ports import Replica
from herder.workflows.run import RunData


@dataclass(slots=True)
class McpRegistration(RunData):
    """The data of one `mcp-registration` run. The replicas list no MCP servers, so `entries` stays empty."""

    plan: McpPlan
    replicas: tuple[Replica, ...]
    asker: Asker
    file: GatewayFile
    adopt: bool = False
    greeting: Greeting | None = None
    offer: Offer | None = None
    view: FileView | None = None

    @property
    @override
    def secrets(self) -> tuple[str, ...]:
        return self.plan.secrets


@dataclass(slots=True)
class McpRemoval(RunData):
    """The data of one `mcp-removal` run: the name to take out of the gateway's file."""

    key: str
    replicas: tuple[Replica, ...]
    file: GatewayFile
    view: FileView | None = None
