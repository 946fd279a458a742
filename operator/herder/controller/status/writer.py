"""The only writer of `.status`: coalescing, never blind.

For each object the latest wish counts, and it is a function: what the status should be, given the object as it is. So a
wish that waits costs nothing, and one that meets a newer object is simply asked again.

- A start and an end are written at once; what is merely observed at most once a second for an object, and a few at
  once; progress the more seldom, too, the longer the API server takes.
- Every write names the uid and the resourceVersion it was made for: a stale writer can't overwrite, and an object that
  took the name of another is left alone.
- Every write carries the epoch of the mandate that it is made under, and none is made over a higher one.
- What would change nothing is not written.
- Where the API server can't be reached, or does not let herder write for now, the newest wish is tried until it does.
  What it finds wrong is logged and dropped: the same wish would be refused again.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import structlog

from herder.controller.cluster.diff import merge_patch
from herder.controller.cluster.errors import Conflicted, Forbidden, KubeError, NotFound, Rejected, Unreached
from herder.controller.cluster.kube import Kube
from herder.controller.known.objects import Body, Key, Objects, epoch_of, uid_of
from herder.controller.leadership.mandate import NO_EPOCH, Mandate
from herder.controller.status.fit import fitted
from herder.controller.status.pace import Pace
from herder.controller.status.wishes import Haste, Render, Slot, Status, Wish

log = structlog.get_logger(__name__)

_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 10.0

type Written = Callable[[Key, Body, Status], None]
"""Called after each write with the object as it was before and the new status."""


class StatusWriter:
    """Writes statuses under a mandate; `clock` returns monotonic seconds.

    `seen` gets an object that was read because somebody else had changed it: the watch, which tells of it later, may
    tell nothing new then.
    """

    def __init__(
        self,
        kube: Kube,
        objects: Objects,
        written: Written,
        seen: Callable[[Body], object],
        clock: Callable[[], float] = time.monotonic,
        mandate: Mandate | None = None,
    ) -> None:
        self._kube = kube
        self._objects = objects
        self._written = written
        self._seen = seen
        self._clock = clock
        self._mandate = mandate or Mandate.for_good()
        self._pace = Pace(clock)
        self._slots: dict[str, Slot] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._slots)

    def submit(self, key: Key, uid: str, render: Render, haste: Haste = Haste.NEWS) -> None:
        """Have the object's status become what `render` says, in place of an earlier wish."""
        self._take(key, uid, Wish(render, haste))

    def write(self, key: Key, uid: str, render: Render) -> "asyncio.Future[bool]":
        """As an urgent `submit`, to be waited for; False if the object is gone or the wish was dropped or withdrawn."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._take(key, uid, Wish(render, Haste.URGENT, [answer]))
        return answer

    def is_awaited(self, uid: str) -> bool:
        """Whether somebody waits for the object's status to be written."""
        slot = self._slots.get(uid)
        wishes = (slot.wish, slot.in_hand) if slot is not None else ()
        return any(wish is not None and not all(each.done() for each in wish.waiters) for wish in wishes)

    def withdraw(self, uid: str) -> None:
        """Drop the wish that waits or is being tried, if there is one; only what is on its way already arrives."""
        slot = self._slots.get(uid)
        if slot is not None:
            slot.withdraw()

    def forget(self, uid: str) -> None:
        """Drop what is kept for an object that is gone."""
        slot = self._slots.pop(uid, None)
        if slot is not None:
            slot.withdraw()

    async def settle(self, timeout_s: float) -> None:
        """Wait until all that was wished for is written, but no longer than that."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)

    async def close(self) -> None:
        """Stop at once and for good; what is not written yet is made anew from the whole truth by the next process."""
        self._is_closed = True
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for uid in tuple(self._slots):
            self.forget(uid)

    def _take(self, key: Key, uid: str, wish: Wish) -> None:
        if self._is_closed:
            wish.answer(is_written=False)
            return
        slot = self._slots.setdefault(uid, Slot(key, uid))
        slot.put(wish)
        if not slot.is_worked_on:
            slot.is_worked_on = True
            task = asyncio.get_running_loop().create_task(self._work(slot), name=f"status of {key}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _work(self, slot: Slot) -> None:
        pause_s = 0.0
        while slot.wish is not None:
            async with self._pace.turn(slot, len(self._tasks)):
                wish = slot.take()
                failed = await self._try(slot, wish) if wish is not None else None
            if wish is not None and failed is not None:
                slot.put_back(wish)
                pause_s = await _paused(slot, pause_s, failed)
            else:
                pause_s = 0.0
            slot.in_hand = None
        slot.is_worked_on = False

    async def _try(self, slot: Slot, wish: Wish) -> KubeError | None:
        """Make one attempt and answer who waits; return what went wrong where it is worth another."""
        is_written = False
        try:
            is_written = await self._write(slot, wish.render)
        except (Conflicted, Unreached, Forbidden) as error:
            return error
        except Rejected as error:
            log.warning("status.rejected", key=str(slot.key), error=str(error))
        except Exception:  # a defect of ours in this one status must not end the writing of the next
            log.exception("status.defect", key=str(slot.key))
        wish.answer(is_written=is_written)
        return None

    async def _write(self, slot: Slot, render: Render) -> bool:
        """Make one attempt; return False if the object is gone. Raises KubeError, Conflicted once it was read anew."""
        body = self._objects.get(slot.key)
        if body is None or uid_of(body) != slot.uid:
            self._slots.pop(slot.uid, None)
            return False
        epoch = epoch_of(body)
        if self._mandate.is_outranked(epoch):
            raise Unreached(f"{slot.key}: its status was written in epoch {epoch}, this operator's is an earlier one")
        status = _stamped(fitted(render(body)), epoch)
        patch = merge_patch(body.get("status") or {}, status)
        if not patch:
            return True
        began_s = self._clock()
        try:
            after = await self._patch(slot, body, _stamped(patch, self._mandate.epoch))
        except NotFound:
            return False
        except Conflicted:
            return await self._reread(slot)
        slot.last_write_s = self._clock()
        self._pace.took(slot.last_write_s - began_s)
        self._objects.put(after)
        self._written(slot.key, body, status)
        return True

    async def _reread(self, slot: Slot) -> bool:
        """Read the object anew, and raise Conflicted to have the wish rendered for it; return False if it is gone."""
        try:
            body = await self._kube.get(slot.key.path)
        except NotFound:
            return False
        if uid_of(body) != slot.uid:
            return False
        self._seen(body)
        raise Conflicted(str(slot.key))

    async def _patch(self, slot: Slot, body: Body, patch: dict[str, Any]) -> Body:
        fence = {"uid": slot.uid, "resourceVersion": body["metadata"]["resourceVersion"]}
        return await self._kube.merge_patch(f"{slot.key.path}/status", {"metadata": fence, "status": patch})


def _stamped(status: Status, epoch: int) -> Status:
    return status if epoch == NO_EPOCH else {**status, "epoch": epoch}


def _longer(pause_s: float) -> float:
    return min(_LONGEST_PAUSE_S, max(_FIRST_PAUSE_S, pause_s * 2))


async def _paused(slot: Slot, pause_s: float, error: KubeError) -> float:
    """Wait before another attempt, and return how long the next wait is to be, or has been.

    A conflict is another's write: what is there now was read, and may be written to at once the first time.
    """
    if isinstance(error, Conflicted):
        await asyncio.sleep(pause_s)
        return _longer(pause_s)
    pause_s = _longer(pause_s)
    if pause_s == _FIRST_PAUSE_S:
        log.warning("status.delayed", key=str(slot.key), error=str(error))
    await asyncio.sleep(max(pause_s, error.retry_after_s if isinstance(error, Unreached) else 0.0))
    return pause_s
