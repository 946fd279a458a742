"""The files of all gateways that have MCP servers: each read, and repaired, once per resync of its gateway."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import structlog

from herder.api.meta import MCP_SERVER, MODEL_GATEWAY
from herder.controller.cluster.kube import Kube
from herder.controller.families.mcp_desk import Seen
from herder.controller.fleet.gateways import Gateways
from herder.controller.known.objects import Key, Objects
from herder.controller.mcp.published import PublishedFile
from herder.controller.rounds import every
from herder.workflows.errors import StepFault

log = structlog.get_logger(__name__)

_TICK_S: Final = 0.5

type Changed = Callable[[Key], None]
"""Called with a gateway whose file, or what its replicas run on, is not as it was."""
type Told = Callable[[Key, str], None]
"""Called with a server whose entry was repaired, and what was found."""


class McpFiles:
    """One `PublishedFile` for each gateway that is asked for."""

    def __init__(
        self,
        kube: Kube,
        objects: Objects,
        gateways: Gateways,
        *,
        changed: Changed,
        told: Told,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kube = kube
        self._objects = objects
        self._gateways = gateways
        self._changed = changed
        self._told = told
        self._clock = clock
        self._files: dict[Key, PublishedFile] = {}
        self._seen: dict[Key, Seen] = {}
        self._due_s: dict[Key, float] = {}

    def of(self, gateway: Key) -> PublishedFile:
        """Return the file of a gateway."""
        if gateway not in self._files:
            self._files[gateway] = PublishedFile(self._kube, self._objects, gateway, clock=self._clock)
        return self._files[gateway]

    async def seen(self, gateway: Key) -> Seen:
        """Return what is known of a gateway's file; it is read if it was not yet."""
        file, last = self.of(gateway), self._seen.get(gateway)
        if file.latest is None:
            try:
                await file.look()
            except StepFault as error:
                return Seen(trouble=str(error))
        return replace(last or Seen(), view=file.latest)

    async def run(self) -> None:
        """Resync all gateways' files, each in its time, until cancelled."""
        await every(_TICK_S, self.tick)

    async def tick(self) -> None:
        """Resync those whose time has come, all at once."""
        gateways = {key for key in self._objects if key.kind == MODEL_GATEWAY.kind}
        for key in self._files.keys() - gateways:
            self._forget(key)
        due = [key for key in gateways if self._clock() >= self._due_s.get(key, 0.0) and self._is_wanted(key)]
        async with asyncio.TaskGroup() as group:
            for key in due:
                group.create_task(self._resync(key))

    async def _resync(self, gateway: Key) -> None:
        access = self._gateways.get(gateway)
        interval_s = access.access.resync_s if access is not None else 1.0
        self._due_s[gateway] = self._clock() + interval_s * random.uniform(0.9, 1.1)  # noqa: S311 (spreads load)
        if access is None:
            return
        before, now = self._seen.get(gateway), await self._look(gateway)
        self._seen[gateway] = now
        if now != before:
            self._changed(gateway)

    async def _look(self, gateway: Key) -> Seen:
        file = self.of(gateway)

        def told(name: str, found: str) -> None:
            self._told(Key(MCP_SERVER.kind, gateway.namespace, name), found)

        try:
            view = await file.repair(told)
            return Seen(view, await file.rolling())
        except StepFault as error:
            log.warning("file.unseen", gateway=str(gateway), error=str(error))
            return Seen(file.latest, trouble=str(error))

    def _is_wanted(self, gateway: Key) -> bool:
        has_servers = any(member.kind == MCP_SERVER.kind for member in self._objects.referring_to(gateway))
        return has_servers or self.of(gateway).is_declared

    def _forget(self, gateway: Key) -> None:
        for known in (self._files, self._seen, self._due_s):
            known.pop(gateway, None)
