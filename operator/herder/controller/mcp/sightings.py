"""Looking at MCP servers between runs, so that what their status says stays true.

A server that dies, wakes or changes its tools later than its run is noticed within a resync of its gateway. Each is
asked in a loop of its own, so that one that hangs holds up none of the others; only what is news is told.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from herder.controller.families.mcp_desk import Sighting
from herder.controller.known.objects import Key
from herder.net.errors import NetError
from herder.net.mcp import Asker, Greeting, McpEndpoint, Offer
from herder.workflows.errors import problem_of
from herder.workflows.mcp.asking import fault_of_server

log = structlog.get_logger(__name__)

_SECOND_LOOK_S: Final = 1.0
"""A server counts as away when it gave no answer twice, so much apart: one lost packet is no news."""

type Changed = Callable[[Key], None]


@dataclass(frozen=True, slots=True)
class _Watch:
    endpoint: McpEndpoint
    interval_s: float
    task: asyncio.Task[None]


class Sightings:
    """The latest sighting of each server that is watched, by its resource's uid."""

    def __init__(self, asker: Asker, changed: Changed) -> None:
        self._asker = asker
        self._changed = changed
        self._watches: dict[str, _Watch] = {}
        self._seen: dict[str, Sighting] = {}

    def get(self, uid: str) -> Sighting | None:
        """Return what the server said last, None if it was not asked yet."""
        return self._seen.get(uid)

    def watch(self, uid: str, key: Key, endpoint: McpEndpoint, interval_s: float) -> None:
        """Have a server asked from now on; `key` is told of what is news. Nothing changes if it is so already."""
        before = self._watches.get(uid)
        if before is not None and (before.endpoint, before.interval_s) == (endpoint, interval_s):
            return
        if before is not None and before.endpoint == endpoint:
            before.task.cancel()
        else:
            self.forget(uid)
        task = asyncio.get_running_loop().create_task(
            self._look_on(uid, key, endpoint, interval_s), name=f"look at {key}"
        )
        self._watches[uid] = _Watch(endpoint, interval_s, task)

    def note(self, uid: str, sighting: Sighting) -> None:
        """Take what somebody else learned of a server."""
        self._seen[uid] = sighting

    def asker(self, uid: str) -> Asker:
        """Return what asks as this does, and has noted what is said of one server."""
        return _Noting(self._asker, self, uid)

    def forget(self, uid: str) -> None:
        """Ask a server no more, and forget what it said."""
        self._seen.pop(uid, None)
        watch = self._watches.pop(uid, None)
        if watch is not None:
            watch.task.cancel()

    async def close(self) -> None:
        """Stop asking."""
        tasks = [watch.task for watch in self._watches.values()]
        for uid in tuple(self._watches):
            self.forget(uid)
        if tasks:
            await asyncio.wait(tasks)

    async def _look_on(self, uid: str, key: Key, endpoint: McpEndpoint, interval_s: float) -> None:
        share = random.uniform(0.1, 1.0)  # noqa: S311 (spreads load)
        while True:
            await asyncio.sleep(interval_s * share)
            share = random.uniform(0.9, 1.1)  # noqa: S311 (spreads load)
            try:
                sighting = await self._look(endpoint)
            except Exception:  # a defect at one server must not end the looking
                log.exception("sighting.defect", key=str(key))
                continue
            if sighting != self._seen.get(uid):
                self._seen[uid] = sighting
                self._changed(key)

    async def _look(self, endpoint: McpEndpoint) -> Sighting:
        try:
            return Sighting(await self._asker.offer(endpoint))
        except NetError:
            await asyncio.sleep(_SECOND_LOOK_S)
        try:
            return Sighting(await self._asker.offer(endpoint))
        except NetError as error:
            return _silent(error, endpoint)


@dataclass(frozen=True)
class _Noting:
    """An Asker for the runs of one server: what they learn needs not be asked again."""

    inner: Asker
    sightings: Sightings
    uid: str

    async def greet(self, endpoint: McpEndpoint) -> Greeting:
        """Connect to the server once."""
        try:
            return await self.inner.greet(endpoint)
        except NetError as error:
            self.sightings.note(self.uid, _silent(error, endpoint))
            raise

    async def offer(self, endpoint: McpEndpoint) -> Offer:
        """List the server's tools."""
        try:
            offer = await self.inner.offer(endpoint)
        except NetError as error:
            self.sightings.note(self.uid, _silent(error, endpoint))
            raise
        self.sightings.note(self.uid, Sighting(offer))
        return offer

    async def vet(self, url: str) -> None:
        """Refuse a URL whose address nobody may be sent to."""
        await self.inner.vet(url)


def _silent(error: NetError, endpoint: McpEndpoint) -> Sighting:
    return Sighting(problem=problem_of(fault_of_server(error, endpoint)))
