"""How many runs are at work at once: a thousand sick workers must not keep the healthy ones from their turn.

A run takes a place before it begins and keeps it from step to step. When it has to wait for a later attempt it gives
the place away, and from then on takes one for each attempt only. What waits for a place does not use up its timeout.
An attempt that takes longer than a moment waits for somebody's answer and does no work: its place is lent to another
run, so that a replica that hangs holds up nobody. Who is next when a place is free is for `line` to say.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final, Protocol

from herder.controller.known.objects import Key
from herder.controller.running.line import Line, Rank, Turn
from herder.engine import StepDefinition, StepResult, StepTimeoutError, WorkflowContext, WorkflowDefinition

type _Ticket = asyncio.Future[None]

_ANYBODY: Final = Turn()
_LENT_AFTER_S: Final = 0.25
"""Many times what an attempt takes where everybody answers, and short enough that a few such turns pass in a second."""
_MOST_LENT: Final = 4
"""How many places are lent at most, for each that there is: where everything is slow, more at once makes it slower."""


class Places:
    """`at_once` places, and which instances keep one.

    `gateways` says how many there are to be shared among; `clock` returns monotonic seconds.
    """

    def __init__(
        self,
        at_once: int,
        gateways: Callable[[], int] = lambda: 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._at_once = at_once
        self._gateways = gateways
        self._clock = clock
        self._line: Line[_Ticket] = Line()
        self._turns: dict[str, Turn] = {}
        """By instance, of those that have come for a place."""
        self._kept: set[str] = set()
        self._lent = 0

    @property
    def free(self) -> int:
        """How many places nobody has."""
        return self._at_once - self._line.held

    @property
    def waiting(self) -> Mapping[Rank, int]:
        """How many wait for a place, by what they want it for."""
        return Counter(waiter.turn.rank for waiter in self._line)

    @property
    def waiting_on(self) -> Mapping[Key | None, int]:
        """How many wait for a place, by the gateway that they are for."""
        return Counter(waiter.turn.gateway for waiter in self._line)

    @property
    def longest_wait_s(self) -> float:
        """For how long the one has waited that has waited longest; 0 if nobody waits."""
        now_s = self._clock()
        return max((now_s - waiter.since_s for waiter in self._line), default=0.0)

    async def take(self, instance_id: str, turn: Turn = _ANYBODY) -> None:
        """Wait for a place and keep it."""
        self._turns[instance_id] = turn
        await self._acquire(turn)
        self._kept.add(instance_id)

    def give(self, instance_id: str) -> None:
        """Give the instance's place away, if it keeps one."""
        if instance_id in self._kept:
            self._kept.discard(instance_id)
            self._release(self._turn(instance_id))

    def leave(self, instance_id: str) -> None:
        """Give the instance's place away, if it keeps one, and forget it: it does not come again."""
        self.give(instance_id)
        self._turns.pop(instance_id, None)

    def _turn(self, instance_id: str) -> Turn:
        return self._turns.get(instance_id, _ANYBODY)

    def bounded[D](self, definition: WorkflowDefinition[D]) -> WorkflowDefinition[D]:
        """Return the definition with every attempt of every step in a place."""
        steps = tuple(self._bounded(step, definition.default_timeout) for step in definition.steps)
        return replace(definition, steps=steps)

    def _bounded[D](self, step: StepDefinition[D], default_timeout_s: float) -> StepDefinition[D]:
        timeout_s = default_timeout_s if step.timeout is None else step.timeout
        return replace(step, run=_InPlace(self, step, timeout_s), timeout=math.inf)

    async def run(self, work: "_Work", context: WorkflowContext[Any]) -> StepResult | None:
        """Run an attempt, in the place that its instance keeps or in one taken for it."""
        instance_id = context.instance_id
        if instance_id in self._kept:
            return await self._lending(partial(self._give_kept, instance_id), work, context)
        turn = self._turn(instance_id)
        await self._acquire(turn)
        is_held = True

        def give() -> bool:
            nonlocal is_held
            was_held, is_held = is_held, False
            if was_held:
                self._release(turn)
            return was_held

        try:
            return await self._lending(give, work, context)
        finally:
            give()

    def _give_kept(self, instance_id: str) -> bool:
        was_kept = instance_id in self._kept
        self.give(instance_id)
        return was_kept

    async def _lending(
        self, give: Callable[[], bool], work: "_Work", context: WorkflowContext[Any]
    ) -> StepResult | None:
        """Run an attempt whose place is given away after a moment; `give` returns whether there was one to give."""
        is_lent = False

        def lend() -> None:
            nonlocal is_lent
            if self._lent < _MOST_LENT * self._at_once and give():
                is_lent = True
                self._lent += 1

        timer = asyncio.get_running_loop().call_later(_LENT_AFTER_S, lend)
        try:
            return await work.attempt(context)
        finally:
            timer.cancel()
            self._lent -= is_lent

    async def _acquire(self, turn: Turn) -> None:
        ticket: _Ticket = asyncio.get_running_loop().create_future()
        waiter = self._line.join(turn, self._clock(), ticket)
        self._serve()
        try:
            await ticket
        except asyncio.CancelledError:
            waiter.has_left = True
            if ticket.done() and not ticket.cancelled():
                self._release(turn)
            raise

    def _release(self, turn: Turn) -> None:
        self._line.put_back(turn)
        self._serve()

    def _serve(self) -> None:
        """Let those who are next have what is free."""
        while (waiter := self._line.next(self._at_once, self._gateways())) is not None:
            if waiter.who.done():  # it was cancelled a moment ago, and has yet to hear of it
                self._line.put_back(waiter.turn)
            else:
                waiter.who.set_result(None)


class _Work(Protocol):
    async def attempt(self, context: WorkflowContext[Any]) -> StepResult | None: ...


class _InPlace:
    """A step whose attempts each wait for a place; only the attempt itself is timed."""

    def __init__(self, places: Places, step: StepDefinition[Any], timeout_s: float) -> None:
        self._places = places
        self._step: Any = step.run
        self._id = step.id
        self._timeout_s = timeout_s

    async def execute(self, context: WorkflowContext[Any]) -> StepResult | None:
        """Make one attempt in a place."""
        return await self._places.run(self, context)

    async def attempt(self, context: WorkflowContext[Any]) -> StepResult | None:
        """Make one attempt. Raises StepTimeoutError, as the engine would, and what the step raises."""
        limit = asyncio.timeout(self._timeout_s)
        try:
            async with limit:
                result: StepResult | None = await self._step.execute(context)
        except TimeoutError:
            if limit.expired():
                raise StepTimeoutError(self._id, self._timeout_s) from None
            raise
        return result

    def is_retryable(self, error: Exception) -> bool:
        """As the step says."""
        return bool(self._step.is_retryable(error))

    async def on_failure(self, context: WorkflowContext[Any], error: Exception) -> None:
        """As the step does."""
        await self._step.on_failure(context, error)
