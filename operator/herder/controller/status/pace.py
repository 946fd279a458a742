"""When a status that nobody waits for is written: so that starts and ends, which runs wait for, are not held up by it.

In a flood the API server's time, and this process's, are for starts and ends. And when a replica falls silent, every
resource of its gateway has something new to say at the same moment as one that was just declared wants to begin.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from herder.controller.status.wishes import Haste, Slot

INTERVAL_S: Final = 1.0
"""How long after an object's last write its next one is made at the earliest."""
_LANES: Final = 2
_REST: Final = 5.0
"""How many times as long as it takes to write them all once it is until the next round of progress."""
_INERTIA: Final = 0.9


class Pace:
    """Lanes for writes that may wait, and how often each object has one; `clock` returns monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._free = _LANES
        self._line: dict[str, Slot] = {}
        """Who waits for a lane, by uid, the longest first."""
        self._write_s = 0.0

    def took(self, write_s: float) -> None:
        """Note how long a write took."""
        self._write_s += (1.0 - _INERTIA) * (write_s - self._write_s)

    @asynccontextmanager
    async def turn(self, slot: Slot, waiting: int) -> AsyncIterator[None]:
        """Wait until the slot's wish, one of `waiting`, may be written, and let another have the lane afterwards.

        A wish that is urgent, or turns so, or was withdrawn, waits no longer and needs no lane.
        """
        await self._rest(slot, waiting)
        has_lane = await self._enter(slot)
        try:
            yield
        finally:
            if has_lane:
                self._leave()

    async def _rest(self, slot: Slot, waiting: int) -> None:
        is_progress = slot.wish is not None and slot.wish.haste is Haste.PROGRESS
        interval_s = max(INTERVAL_S, _REST * self._write_s * waiting if is_progress else 0.0)
        left_s = slot.last_write_s + interval_s - self._clock()
        if left_s > 0 and not slot.is_urgent:
            slot.hurry.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await slot.hurry.wait()

    async def _enter(self, slot: Slot) -> bool:
        """Wait for a lane; return whether it has one."""
        if slot.is_urgent or slot.wish is None:
            return False
        if self._free:
            self._free -= 1
            return True
        slot.hurry.clear()
        self._line[slot.uid] = slot
        try:
            await slot.hurry.wait()
        except asyncio.CancelledError:
            if self._line.pop(slot.uid, None) is None:
                self._leave()
            raise
        return self._line.pop(slot.uid, None) is None  # whoever left a lane has taken it out of the line

    def _leave(self) -> None:
        """Leave a lane to the next."""
        if self._line:
            self._line.pop(next(iter(self._line))).hurry.set()
        else:
            self._free += 1
