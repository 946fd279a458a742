"""Failovers by force, as many as are asked for: whoever was followed by another changes nothing any more.

Three contenders with clocks that are hours off and run at different rates, each with what it needs to change something
all the time. Whoever leads is killed, stopped for a while, cut off, told to end, or robbed of the Lease, again and
again. A case is a seed: it happens the same way each time. `make failovers` forces ten thousand.
"""

import asyncio
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from herder.controller.cluster.errors import Unreached
from herder.controller.leadership.election import Terms
from herder.controller.leadership.elector import Elector
from herder.controller.leadership.mandate import Mandate
from herder.net.errors import NotPermitted
from unit.controller.leadership.fake_lease import Link, Store, WrongClock
from unit.engine.kit import elapsed_s, virtual_time

HOUR_S = 3600.0
A_CASE = 100
CASES = int(os.environ.get("HERDER_TEST_FAILOVERS", "4000")) // A_CASE
WITHIN_S = 600.0
"""How long the longest failover may take: there is always somebody who lives and is not cut off."""

TERMS = ((Terms(15, 10.0, 2.0), 1.49), (Terms(5, 3.0, 1.0), 1.66), (Terms(21, 10.0, 2.0), 2.0))
"""Each with how many times as fast as another a clock may run: less than lease / renew deadline."""


@dataclass(eq=False)
class Life:
    """One process from its start to its end, under a name that no other has."""

    name: str
    clock: WrongClock
    is_dead: bool = False
    awake: asyncio.Event = field(default_factory=asyncio.Event)
    cut_until_s: float = 0.0
    is_seen_to_end: asyncio.Event = field(default_factory=asyncio.Event)
    told_to_end: asyncio.Event = field(default_factory=asyncio.Event)
    mandate: Mandate | None = None

    def __post_init__(self) -> None:
        self.awake.set()

    @property
    def may_act(self) -> bool:
        """Whether nothing would keep it from changing something."""
        return not self.is_dead and self.mandate is not None and self.mandate.is_valid


