"""Never two at once: three contenders with wrong clocks, who are cut off, and whose calls are delayed, lost or late.

A call that is late is carried out long after its sender has given it up. A contender that crashes leaves the Lease as
it is, and comes back as somebody else.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import override

from hypothesis import given, settings
from hypothesis import strategies as st

from herder.controller.cluster.errors import KubeError, Unreached
from herder.controller.leadership.election import Lease, Terms
from herder.controller.leadership.elector import Elector
from herder.controller.leadership.mandate import Mandate
from unit.controller.leadership.fake_lease import Link, Store, WrongClock
from unit.engine.kit import elapsed_s, virtual_time

HOUR_S = 3600.0
TOLERATED = 1.49
"""How many times as fast as another a clock may run: lease / renew deadline, which is 1.5 for the terms below."""
LASTS_S = 600.0


@dataclass(frozen=True)
class Fate:
    """What meets the contenders; `trouble` is the share of calls that something happens to."""

    seed: int
    clocks: tuple[WrongClock, ...]
    trouble: float
    terms: Terms


clocks = st.builds(WrongClock, offset_s=st.floats(-HOUR_S, HOUR_S), rate=st.sampled_from([1.0, TOLERATED]))
fates = st.builds(
    Fate,
    seed=st.integers(0, 1 << 30),
    clocks=st.tuples(clocks, clocks, clocks),
    trouble=st.sampled_from([0.05, 0.2, 0.5]),
    terms=st.sampled_from([Terms(15, 10.0, 2.0), Terms(6, 4.0, 1.0)]),
)


@dataclass(eq=False)
class Arena:
    """The contenders, and the mandate of each that lives."""

    fate: Fate
    store: Store = field(default_factory=Store)
    mandates: dict[str, Mandate] = field(default_factory=dict)
    epochs: list[int] = field(default_factory=list)
    late: set[asyncio.Task[None]] = field(default_factory=set)
    cut_until_s: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])

    def __post_init__(self) -> None:
        self.random = random.Random(self.fate.seed)

    def check(self) -> None:
        acting = [name for name, mandate in self.mandates.items() if mandate.is_valid]
        assert len(acting) <= 1, f"at {elapsed_s():.2f} s {acting} may act"

    async def delay(self, place: int) -> None:
        """Meet a call of a contender's, before or after it is carried out."""
        await asyncio.sleep(max(0.0, self.cut_until_s[place] - elapsed_s()))
        if self.random.random() < self.fate.trouble:
            await asyncio.sleep(self.random.uniform(0, self.fate.terms.attempt_s))
        if self.random.random() < self.fate.trouble / 4:
            raise Unreached("lost")
        if self.random.random() < self.fate.trouble / 4:
            self.cut_until_s[place] = elapsed_s() + self.random.uniform(0, 4 * self.fate.terms.lease_s)

    def is_late(self, claim: Lease) -> bool:
        """Whether a claim arrives when nobody waits for its answer any more."""
        if self.random.random() >= self.fate.trouble / 3:
            return False

        async def arrive() -> None:
            await asyncio.sleep(self.random.uniform(0, 2 * self.fate.terms.lease_s))
            try:
                self.store.write(claim)
            except KubeError:
                return

        task = asyncio.create_task(arrive())
        self.late.add(task)
        task.add_done_callback(self.late.discard)
        return True

    async def contend(self, place: int) -> None:
        """Live, crash, and live again under another name."""
        for life in range(1000):
            name = f"{place}.{life}"
            living = asyncio.create_task(self._live(name, place))
            await asyncio.wait({living}, timeout=self.random.uniform(1, 200))
            living.cancel()
            await asyncio.wait({living})
            if not living.cancelled():
                living.result()
            self.mandates.pop(name, None)

    async def _live(self, name: str, place: int) -> None:
        clock = self.fate.clocks[place]
        elector = Elector(_Link.of(self, place), name, self.fate.terms, floor=lambda: 0, clock=clock)
        while True:
            mandate = self.mandates[name] = (await elector.win()).mandate
            self.epochs.append(mandate.epoch)
            self.check()
            keeping = asyncio.create_task(elector.keep(mandate))
            try:
                await asyncio.wait({keeping}, timeout=self.random.uniform(1, 100))
            finally:
                keeping.cancel()
                await asyncio.wait({keeping})
            if mandate.is_valid:
                await elector.give_back(mandate)


@dataclass(frozen=True)
class _Link(Link):
    is_late: Callable[[Lease], bool] = lambda _: False

    @classmethod
    def of(cls, arena: Arena, place: int) -> Link:
        delay = partial(arena.delay, place)
        return cls(store=arena.store, before=delay, after=delay, is_late=arena.is_late)

    @override
    async def write(self, claim: Lease, *, is_taken: bool) -> Lease:
        if self.is_late(claim):
            raise Unreached("late")
        return await super().write(claim, is_taken=is_taken)


def fought(fate: Fate) -> Arena:
    """Let them contend for ten minutes, and look ten times a second how many may act."""
    arena = Arena(fate)

    @virtual_time
    async def run() -> None:
        contenders = [asyncio.create_task(arena.contend(place)) for place in range(3)]
        while elapsed_s() < LASTS_S:
            await asyncio.sleep(0.1)
            arena.check()
            await _raise_from(contenders)
        for task in (*contenders, *arena.late):
            task.cancel()
        await asyncio.wait({*contenders, *arena.late})

    run()
    return arena


async def _raise_from(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        if task.done():
            await task


@settings(max_examples=25, deadline=None)
@given(fates)
def test_at_most_one_may_act_at_any_moment(fate: Fate) -> None:
    arena = fought(fate)

    assert arena.epochs == sorted(set(arena.epochs))


def test_without_trouble_the_lease_changes_hands_again_and_again() -> None:
    arena = fought(Fate(7, (WrongClock(-HOUR_S), WrongClock(), WrongClock(HOUR_S)), 0.0, Terms()))

    assert len(arena.epochs) > 8
