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

from herder.controller.cluster.errors import Conflicted, KubeError, NotFound
from herder.controller.leadership.election import JITTER, Terms, next_epoch
from herder.controller.leadership.lease import LeaseObject
from herder.controller.leadership.mandate import Mandate, uptime_s
from herder.controller.leadership.view import View
from herder.controller.leadership.witness import Ended, Watch, nobody_tells

log = structlog.get_logger(__name__)

_SHORTEST_PAUSE_S: Final = 0.01
_GIVING_BACK_S: Final = 3.0
"""For how long at most the end of a process waits for that."""


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
        self._view = View(lease, me, terms.lease_s, clock)
        self._terms = terms
        self._floor = floor
        self._clock = clock
        self._watch = Watch(ended, clock)
        self._told: str | None = None

    async def look(self) -> None:
        """Read the Lease. Raises KubeError."""
        await self._view.look(self._terms.attempt_s)

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
        log.warning("leadership.lost", epoch=mandate.epoch, holder=self._view.holder)

    async def give_back(self, mandate: Mandate) -> None:
        """End the mandate, and let the next one begin at once. To be called when nothing acts under it any more."""
        mandate.end()
        await self._let_go(mandate.epoch)

    async def _let_go(self, epoch: int) -> None:
        try:
            if await self._view.let_go(min(self._terms.attempt_s, _GIVING_BACK_S)):
                log.info("leadership.given_back", epoch=epoch)
        except KubeError as error:
            log.warning("leadership.not_given_back", error=str(error))

    # Taking it.

    async def _tried(self) -> Won | None:
        """Try once; where that was in vain, wait until it is worth another attempt."""
        began_s = self._clock()
        try:
            won = await self._try()
            if won is not None:
                return won
        except Conflicted:
            log.debug("lease.missed")  # somebody was faster
        except KubeError as error:
            log.warning("lease.out_of_reach", error=str(error))
        await self._pause(began_s)
        return None

    async def _try(self) -> Won | None:
        await self.look()
        await self._watch.follow(self._view.holder)
        vacant_s = self._vacant_at_s()
        if vacant_s > self._clock():
            self._tell_once()
            return None
        if self._view.is_lost(self._floor()):
            await self._put_back()
            return None
        return await self._take(vacant_s)

    def _vacant_at_s(self) -> float:
        return self._view.vacant_at_s(self._floor(), self._watch.ended_at_s(self._view.holder))

    async def _put_back(self) -> None:
        """Make a Lease that was deleted anew, to wait it out."""
        epoch = self._floor()
        await self._view.put_back(epoch, self._terms.attempt_s)
        log.warning("lease.put_back", epoch=epoch)

    async def _take(self, vacant_s: float) -> Won | None:
        epoch = next_epoch(self._view.lease, self._floor())
        sent_s = self._clock()
        try:
            await self._view.claim(epoch, self._terms.attempt_s, is_taken=True)
        except asyncio.CancelledError:  # it may be taken all the same, and nobody would lead until its time is over
            await self._let_go(epoch)
            raise
        mandate = Mandate(epoch, sent_s + self._terms.renew_deadline_s, self._clock)
        if not mandate.is_valid:
            return None
        self._told = None
        log.info("leadership.won", epoch=epoch, holder=self._view.me)
        return Won(mandate, vacant_s)

    def _tell_once(self) -> None:
        if self._view.holder != self._told:
            self._told = self._view.holder
            log.info("leadership.standing_by", holder=self._told)

    async def _pause(self, began_s: float) -> None:
        """Wait until another attempt is worth it: a retry period, or until the Lease is vacant or its holder ended."""
        period_s = self._terms.retry_period_s * random.uniform(1.0, JITTER)  # noqa: S311  (spreads load, no secret)
        next_s, vacant_s = began_s + period_s, self._vacant_at_s()
        if vacant_s > self._clock():
            next_s = min(next_s, vacant_s)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(_SHORTEST_PAUSE_S, next_s - self._clock())):
                await self._watch.news.wait()
        self._watch.news.clear()

    # Keeping it.

    async def _renew(self, mandate: Mandate, sent_s: float) -> None:
        """Make one attempt. Time counts from before it was sent: the answer may have taken as long as it liked."""
        is_outranked = mandate.epoch < mandate.outranked_by
        epoch = next_epoch(self._view.lease, mandate.outranked_by) if is_outranked else mandate.epoch
        try:
            await self._view.claim(epoch, min(self._terms.attempt_s, mandate.left_s), is_taken=False)
        except Conflicted:
            await self._see_whose(mandate)
        except NotFound:  # somebody has deleted it: others wait for as long as a mandate may last, so it is made anew
            self._view.forget()
        except KubeError as error:
            log.warning("lease.not_renewed", left_s=round(mandate.left_s, 2), error=str(error))
        else:
            mandate.renew(sent_s + self._terms.renew_deadline_s)
            mandate.epoch = epoch

    async def _see_whose(self, mandate: Mandate) -> None:
        """Somebody wrote the Lease meanwhile: another contender, a person, or a renewal whose answer was lost."""
        with suppress(KubeError):
            await self._view.look(min(self._terms.attempt_s, mandate.left_s))
            lease = self._view.lease
            if lease is not None and lease.holder != self._view.me:
                mandate.end()
            else:
                mandate.doubted.set()