class Arena:
    """A Lease, those who contend for it, and what they have changed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.terms, fastest = TERMS[seed % len(TERMS)]
        self.clocks = [
            WrongClock(self.random.uniform(-HOUR_S, HOUR_S), self.random.choice([1.0, self.random.uniform(1, fastest)]))
            for _ in range(3)
        ]
        self.store = Store()
        self.lives: dict[str, Life] = {}
        self.latest = 0
        """The epoch of whoever has come to lead last."""
        self.changes = 0
        self.wrongs: list[str] = []
        self.acting: asyncio.Queue[Life] = asyncio.Queue()
        """Whoever has changed something for the first time under a mandate."""
        self.proofs = 0

    # A process.

    async def contend(self, place: int) -> None:
        """Live and end, again and again."""
        for number in range(1_000_000):
            life = Life(f"{place}.{number}", self.clocks[place])
            self.lives[life.name] = life
            living = asyncio.create_task(self._live(life))
            ending = asyncio.create_task(life.told_to_end.wait())
            await asyncio.wait({living, ending}, return_when=asyncio.FIRST_COMPLETED)
            for task in (living, ending):
                task.cancel()
            await asyncio.wait({living, ending})
            del self.lives[life.name]
            if not living.cancelled():
                living.result()
            await asyncio.sleep(self.random.uniform(0, 5))

    async def _live(self, life: Life) -> None:
        link = Link(store=self.store, before=lambda: self._travel(life), after=lambda: self._travel(life))
        elector = Elector(
            link, life.name, self.terms, floor=lambda: self.latest, clock=life.clock, ended=self._seen_to_end
        )
        while True:
            won = await elector.win()
            life.mandate = won.mandate
            self._elected(life, won.mandate)
            keeping = asyncio.create_task(elector.keep(won.mandate))
            acting = asyncio.create_task(self._act(life, won.mandate))
            try:
                await asyncio.wait({keeping})
                await life.awake.wait()
            finally:
                keeping.cancel()
                acting.cancel()
                await asyncio.wait({keeping, acting})
                if not life.is_dead:
                    await elector.give_back(won.mandate)

    async def _act(self, life: Life, mandate: Mandate) -> None:
        is_first = True
        while True:
            await life.awake.wait()
            try:
                mandate.check()
            except NotPermitted:
                return
            self.changes += 1
            if mandate.epoch != self.latest or life.is_dead:
                self.wrongs.append(f"at {elapsed_s():.3f} s {life.name} changed something in epoch {mandate.epoch}")
            if is_first:
                self.acting.put_nowait(life)
                is_first = False
            await asyncio.sleep(self.random.uniform(0.05, 1.0))

    def _elected(self, life: Life, mandate: Mandate) -> None:
        others = [other.name for other in self.lives.values() if other is not life and other.may_act]
        if others or mandate.epoch <= self.latest:
            self.wrongs.append(f"at {elapsed_s():.3f} s {life.name} was elected beside {others} in {mandate.epoch}")
        self.latest = max(self.latest, mandate.epoch)

    async def _travel(self, life: Life) -> None:
        """Meet a call of a process, before or after it is carried out."""
        await life.awake.wait()
        await asyncio.sleep(max(0.0, life.cut_until_s - elapsed_s()))
        await asyncio.sleep(self.random.uniform(0, 0.05))
        if self.random.random() < 0.01:
            await asyncio.sleep(self.random.uniform(0, self.terms.attempt_s))
        if life.is_dead or self.random.random() < 0.01:
            raise Unreached("lost")

    async def _seen_to_end(self, holder: str) -> None:
        life = self.lives.get(holder)
        await (life.is_seen_to_end if life is not None else asyncio.Event()).wait()
        self.proofs += 1

    # What is done to whoever leads.

    def kill(self, life: Life) -> None:
        """SIGKILL; the kubelet says so soon, late, or never."""
        life.is_dead = True
        if self.random.random() < 0.7:
            after_s = self.random.choice(
                [0.0, self.random.uniform(0, 2), self.random.uniform(0, 2 * self.terms.lease_s)]
            )
            asyncio.get_running_loop().call_later(after_s, life.is_seen_to_end.set)
        life.told_to_end.set()

    def freeze(self, life: Life) -> None:
        """SIGSTOP, and SIGCONT when the Lease is out."""
        life.awake.clear()
        asyncio.get_running_loop().call_later(self._long_enough_s(), life.awake.set)

    def cut_off(self, life: Life) -> None:
        """Let its calls go nowhere, and act on."""
        life.cut_until_s = elapsed_s() + self._long_enough_s()

    def stop(self, life: Life) -> None:
        """SIGTERM."""
        life.told_to_end.set()

    def rob(self, life: Life) -> None:
        """Let somebody take the Lease by hand."""
        if self.store.lease is not None:
            self.store.steal("thief")

    def delete(self, life: Life) -> None:
        """Let somebody delete the Lease while its holder can't notice."""
        self.freeze(life)
        self.store.lease = None

    def _long_enough_s(self) -> float:
        return self.terms.lease_s * self.random.uniform(1.1, 3)

    @property
    def blows(self) -> tuple[Callable[[Life], None], ...]:
        """What may happen to whoever leads."""
        return (self.kill, self.kill, self.freeze, self.cut_off, self.stop, self.rob, self.delete)


def played(seed: int) -> Arena:
    """Force a hundred failovers."""
    arena = Arena(seed)
    random.seed(seed)  # the electors' own pauses

    @virtual_time
    async def run() -> None:
        contending = [asyncio.create_task(arena.contend(place)) for place in range(len(arena.clocks))]
        for _ in range(A_CASE):
            leader = await asyncio.wait_for(arena.acting.get(), WITHIN_S)
            await asyncio.sleep(arena.random.uniform(0, 2 * arena.terms.retry_period_s))
            arena.random.choice(arena.blows)(leader)
        await asyncio.wait_for(arena.acting.get(), WITHIN_S)
        for task in contending:
            task.cancel()
        await asyncio.wait(contending)

    with capture_logs():
        run()
    return arena


@pytest.mark.parametrize("seed", range(CASES))
def test_nobody_changes_anything_whom_another_has_followed(seed: int) -> None:
    arena = played(seed)

    assert arena.wrongs == []
    assert arena.latest >= A_CASE
    assert arena.changes > A_CASE
    assert arena.proofs > 0
