"""What the kind McpServer is given to work with: the gateways' files, and what servers say; `mcp.desk` answers."""

from dataclasses import dataclass
from typing import Protocol

from herder.api.gateway import HeaderPublishing
from herder.net.mcp import Asker, McpEndpoint, Offer
from herder.workflows.errors import Problem
from herder.workflows.mcp.file import FileEntry
from herder.workflows.mcp.ports import FileView, GatewayFile


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a server said when it was asked last: what it offers, or why that is not known."""

    offer: Offer | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A gateway's file as it was found. `rolling` is what a rollout waits for, `trouble` why nothing could be found."""

    view: FileView | None = None
    rolling: str | None = None
    trouble: str = ""


class KeptFile(GatewayFile, Protocol):
    """A gateway's file with what the controller itself asks of it."""

    @property
    def config_map(self) -> str:
        """The name of its ConfigMap."""
        ...

    @property
    def latest(self) -> FileView | None:
        """The file as it was read or written last by this process; None if it was not read yet."""
        ...

    @property
    def headers(self) -> HeaderPublishing:
        """What becomes of servers that need headers."""
        ...

    def trust(self, name: str, entry: FileEntry) -> None:
        """Note that the file lists a server as declared: what changes that by hand is undone."""
        ...

    def leave(self, name: str) -> None:
        """Note that a server's entry is to be left as it is, whatever it is."""
        ...

    async def keep(self, key: str) -> None:
        """Mark what the file lists of a server as left on purpose. Raises StepFault."""
        ...


class Desk(Protocol):
    """Everything about MCP servers. Gateways are told apart by namespace and name, resources by their uid."""

    def file(self, namespace: str, gateway: str) -> KeptFile:
        """Return the file of a gateway."""
        ...

    async def seen(self, namespace: str, gateway: str) -> Seen:
        """Return what is known of a gateway's file; it is read if it was not yet."""
        ...

    def sighting(self, uid: str) -> Sighting | None:
        """Return what a server said last, None if it was not asked yet."""
        ...

    def watch(self, uid: str, namespace: str, name: str, endpoint: McpEndpoint, interval_s: float) -> None:
        """Have a server asked again and again from now on, and its resource reconciled at what is news."""
        ...

    def forget(self, uid: str) -> None:
        """Have a server asked no more: what it is asked with is no longer there, or not for it."""
        ...

    def asker(self, uid: str) -> Asker:
        """Return what a run of the resource asks its server through: what is said is noted as a sighting."""
        ...
