"""For the workflows of MCP servers: what is there before them, what sets them off, and how they must end."""

from functools import cache

import yaml

from real.controller.kill_oracle import Expected
from real.controller.kill_scenario import Deletion, Scenario, Stand
from rig.gateway import Smg
from rig.mcp import McpServer
from rig.run import shared_folder


@cache
def _server() -> McpServer:
    """The one server of all cases of this process; it ends with the process."""
    return McpServer.start(log_dir=shared_folder())


class _McpScenario(Scenario):
    """A server of the namespace's gateway `gw`; `listed` is what the file of a replica's gateway says."""

    def __init__(self, stand: Stand) -> None:
        super().__init__(stand)
        self._url = _server().url
        self.expected = Expected((self._url,))
        self.declare_gateways()

    @property
    def path(self) -> str:
        return self.stand.declared.path("m", "mcpservers")

    async def prepare(self) -> None:
        self._declare()
        await self.stand.ready(self.path)

    def _declare(self, gateway: str = "gw") -> None:
        spec = {"gatewayRef": {"name": gateway}, "transport": {"url": self._url}, "required": True}
        self.stand.declared.apply("McpServer", "m", spec)

    def listed(self, replica: Smg) -> list[str]:
        name = "other-mcp" if replica in self.stand.others else "gw-mcp"
        path = f"/api/v1/namespaces/{self.stand.declared.namespace}/configmaps/{name}"
        found = self.stand.declared.cluster.get(path)
        return [each["url"] for each in yaml.safe_load(found["data"]["mcp.yaml"])["servers"]] if found else []


class Published(_McpScenario):
    """It is declared."""

    async def prepare(self) -> None:
        return

    async def begin(self) -> None:
        self._declare()


class Unpublished(Deletion, _McpScenario):
    """It is deleted."""


class Transferred(_McpScenario):
    """It goes to another gateway and leaves the first one's file, which is written, unlike the end of a deletion."""

    async def begin(self) -> None:
        self.expected = Expected((), elsewhere=(self._url,))
        self._declare("other")
