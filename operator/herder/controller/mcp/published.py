"""The file of one gateway's MCP servers: put together from all of them, written by one hand.

All runs of a gateway meet in its one `PublishedFile`, and take turns there: each change is computed anew from what is
there and what is declared, and applied only if nobody wrote meanwhile. So two runs can't undo each other, and nothing
is written that would change nothing. What was changed by hand is undone at the next resync, and told.

A replica reads the file only when it starts: where the gateway names its Deployment, that is rolled, once for all
changes of a moment.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from herder.api.gateway import HeaderPublishing
from herder.controller.cluster.errors import Conflicted
from herder.controller.cluster.kube import Kube
from herder.controller.known.objects import Key, Objects
from herder.controller.mcp.configmap import Found, GatewayConfigMap
from herder.controller.mcp.faults import faults
from herder.controller.mcp.rolling import Roller
from herder.workflows.errors import Permanent, Transient
from herder.workflows.mcp import file
from herder.workflows.mcp.file import Entries, FileEntry
from herder.workflows.mcp.ports import FileView
from herder.workflows.refusals import CONFLICT, FOREIGN

log = structlog.get_logger(__name__)

_TRIES: Final = 5
"""How often a change is computed anew because somebody else wrote at the same moment."""

type Told = Callable[[str, str], None]
"""Called with the name of a server whose entry was repaired, and what was found."""


class PublishedFile:
    """The file of one gateway. `clock` gives monotonic seconds."""

    def __init__(
        self,
        kube: Kube,
        objects: Objects,
        gateway: Key,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._map = GatewayConfigMap(kube, objects, gateway)
        self._gateway = gateway
        self._roller = Roller(kube, gateway, self._read_hash, clock=clock)
        self._lock = asyncio.Lock()
        self._decided: dict[str, FileEntry | None] = {}
        self._former: set[str] = set()
        """The ConfigMaps that the file is known to be, or to have been, in."""
        self._vacated: set[str] = set()
        self.latest: FileView | None = None
        """The file as it was read or written last by this process; None if it was not read yet."""

    @property
    def config_map(self) -> str:
        """The name of its ConfigMap."""
        return self._map.name

    @property
    def rolls(self) -> str | None:
        """The Deployment that is rolled when the file has changed; None if none is."""
        asked = self._map.settings.rollout
        return asked.deployment if asked is not None else None

    @property
    def headers(self) -> HeaderPublishing:
        """What becomes of servers that need headers."""
        return self._map.settings.headers

    @property
    def is_declared(self) -> bool:
        """Whether the gateway itself says that it takes such a file, so that there is one even without servers."""
        spec = self._map.spec
        return spec is not None and spec.mcp is not None

    def trust(self, name: str, entry: FileEntry) -> None:
        """Note that the file lists a server as declared, as a run of an earlier process has left it."""
        self._decided.setdefault(name, entry)

    def leave(self, name: str) -> None:
        """Note that a server's entry is to be left as it is, whatever it is."""
        self._decided.pop(name, None)

    async def look(self) -> FileView:
        """Read it anew. Raises StepFault."""
        async with faults():
            return (await self._read()).view

    async def put(self, key: str, entry: FileEntry, *, adopt: bool) -> FileView:
        """Have the file list the server so; all that others want in it stays. Raises StepFault."""
        return await self._decide(key, entry, adopt=adopt)

    async def take(self, key: str) -> FileView:
        """Have the file list the server no longer; a file that is not herder's can't. Raises StepFault."""
        return await self._decide(key, None, adopt=False)

    async def keep(self, key: str) -> None:
        """Mark what the file lists of a server as left on purpose when its resource goes. Raises StepFault."""
        async with self._lock, faults():
            found = await self._read()
            entry = found.view.entries.get(key)
            if entry is not None and found.view.foreign is None:
                self._decided[key] = {**entry, **file.ORPHANED}
                await self._bring(adopt=False)

    async def roll(self) -> None:
        """Return once the replicas run on the file as it is now. Raises StepFault, Waiting while they are rolled."""
        name = self.rolls
        if name is not None:
            async with faults():
                await self._roller.roll(name)

    async def rolling(self) -> str | None:
        """Return what a rollout waits for; None if there is nothing. Raises StepFault."""
        name, view = self.rolls, self.latest
        if name is None or view is None or view.config_hash is None:
            return None
        async with faults():
            return await self._roller.waits_for(name, view.config_hash, may_tell=self._map.may_write)

    async def repair(self, told: Told) -> FileView:
        """Read the file, undo what was changed by hand, and return it as it is then. Raises StepFault."""
        async with self._lock, faults():
            found = await self._read()
            if found.view.foreign is not None or not self._map.may_write:
                return found.view
            entries = file.wanted(found.view.entries, self._decided, self._map.known)
            if found.text is None and not entries and not self.is_declared:
                return found.view
            is_wrong = not self._map.is_as(found, entries)
            view = await self._bring(adopt=False)
            if is_wrong:
                self._tell(found.view.entries, entries, told)
            await self._vacate_former(view)
            return view

    async def _vacate_former(self, view: FileView) -> None:
        """Take the file out of the ConfigMaps that the gateway named before, once this one has all that they had."""
        self._former |= self._map.recorded
        self._vacated -= {view.config_map}
        for name in sorted(self._former - self._vacated - {view.config_map}):
            if await self._map.vacate(name, view.entries):
                self._vacated.add(name)

    def _tell(self, present: Entries, entries: Entries, told: Told) -> None:
        for name in sorted(entries.keys() | present.keys()):
            difference = (
                file.difference(present, name, entries[name])
                if name in entries
                else f"it lists {name}, which nobody declares"
            )
            if difference is not None:
                told(name, f"ConfigMap {self._map.name}: {difference}; repaired")

    async def _decide(self, key: str, entry: FileEntry | None, *, adopt: bool) -> FileView:
        async with self._lock, faults():
            before = self._decided.get(key, entry)
            was_decided = key in self._decided
            self._decided[key] = entry
            try:
                return await self._bring(adopt=adopt, may_create=entry is not None)
            except BaseException:
                if was_decided:
                    self._decided[key] = before
                else:
                    self.leave(key)
                raise

    async def _bring(self, *, adopt: bool, may_create: bool = True) -> FileView:
        """Have the file say what is wanted."""
        for _ in range(_TRIES):
            found = await self._read()
            if not may_create and (found.view.foreign is not None or found.text is None):
                return found.view
            if found.view.foreign is not None and (found.view.is_held or not adopt):
                raise Permanent(CONFLICT if found.view.is_held else FOREIGN, found.view.foreign)
            entries = file.wanted(found.view.entries, self._decided, self._map.known)
            _check_variables(entries)
            if self._map.is_as(found, entries):
                return found.view
            try:
                return await self._apply(found, entries)
            except Conflicted:
                log.debug("file.contended", gateway=str(self._gateway))
        raise Transient("Contended", f"somebody else changes ConfigMap {self._map.name} all the time")

    async def _apply(self, found: Found, entries: Entries) -> FileView:
        self.latest = await self._map.apply(found, entries)
        if self.latest.config_hash != found.view.config_hash:
            self._roller.changed()
        log.info("file.published", gateway=str(self._gateway), servers=len(entries))
        return self.latest

    async def _read(self) -> Found:
        found = await self._map.read()
        self.latest = found.view
        self._former.add(found.view.config_map)
        return found

    async def _read_hash(self) -> str | None:
        return (await self._read()).view.config_hash


def _check_variables(entries: Entries) -> None:
    """No variable may stand for headers of two servers, or one of them would be sent the other's secret."""
    users: dict[str, str] = {}
    for variable, server in file.variables_of(entries):
        if users.setdefault(variable, server) != server:
            text = f"{server} and {users[variable]} both need the variable {variable}"
            raise Permanent("VariableTaken", text)
