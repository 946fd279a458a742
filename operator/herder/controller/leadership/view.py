"""The Lease as one contender sees it: what was seen last and since when, and what it asks of it next."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from herder.controller.cluster.errors import Unreached
from herder.controller.leadership.election import NOBODY, SOMEBODY, Lease, Sight
from herder.controller.leadership.lease import LeaseObject


class View:
    """What `me` sees of a Lease that it would take for `lease_s`. `clock` returns monotonic seconds.

    Every call raises KubeError, Unreached also where there is no answer within the seconds that are given.
    """

    def __init__(self, lease: LeaseObject, me: str, lease_s: float, clock: Callable[[], float]) -> None:
        self.me: Final = me
        self._lease = lease
        self._lease_s = lease_s
        self._clock = clock
        self._sight: Sight | None = None
        self._was_seen = False

    @property
    def lease(self) -> Lease | None:
        """The Lease as it was seen last; None if there was none, or nobody has looked yet."""
        return self._sight.lease if self._sight is not None else None

    @property
    def holder(self) -> str:
        """Whoever held it then; empty if nobody did."""
        return self.lease.holder if self.lease is not None else NOBODY

    def is_lost(self, floor: int) -> bool:
        """Whether there is none where somebody has led; `floor` is the highest epoch of all statuses."""
        return self.lease is None and (self._was_seen or floor > 0)

    def vacant_at_s(self, floor: int, ended_at_s: float | None) -> float:
        """Return when it may be taken, or could have been; its holder had ended by then, if that is known."""
        if self._sight is None:
            return self._clock()
        was_led = self._was_seen or floor > 0
        return self._sight.vacant_at_s(self.me, self._lease_s, was_led=was_led, ended_at_s=ended_at_s)

    async def look(self, within_s: float) -> None:
        """Read it."""
        async with _answered(within_s):
            self._saw(await self._lease.read())

    async def claim(self, epoch: int, within_s: float, *, is_taken: bool) -> None:
        """Take it, or renew it, as it was seen last. Raises Conflicted if somebody else wrote meanwhile."""
        seen = self.lease
        mark, version = (seen.mark, seen.version) if seen is not None else ("", "")
        async with _answered(within_s):
            claim = Lease(self.me, self._lease_s, epoch, mark, version)
            self._saw(await self._lease.write(claim, is_taken=is_taken))

    async def put_back(self, epoch: int, within_s: float) -> None:
        """Make one that is lost anew, as whoever's it was. Raises Conflicted if there is one.

        It is waited out then. That there is none looks the same each time, also where it was made, taken and deleted
        between two looks: so no time passes for one that does not exist.
        """
        async with _answered(within_s):
            lost = Lease(SOMEBODY, self._lease_s, epoch, mark="", version="")
            self._saw(await self._lease.write(lost, is_taken=False))

    async def let_go(self, within_s: float) -> bool:
        """Let anybody take it, if it is this contender's; return whether it was.

        It is read before: a renewal may have been cut off after it was sent, so it may not be as it was seen last.
        """
        async with _answered(within_s):
            held = await self._lease.read()
            if held is None or held.holder != self.me:
                return False
            self._saw(await self._lease.give_back(held))
            return True

    def forget(self) -> None:
        """Take the news that it was deleted."""
        self._saw(None)

    def _saw(self, lease: Lease | None) -> None:
        now_s = self._clock()
        self._was_seen = self._was_seen or lease is not None
        self._sight = self._sight.then(lease, now_s) if self._sight is not None else Sight(lease, now_s)


@asynccontextmanager
async def _answered(within_s: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(within_s):
            yield
    except TimeoutError as error:
        raise Unreached("no answer in time") from error
