"""What the workflows of MCP servers ask of the world beside the servers themselves: the gateway's file."""

from dataclasses import dataclass
from typing import Protocol

from herder.workflows.mcp.file import Entries, FileEntry


@dataclass(frozen=True, slots=True)
class FileView:
    """The published file as it is; no entries where there is none, or one of somebody else's."""

    config_map: str
    entries: Entries
    config_hash: str | None = None
    """Of the whole file; None where there is none of herder's."""
    foreign: str | None = None
    """Why it may not be written: whose it is, and what to do. None if it may."""
    is_held: bool = False
    """Whether it is that of another gateway, which is there: then it may never be written."""


class GatewayFile(Protocol):
    """The file of one gateway. Every call raises StepFault, and ends within the deadlines of the API server's calls."""

    @property
    def rolls(self) -> str | None:
        """The Deployment that is rolled when the file has changed; None if none is."""
        ...

    async def look(self) -> FileView:
        """Read it anew."""
        ...

    async def put(self, key: str, entry: FileEntry, *, adopt: bool) -> FileView:
        """Have the file list the server so; all that others want in it stays. Nothing is written without need."""
        ...

    async def take(self, key: str) -> FileView:
        """Have the file list the server no longer."""
        ...

    async def roll(self) -> None:
        """Return once the replicas run on the file as it is now; raise Waiting while they are being rolled.

        To be called only if `rolls`. Changes that follow one another within moments are rolled out together.
        """
        ...
