"""The only writer of `.status`: coalescing, never blind.

For each object the latest wish counts, and it is a function: what the status should be, given the object as it is. So a
wish that waits costs nothing, and one that meets a newer object is simply asked again.

- A start and an end are written at once, progress at most once a second for an object.
- Every write names the uid and the resourceVersion it was made for: a stale writer can't overwrite, and an object that
  took the name of another is left alone.
- What would change nothing is not written.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from herder.controller.diff import merge_patch
from herder.controller.kube import Conflicted, Kube, NotFound, Rejected, Unreached
from herder.controller.objects import Body, Key, Objects, uid_of

log = structlog.get_logger(__name__)

PROGRESS_INTERVAL_S: Final = 1.0
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 10.0

type Status = dict[str, Any]
type Render = Callable[[Body], Status]
"""Returns the status that the object should have; called as often as the object turns out to be newer."""
type Written = Callable[[Key, Body, Status], None]
"""Called after each write with the object as it was before and the new status."""


@dataclass(slots=True)
class _Slot:
    """What is to be written to one object."""

    key: Key
    uid: str
    render: Render | None = None
    is_urgent: asyncio.Event = field(default_factory=asyncio.Event)
    waiters: list[asyncio.Future[bool]] = field(default_factory=list)
    task: asyncio.Task[None] | None = None
    last_write_s: float = float("-inf")


class StatusWriter:
    """Writes statuses; `clock` returns monotonic seconds."""

    def __init__(
        self, kube: Kube, objects: Objects, written: Written, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._kube = kube
        self._objects = objects
        self._written = written
        self._clock = clock
        self._slots: dict[str, _Slot] = {}

    def submit(self, key: Key, uid: str, render: Render, *, urgent: bool = False) -> None:
        """Have the object's status become what `render` says, in place of an earlier wish."""
        slot = self._slots.setdefault(uid, _Slot(key, uid))
        slot.render = render
        if urgent:
            slot.is_urgent.set()
        if slot.task is None or slot.task.done():
            slot.task = asyncio.get_running_loop().create_task(self._drain(slot), name=f"status of {key}")

    async def write(self, key: Key, uid: str, render: Render) -> bool:
        """As an urgent `submit`, and wait for it; False if the object is gone or did not take the status."""
        self.submit(key, uid, render, urgent=True)
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._slots[uid].waiters.append(waiter)
        return await waiter

    def withdraw(self, uid: str) -> None:
        """Drop the wish that waits, if one does."""
        slot = self._slots.get(uid)
        if slot is not None:
            slot.render = None

    def forget(self, uid: str) -> None:
        """Drop what is kept for an object that is gone."""
        slot = self._slots.pop(uid, None)
        if slot is not None:
            slot.render = None
            slot.is_urgent.set()
            _answer(slot.waiters, is_written=False)

    async def close(self) -> None:
        """Stop at once; what is not written yet is made anew from the whole truth by the next process."""
        tasks = [slot.task for slot in self._slots.values() if slot.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _drain(self, slot: _Slot) -> None:
        while slot.render is not None:
            await self._await_turn(slot)
            render, slot.render = slot.render, None
            waiters, slot.waiters = slot.waiters, []
            slot.is_urgent.clear()
            if render is None:
                return
            is_written = False
            try:
                is_written = await self._write(slot, render)
            except Exception:  # a defect of ours in this one status must not end the writing of the next
                log.exception("status.defect", key=str(slot.key))
            finally:
                _answer(waiters, is_written=is_written)

    async def _await_turn(self, slot: _Slot) -> None:
        left_s = slot.last_write_s + PROGRESS_INTERVAL_S - self._clock()
        if left_s > 0 and not slot.is_urgent.is_set():
            try:
                async with asyncio.timeout(left_s):
                    await slot.is_urgent.wait()
            except TimeoutError:
                return

    async def _write(self, slot: _Slot, render: Render) -> bool:
        pause_s = _FIRST_PAUSE_S
        while True:
            body = self._objects.get(slot.key)
            if body is None or uid_of(body) != slot.uid:
                return False
            status = (slot.render or render)(body)
            patch = merge_patch(body.get("status") or {}, status)
            if not patch:
                return True
            try:
                after = await self._patch(slot, body, patch)
            except NotFound:
                return False
            except Conflicted:
                if not await self._refresh(slot):
                    return False
            except Rejected as error:
                log.warning("status.rejected", key=str(slot.key), error=str(error))
                return False
            except Unreached as error:
                log.warning("status.delayed", key=str(slot.key), error=str(error), delay_s=pause_s)
                await asyncio.sleep(max(pause_s, error.retry_after_s))
                pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)
            else:
                slot.last_write_s = self._clock()
                self._objects.put(after)
                self._written(slot.key, body, status)
                return True

    async def _patch(self, slot: _Slot, body: Body, patch: Status) -> Body:
        fence = {"uid": slot.uid, "resourceVersion": body["metadata"]["resourceVersion"]}
        return await self._kube.merge_patch(f"{slot.key.path}/status", {"metadata": fence, "status": patch})

    async def _refresh(self, slot: _Slot) -> bool:
        """Read the object anew; False if it is gone."""
        try:
            body = await self._kube.get(slot.key.path)
        except NotFound:
            return False
        except Unreached:
            await asyncio.sleep(_FIRST_PAUSE_S)
            return True
        self._objects.put(body)
        return uid_of(body) == slot.uid


def _answer(waiters: list[asyncio.Future[bool]], *, is_written: bool) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(is_written)
