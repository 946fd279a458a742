"""Resources that go and leave their entries: what has to be said of these on the replicas is said beside the hands.

A replica that hangs would keep a hand waiting for seconds, for each of them, and with it the resources of every other
gateway. A resource is looked at again when all its replicas were told, or could not be.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from herder.controller.known.objects import Key
from herder.controller.known.queue import WorkQueue

log = structlog.get_logger(__name__)

_AT_ONCE: Final = 64


class Farewells:
    """What is being said of the entries of resources, by their uid."""

    def __init__(self, queue: WorkQueue) -> None:
        self._queue = queue
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        """Those that have ended are kept until their resource is gone: nothing is said twice."""

    def is_said(self, key: Key, uid: str, say: Callable[[], Awaitable[None]]) -> bool:
        """Whether all was said; if it was not begun yet it is now, and the resource is looked at again at its end."""
        task = self._tasks.get(uid)
        if task is None:
            task = self._tasks[uid] = asyncio.get_running_loop().create_task(self._say(key, say))
            task.add_done_callback(lambda _: self._queue.add(key))
        return task.done()

    async def _say(self, key: Key, say: Callable[[], Awaitable[None]]) -> None:
        try:
            async with self._at_once:
                await say()
        except Exception:  # a defect at one replica must not keep the resource for ever
            log.exception("farewell.defect", key=str(key))

    def forget(self, uid: str) -> None:
        """The resource is gone."""
        task = self._tasks.pop(uid, None)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        """Say no more: the next process says it again."""
        tasks = tuple(self._tasks.values())
        for uid in tuple(self._tasks):
            self.forget(uid)
        if tasks:
            await asyncio.wait(tasks)
