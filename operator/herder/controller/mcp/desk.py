"""The files and the sightings together, as the kind McpServer asks for them."""

from collections.abc import Callable
from dataclasses import dataclass

from herder.api.meta import MCP_SERVER, MODEL_GATEWAY
from herder.api.reasons import EventReason
from herder.controller.families.mcp_desk import Seen, Sighting
from herder.controller.known.objects import Key, Objects
from herder.controller.known.queue import WorkQueue
from herder.controller.mcp.files import McpFiles
from herder.controller.mcp.published import PublishedFile
from herder.controller.mcp.sightings import Sightings
from herder.controller.status.recorder import EventRecorder
from herder.net.mcp import Asker, McpEndpoint


@dataclass(frozen=True)
class McpDesk:
    """What `families.mcp_desk.Desk` asks for."""

    files: McpFiles
    sightings: Sightings

    def file(self, namespace: str, gateway: str) -> PublishedFile:
        """Return the file of a gateway."""
        return self.files.of(Key(MODEL_GATEWAY.kind, namespace, gateway))

    async def seen(self, namespace: str, gateway: str) -> Seen:
        """Return what is known of a gateway's file; it is read if it was not yet."""
        return await self.files.seen(Key(MODEL_GATEWAY.kind, namespace, gateway))

    def sighting(self, uid: str) -> Sighting | None:
        """Return what a server said last, None if it was not asked yet."""
        return self.sightings.get(uid)

    def watch(self, uid: str, namespace: str, name: str, endpoint: McpEndpoint, interval_s: float) -> None:
        """Have a server asked again and again from now on, and its resource reconciled at what is news."""
        self.sightings.watch(uid, Key(MCP_SERVER.kind, namespace, name), endpoint, interval_s)

    def forget(self, uid: str) -> None:
        """Have a server asked no more: what it is asked with is no longer there, or not for it."""
        self.sightings.forget(uid)

    def asker(self, uid: str) -> Asker:
        """Return what a run of the resource asks its server through."""
        return self.sightings.asker(uid)


def tell_repairs(objects: Objects, recorder: EventRecorder) -> Callable[[Key, str], None]:
    """Return what has an Event tell of each repair, on the resource of the server whose entry it was."""

    def tell(key: Key, found: str) -> None:
        body = objects.get(key)
        if body is not None:
            recorder.record(key, body, reason=EventReason.DRIFTED, message=found, is_warning=True)

    return tell


def wake_servers(objects: Objects, queue: WorkQueue) -> Callable[[Key], None]:
    """Return what has all servers of a gateway looked at."""

    def wake(gateway: Key) -> None:
        for member in objects.referring_to(gateway):
            if member.kind == MCP_SERVER.kind:
                queue.add(member)

    return wake
