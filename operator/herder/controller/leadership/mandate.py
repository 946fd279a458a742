"""The mandate: leave to change things, for a time that is renewed while the Lease is held.

Whoever acts under it asks `check` right before each change. Nobody needs to be told that it is over: it ends by the
clock, also while the process stands still or the network is silent, and once over it never comes back.
"""

import asyncio
import math
import time
from collections.abc import Callable
from typing import Final, Self

from herder.net.errors import NotPermitted

NO_EPOCH: Final = 0
_TICK_S: Final = 1e-6
"""What is shorter may be less than a clock's next tick: a timer for it could ring for ever without time going on."""


def uptime_s() -> float:
    """Return seconds that only ever grow; where the system can tell, those that it slept through count, too."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)


class Mandate:
    """One operator's leave to act. `clock` returns monotonic seconds; `epoch` tells it from every other mandate."""

    def __init__(self, epoch: int, until_s: float, clock: Callable[[], float] = uptime_s) -> None:
        self.epoch = epoch
        self._until_s = until_s
        self._clock = clock
        self.outranked_by = NO_EPOCH
        """The highest epoch above its own that was found in a status."""
        self.doubted = asyncio.Event()
        """Set when it is to be renewed, or lost, at once."""

    @classmethod
    def for_good(cls) -> Self:
        """Return the mandate of an operator that has no rivals."""
        return cls(NO_EPOCH, math.inf)

    @property
    def left_s(self) -> float:
        """For how long it is valid, 0 when it is over."""
        left_s = self._until_s - self._clock()
        return left_s if left_s > _TICK_S else 0.0

    @property
    def is_valid(self) -> bool:
        """Whether things may be changed."""
        return self.left_s > 0

    def check(self) -> None:
        """Raise NotPermitted unless things may be changed."""
        if not self.is_valid:
            raise NotPermitted("this operator does not lead any more")

    def renew(self, until_s: float) -> None:
        """Lengthen it, unless it is over already."""
        if self.is_valid:
            self._until_s = max(self._until_s, until_s)

    def end(self) -> None:
        """End it at once."""
        self._until_s = -math.inf

    def is_outranked(self, epoch: int) -> bool:
        """Take the epoch that a status says; return whether it is a higher one.

        Then either another operator leads by now, or a Lease was lost with its count: the next renewal will tell.
        """
        is_higher = self.epoch != NO_EPOCH and epoch > self.epoch
        if is_higher:
            self.outranked_by = max(self.outranked_by, epoch)
            self.doubted.set()
        return is_higher
