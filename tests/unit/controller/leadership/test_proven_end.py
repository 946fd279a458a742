"""A contender that learns that the holder has ended: what it takes then, when, and after whom it looks."""

import asyncio
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from herder.controller.leadership.election import NOBODY, Lease, Terms
from herder.controller.leadership.elector import Elector, Won
from herder.controller.leadership.witness import Watch
from unit.controller.leadership.fake_lease import Link, Store, WrongClock, lost
from unit.engine.kit import elapsed_s, other_tasks, virtual_time

HELD = Lease("other", 15, 3, "some time", "")
OFFSET_S = 5000.0


class World:
    """A Lease that somebody holds, and a contender for it that hears of ends."""

    def __init__(self, *, held: Lease = HELD, me: str = "me") -> None:
        self.store = Store()
        self.store.write(held)
        self.followed: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}
        self.is_cut_off = False
        self.asked = 0
        self.defect: Exception | None = None
        link = Link(store=self.store, before=self._before)
        clock = WrongClock(OFFSET_S)
        self.elector = Elector(link, me, Terms(15, 10.0, 2.0), floor=lambda: 0, clock=clock, ended=self._ended)

    async def _before(self) -> None:
        self.asked += 1
        if self.is_cut_off:
            await lost()

    async def _ended(self, holder: str) -> None:
        self.followed.append(holder)
        if self.defect is not None:
            raise self.defect
        await self.ends.setdefault(holder, asyncio.Event()).wait()

    def end(self, holder: str) -> None:
        """Let the kubelet say that a holder has ended."""
        self.ends.setdefault(holder, asyncio.Event()).set()

    def renew(self) -> None:
        """Let the holder renew it."""
        assert self.store.lease is not None
        self.store.write(self.store.lease)

    @property
    def lease(self) -> Lease:
        assert self.store.lease is not None
        return self.store.lease


@virtual_time
async def test_the_lease_of_one_that_has_ended_is_taken_at_once() -> None:
    world = World()
    contending = asyncio.create_task(world.elector.win())
    await asyncio.sleep(1.1)

    world.end("other")
    won = await asyncio.wait_for(contending, 0.01)

    assert (world.lease.holder, world.lease.epoch, won.mandate.epoch) == ("me", 4, 4)
    assert won.mandate.is_valid


@virtual_time
async def test_nobody_else_has_led_since_the_end_was_known_not_since_the_lease_was_seen() -> None:
    world = World()
    contending = asyncio.create_task(world.elector.win())
    await asyncio.sleep(1.1)

    world.end("other")

    assert (await contending).vacant_since_s == pytest.approx(OFFSET_S + 1.1)


@virtual_time
async def test_the_end_of_one_whose_last_renewal_arrives_after_it_is_believed_all_the_same() -> None:
    world = World()
    contending = asyncio.create_task(world.elector.win())
    await asyncio.sleep(1.1)
    world.is_cut_off = True
    world.end("other")
    await asyncio.sleep(0.1)
    world.is_cut_off = False
    world.renew()

    await asyncio.wait_for(contending, 3)

    assert world.lease.holder == "me"


@virtual_time
async def test_the_end_of_a_former_holder_says_nothing_of_the_one_that_holds_it_now() -> None:
    world = World()
    contending = asyncio.create_task(world.elector.win())
    await asyncio.sleep(0.1)
    world.store.steal("third")

    world.end("other")
    await asyncio.sleep(14.0)
    is_taken_early = contending.done()
    await asyncio.wait_for(contending, 5)

    assert not is_taken_early
    assert world.followed == ["other", "third"]


@virtual_time
async def test_an_end_that_is_known_while_the_lease_is_out_of_reach_makes_nobody_ask_more_often() -> None:
    world = World()
    contending = asyncio.create_task(world.elector.win())
    await asyncio.sleep(0.1)
    world.is_cut_off = True
    world.end("other")

    await asyncio.sleep(60)

    assert world.asked <= 33
    contending.cancel()


@pytest.mark.parametrize(
    "held",
    [
        pytest.param(replace(HELD, holder=NOBODY), id="nobody"),
        pytest.param(replace(HELD, holder="me"), id="itself"),
    ],
)
def test_only_another_is_looked_after(held: Lease) -> None:
    @virtual_time
    async def run() -> None:
        world = World(held=held)

        await world.elector.win()

        assert world.followed == []

    run()


@virtual_time
async def test_a_holder_is_followed_once_however_often_the_lease_is_looked_at() -> None:
    world = World()
    contending = asyncio.create_task(world.elector.win())
    for _ in range(100):
        await asyncio.sleep(3)
        world.renew()

    assert world.followed == ["other"]
    contending.cancel()


@pytest.mark.parametrize("is_won", [True, False], ids=["it has won", "it is told to stop"])
def test_nobody_is_followed_when_the_contending_is_over(is_won: bool) -> None:
    @virtual_time
    async def run() -> None:
        world = World()
        contending: asyncio.Task[Won] = asyncio.create_task(world.elector.win())
        await asyncio.sleep(0.1)
        if not is_won:
            contending.cancel()

        await asyncio.wait({contending})

        assert other_tasks() == set()

    run()


@virtual_time
async def test_who_cannot_look_waits_the_lease_out() -> None:
    world = World()
    world.defect = ZeroDivisionError("a defect")

    with capture_logs() as logs:
        await world.elector.win()

    assert "lease.holder_defect" in {entry["event"] for entry in logs}
    assert elapsed_s() == pytest.approx(15, abs=0.05)


@virtual_time
async def test_the_next_time_it_contends_it_looks_anew() -> None:
    world = World()
    world.end("other")
    first = await world.elector.win()
    await world.elector.give_back(first.mandate)
    world.store.write(replace(world.lease, holder="third"))
    contending = asyncio.create_task(world.elector.win())
    await asyncio.sleep(1)

    world.end("third")

    await asyncio.wait_for(contending, 0.01)


@virtual_time
async def test_of_whoever_is_not_followed_nothing_is_known() -> None:
    world = World()
    world.end("other")
    async with Watch(world._ended, elapsed_s) as watch:
        await watch.follow("other")
        await watch.news.wait()

        known = [watch.ended_at_s(holder) for holder in ("other", "third", NOBODY)]

    assert known == [0.0, None, None]
