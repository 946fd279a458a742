"""Taking the Lease, keeping it, and giving it back.

look ─▶ vacant? ─ no ─▶ pause, unless its holder is seen to end ─▶ look …
          │ yes
          ▼
        take ─ somebody was faster ─▶ pause ─▶ look …
          │
          ▼
        keep: renew once a retry period; a renewal without an answer counts as none
          │ the mandate has run out, or the Lease is another's
          ▼
        the holder stops, and stands by again
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from herder.controller.cluster.errors import Conflicted, KubeError, NotFound, Unreached
from herder.controller.leadership.election import JITTER, NOBODY, SOMEBODY, Lease, Sight, Terms, next_epoch
from herder.controller.leadership.lease import LeaseObject
from herder.controller.leadership.mandate import Mandate, uptime_s
from herder.controller.leadership.witness import Ended, Watch, nobody_tells

log = structlog.get_logger(__name__)

_SHORTEST_PAUSE_S: Final = 0.01
_GIVING_BACK_S: Final = 3.0
"""For how long at most the end of a process waits for that."""
_SILENCE: Final = "no answer in time"


@dataclass(frozen=True, slots=True)
class Won:
    """A mandate, and since when, at the latest, nobody else has had one."""

    mandate: Mandate
    vacant_since_s: float


class Elector:
    """One contender for a Lease. `me` is like nobody else's name, not even a former process's of the same pod.

    `floor` returns the highest epoch that any status says, and `clock` monotonic seconds. `ended` tells of a holder's
    end.
    """

    def __init__(
        self,
        lease: LeaseObject,
        me: str,
        terms: Terms,
        *,
        floor: Callable[[], int],
        clock: Callable[[], float] = uptime_s,
        ended: Ended = nobody_tells,
    ) -> None:
        self._lease = lease
        self._me = me
        self._terms = terms
        self._floor = floor
        self._clock = clock
        self._watch = Watch(ended, clock)
        self._sight: Sight | None = None
        self._was_led = False
        self._told: str | None = None

    @property
    def holder(self) -> str:
        """Whoever holds the Lease, as it was seen last; empty if nobody does."""
        lease = self._sight.lease if self._sight is not None else None
        return lease.holder if lease is not None else NOBODY

    async def look(self) -> Sight:
        """Read the Lease. Raises KubeError."""
        try:
            async with asyncio.timeout(self._terms.attempt_s):
                return self._saw(await self._lease.read())
        except TimeoutError as error:
            raise Unreached(_SILENCE) from error

    async def win(self) -> Won:
        """Wait until the Lease is this contender's."""
        async with self._watch:
            while (won := await self._tried()) is None:
                pass
        return won

    async def keep(self, mandate: Mandate) -> None:
        """Renew it, until it is over: because that could not be done in time, or because the Lease is another's."""
        sent_s = self._clock()
        while mandate.is_valid:
            due_s = sent_s + self._terms.retry_period_s - self._clock()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, min(due_s, mandate.left_s))):
                    await mandate.doubted.wait()
            mandate.doubted.clear()
            sent_s = self._clock()
            if mandate.is_valid:
                await self._renew(mandate, sent_s)
        log.warning("leadership.lost", epoch=mandate.epoch, holder=self.holder)

    async def give_back(self, mandate: Mandate) -> None:
        """End the mandate, and let the next one begin at once. To be called when nothing acts under it any more."""
        mandate.end()
        await self._let_go(mandate.epoch)

    async def _let_go(self, epoch: int) -> None:
        try:
            async with asyncio.timeout(min(self._terms.attempt_s, _GIVING_BACK_S)):
                # Not for the version seen last: a renewal may have been cut off after it was sent.
                held = await self._lease.read()
                if held is None or held.holder != self._me:
                    return
                self._saw(await self._lease.give_back(held))
            log.info("leadership.given_back", epoch=epoch)
        except (KubeError, TimeoutError) as error:
            log.warning("leadership.not_given_back", error=str(error) or _SILENCE)

    # Taking it.

    async def _tried(self) -> Won | None:
        """Try once; where that was in vain, wait until it is worth another attempt."""
        began_s = self._clock()
        try:
            won = await self._try()
            if won is not None:
                return won
        except (KubeError, TimeoutError) as error:
            log.warning("lease.out_of_reach", error=str(error) or _SILENCE)
        await self._pause(began_s)
        return None

    async def _try(self) -> Won | None:
        sight = await self.look()
        await self._watch.follow(self.holder)
        was_led = self._was_led or self._floor() > 0
        vacant_s = self._vacant_at_s(sight, was_led=was_led)
        if vacant_s > self._clock():
            self._tell_once(sight)
            return None
        if sight.lease is None and was_led:
            await self._put_back()
            return None
        return await self._take(sight, vacant_s)

    async def _put_back(self) -> None:
        """Make the Lease anew as whoever's it was, to wait it out.

        That there is none looks the same each time, also where it was made, taken and deleted between two looks.
        """
        lost = Lease(SOMEBODY, self._terms.lease_s, self._floor(), mark="", version="")
        with suppress(Conflicted):
            async with asyncio.timeout(self._terms.attempt_s):
                self._saw(await self._lease.write(lost, is_taken=False))
            log.warning("lease.put_back", epoch=lost.epoch)

    def _vacant_at_s(self, sight: Sight, *, was_led: bool) -> float:
        ended_at_s = self._watch.ended_at_s(self.holder)
        return sight.vacant_at_s(self._me, self._terms.lease_s, was_led=was_led, ended_at_s=ended_at_s)

    async def _take(self, sight: Sight, vacant_s: float) -> Won | None:
        epoch = next_epoch(sight.lease, self._floor())
        sent_s = self._clock()
        try:
            async with asyncio.timeout(self._terms.attempt_s):
                taken = await self._lease.write(self._claim(sight.lease, epoch), is_taken=True)
        except Conflicted:
            return None
        except asyncio.CancelledError:  # it may be taken all the same, and nobody would lead until its time is over
            await self._let_go(epoch)
            raise
        self._saw(taken)
        mandate = Mandate(epoch, sent_s + self._terms.renew_deadline_s, self._clock)
        if not mandate.is_valid:
            return None
        self._told = None
        log.info("leadership.won", epoch=epoch, holder=self._me)
        return Won(mandate, vacant_s)

    def _tell_once(self, sight: Sight) -> None:
        holder = sight.lease.holder if sight.lease is not None else NOBODY
        if holder != self._told:
            self._told = holder
            log.info("leadership.standing_by", holder=holder)

    async def _pause(self, began_s: float) -> None:
        """Wait until another attempt is worth it: a retry period, or until the Lease is vacant or its holder ended."""
        period_s = self._terms.retry_period_s * random.uniform(1.0, JITTER)  # noqa: S311  (spreads load, no secret)
        next_s = began_s + period_s
        if self._sight is not None:
            vacant_s = self._vacant_at_s(self._sight, was_led=True)
            if vacant_s > self._clock():
                next_s = min(next_s, vacant_s)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(_SHORTEST_PAUSE_S, next_s - self._clock())):
                await self._watch.news.wait()
        self._watch.news.clear()

    # Keeping it.

    async def _renew(self, mandate: Mandate, sent_s: float) -> None:
        """Make one attempt. Time counts from before it was sent: the answer may have taken as long as it liked."""
        held = self._sight.lease if self._sight is not None else None
        is_outranked = mandate.epoch < mandate.outranked_by
        epoch = next_epoch(held, mandate.outranked_by) if is_outranked else mandate.epoch
        try:
            async with asyncio.timeout(min(self._terms.attempt_s, mandate.left_s)):
                renewed = await self._lease.write(self._claim(held, epoch), is_taken=False)
        except Conflicted:
            await self._see_whose(mandate)
        except NotFound:  # somebody has deleted it: others wait for as long as a mandate may last, so it is made anew
            self._saw(None)
        except (KubeError, TimeoutError) as error:
            log.warning("lease.not_renewed", left_s=round(mandate.left_s, 2), error=str(error) or _SILENCE)
        else:
            self._saw(renewed)
            mandate.renew(sent_s + self._terms.renew_deadline_s)
            mandate.epoch = epoch

    async def _see_whose(self, mandate: Mandate) -> None:
        """Somebody wrote the Lease meanwhile: another contender, a person, or a renewal whose answer was lost."""
        with suppress(KubeError, TimeoutError):
            async with asyncio.timeout(mandate.left_s):
                sight = await self.look()
            if sight.lease is not None and sight.lease.holder != self._me:
                mandate.end()
            else:
                mandate.doubted.set()

    def _claim(self, before: Lease | None, epoch: int) -> Lease:
        mark, version = (before.mark, before.version) if before is not None else ("", "")
        return Lease(self._me, self._terms.lease_s, epoch, mark, version)

    def _saw(self, lease: Lease | None) -> Sight:
        now_s = self._clock()
        self._was_led = self._was_led or lease is not None
        self._sight = self._sight.then(lease, now_s) if self._sight is not None else Sight(lease, now_s)
        return self._sight
