"""Taking the Lease, keeping it, giving it back: one contender's way through, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from herder.controller.cluster.errors import Unreached
from herder.controller.leadership.election import Lease, Terms
from herder.controller.leadership.elector import Elector
from herder.controller.leadership.mandate import Mandate
from herder.controller.leadership.witness import Ended, nobody_tells
from unit.controller.leadership.fake_lease import Link, Store, WrongClock, for_ever, lost
from unit.engine.kit import elapsed_s, virtual_time

TERMS = Terms(15, 10.0, 2.0)
HELD = Lease("other", 15, 3, "some time", "")


class World:
    """A store, and an elector that reaches it by a link that can be cut."""

    def __init__(self, *, held: Lease | None = None, floor: int = 0, ended: Ended = nobody_tells) -> None:
        self.store = Store()
        if held is not None:
            self.store.write(held)
        self.trouble: dict[str, Callable[[], Awaitable[None]]] = {}
        link = Link(store=self.store, before=self._before, after=self._after)
        self.elector = Elector(link, "me", TERMS, floor=lambda: floor, clock=WrongClock(5000.0), ended=ended)

    async def _before(self) -> None:
        await self._meet("before")

    async def _after(self) -> None:
        await self._meet("after")

    async def _meet(self, moment: str) -> None:
        if moment in self.trouble:
            await self.trouble[moment]()

    async def won(self) -> Mandate:
        return (await self.elector.win()).mandate

    @property
    def lease(self) -> Lease:
        assert self.store.lease is not None
        return self.store.lease


@pytest.mark.parametrize(
    ("held", "floor", "after_s", "epoch"),
    [
        pytest.param(None, 0, 0.0, 1, id="there is none yet"),
        pytest.param(None, 7, 30.0, 8, id="there is none any more: it is put back, and waited out"),
        pytest.param(replace(HELD, holder=""), 0, 0.0, 4, id="it was given back"),
        pytest.param(HELD, 0, 15.0, 4, id="its holder is dead"),
        pytest.param(replace(HELD, lease_s=30), 0, 30.0, 4, id="its holder is dead, and took it for longer"),
    ],
)
def test_it_is_taken_as_soon_as_it_is_vacant(held: Lease | None, floor: int, after_s: float, epoch: int) -> None:
    @virtual_time
    async def run() -> None:
        world = World(held=held, floor=floor)

        mandate = await world.won()

        assert elapsed_s() == pytest.approx(after_s, abs=0.05)
        assert (world.lease.holder, world.lease.epoch, mandate.epoch) == ("me", epoch, epoch)
        assert mandate.left_s == pytest.approx(10.0)

    run()


@virtual_time
async def test_one_that_is_deleted_is_left_to_its_holder_for_as_long_as_that_may_lead() -> None:
    world = World(held=HELD)
    contending = asyncio.create_task(world.won())
    await asyncio.sleep(1)
    world.store.lease = None

    await asyncio.sleep(14)
    world.store.write(HELD)
    await asyncio.sleep(14)

    assert not contending.done()
    contending.cancel()


@pytest.mark.parametrize("is_deleted", [False, True], ids=["taking it", "putting it back"])
def test_that_somebody_was_faster_is_no_trouble(is_deleted: bool) -> None:
    @virtual_time
    async def run() -> None:
        world = World(held=None if is_deleted else replace(HELD, holder=""), floor=7)

        async def be_faster() -> None:
            if not is_deleted or elapsed_s() >= TERMS.lease_s:
                del world.trouble["after"]
                seen = world.store.lease
                world.store.write(replace(HELD, version=seen.version if seen is not None else ""))

        world.trouble["after"] = be_faster
        with capture_logs() as logs:
            contending = asyncio.create_task(world.won())
            await asyncio.sleep(TERMS.lease_s + 5 if is_deleted else 5)

        assert world.lease.holder == "other"
        assert not contending.done()
        assert {entry["event"] for entry in logs if entry["log_level"] == "warning"} == set()
        contending.cancel()

    run()


@virtual_time
async def test_one_that_was_taken_and_deleted_between_two_looks_is_not_taken_for_vacant() -> None:
    world = World(floor=7)
    contending = asyncio.create_task(world.won())
    await asyncio.sleep(14.5)
    world.store.write(replace(HELD, epoch=8))
    world.store.lease = None

    await contending

    assert elapsed_s() >= 14.5 + TERMS.lease_s


@virtual_time
async def test_of_one_that_is_renewed_a_contender_keeps_its_hands_off() -> None:
    world = World(held=HELD)
    contending = asyncio.create_task(world.won())
    for _ in range(100):
        await asyncio.sleep(9)
        world.store.write(world.lease)

    assert not contending.done()
    contending.cancel()


@virtual_time
async def test_who_is_told_to_stop_while_taking_it_lets_go_of_it() -> None:
    world = World()

    async def hang_once_it_is_taken() -> None:
        if world.store.lease is not None:
            del world.trouble["after"]
            await for_ever()

    world.trouble["after"] = hang_once_it_is_taken
    contending = asyncio.create_task(world.won())
    await asyncio.sleep(0.1)
    taken = world.lease.holder

    contending.cancel()
    await asyncio.wait({contending})

    assert (taken, world.lease.holder) == ("me", "")
    assert contending.cancelled()


@virtual_time
async def test_a_holder_that_can_renew_keeps_it_under_one_epoch() -> None:
    world = World()
    mandate = await world.won()
    keeping = asyncio.create_task(world.elector.keep(mandate))

    await asyncio.sleep(3600)

    assert mandate.is_valid
    assert (world.lease.holder, world.lease.epoch) == ("me", 1)
    keeping.cancel()


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param({"before": for_ever}, id="nothing arrives"),
        pytest.param({"before": lost}, id="nothing can be sent"),
        pytest.param({"after": for_ever}, id="every renewal arrives, and no answer comes"),
        pytest.param({"after": lost}, id="every renewal arrives, and every answer is lost"),
    ],
)
def test_a_holder_that_hears_of_no_renewal_stops_ten_seconds_after_the_last(trouble: dict[str, Any]) -> None:
    @virtual_time
    async def run() -> None:
        world = World()
        mandate = await world.won()
        keeping = asyncio.create_task(world.elector.keep(mandate))
        await asyncio.sleep(2.5)  # one renewal, at 2 s
        world.trouble = trouble

        await asyncio.sleep(9.49)
        assert mandate.is_valid
        await asyncio.sleep(0.02)

        assert not mandate.is_valid
        await asyncio.wait_for(keeping, 1.0)

    run()


@virtual_time
async def test_a_holder_stops_also_where_what_is_left_is_less_than_its_clock_can_tell() -> None:
    world, attempts = World(), []
    await world.won()
    await asyncio.sleep(520.0)
    mandate = Mandate(1, 5e-14, WrongClock(-520.0))
    assert elapsed_s() + 5e-14 == 520.0

    async def slowly() -> None:
        attempts.append(elapsed_s())
        if len(attempts) > 3:
            raise SystemError("it goes on and on")
        await asyncio.sleep(1)

    world.trouble["before"] = slowly
    await world.elector.keep(mandate)

    assert not mandate.is_valid


@virtual_time
async def test_one_renewal_that_hangs_is_not_the_last_that_is_tried() -> None:
    world = World()
    mandate = await world.won()
    keeping = asyncio.create_task(world.elector.keep(mandate))
    world.trouble = {"before": for_ever}
    await asyncio.sleep(4)
    world.trouble = {}

    await asyncio.sleep(60)

    assert mandate.is_valid
    keeping.cancel()


@virtual_time
async def test_time_counts_from_when_a_renewal_was_sent_not_from_when_its_answer_came() -> None:
    world = World()
    mandate = await world.won()
    world.trouble = {"after": lambda: asyncio.sleep(3)}
    keeping = asyncio.create_task(world.elector.keep(mandate))

    await asyncio.sleep(5.01)  # sent at 2 s, answered at 5 s

    assert mandate.left_s == pytest.approx(7.0, abs=0.05)
    keeping.cancel()


@virtual_time
async def test_a_renewal_whose_answer_was_lost_does_not_cost_the_lease() -> None:
    world = World()
    mandate = await world.won()
    keeping = asyncio.create_task(world.elector.keep(mandate))
    world.trouble = {"after": lost}
    await asyncio.sleep(2.5)
    world.trouble = {}

    await asyncio.sleep(1.6)
    assert mandate.left_s > 9.5, "it is renewed as soon as that is known"
    await asyncio.sleep(60)

    assert mandate.is_valid
    keeping.cancel()


@virtual_time
async def test_a_holder_whose_lease_was_stolen_stops_at_its_next_renewal() -> None:
    world = World()
    mandate = await world.won()
    keeping = asyncio.create_task(world.elector.keep(mandate))

    world.store.steal("thief")
    await asyncio.wait_for(keeping, 2.5)

    assert not mandate.is_valid
    assert world.lease.holder == "thief"


@virtual_time
async def test_a_holder_whose_lease_was_deleted_makes_it_anew_with_its_epoch() -> None:
    world = World(held=replace(HELD, holder=""))
    mandate = await world.won()
    keeping = asyncio.create_task(world.elector.keep(mandate))

    world.store.lease = None
    await asyncio.sleep(60)

    assert mandate.is_valid
    assert (world.lease.holder, world.lease.epoch) == ("me", 4)
    keeping.cancel()


@virtual_time
async def test_an_epoch_above_its_own_makes_the_holder_ask_at_once_whether_it_still_leads_and_rise_above_it() -> None:
    world = World()
    mandate = await world.won()
    keeping = asyncio.create_task(world.elector.keep(mandate))
    await asyncio.sleep(0.1)

    assert mandate.is_outranked(41)
    await asyncio.sleep(0.1)

    assert (world.lease.epoch, mandate.epoch, mandate.is_valid) == (42, 42, True)
    keeping.cancel()


@virtual_time
async def test_an_epoch_above_its_own_ends_the_mandate_of_one_that_was_deposed() -> None:
    world = World()
    mandate = await world.won()
    keeping = asyncio.create_task(world.elector.keep(mandate))
    await asyncio.sleep(0.1)
    world.store.steal("thief")

    mandate.is_outranked(2)
    await asyncio.wait_for(keeping, 0.1)

    assert not mandate.is_valid


@virtual_time
async def test_given_back_it_is_anybodys_at_once() -> None:
    world = World()
    mandate = await world.won()

    await world.elector.give_back(mandate)

    assert not mandate.is_valid
    assert (world.lease.holder, world.lease.epoch) == ("", 1)


@virtual_time
async def test_after_a_renewal_that_was_cut_off_it_is_given_back_all_the_same() -> None:
    world = World()
    mandate = await world.won()
    world.trouble = {"after": for_ever}
    keeping = asyncio.create_task(world.elector.keep(mandate))
    await asyncio.sleep(2.5)
    keeping.cancel()
    world.trouble = {}

    await world.elector.give_back(mandate)

    assert world.lease.holder == ""


@virtual_time
async def test_one_that_is_anothers_by_now_is_not_given_back() -> None:
    world = World()
    mandate = await world.won()
    world.store.steal("thief")

    await world.elector.give_back(mandate)

    assert world.lease.holder == "thief"


@virtual_time
async def test_one_that_does_not_come_to_an_answer_does_not_hold_up_the_end_for_long() -> None:
    world = World()
    mandate = await world.won()
    world.trouble = {"before": for_ever}

    await world.elector.give_back(mandate)

    assert elapsed_s() < 4


@virtual_time
async def test_an_api_server_that_is_away_is_waited_for() -> None:
    async def away() -> None:
        raise Unreached("refused")

    world = World()
    world.trouble = {"before": away}
    contending = asyncio.create_task(world.won())
    await asyncio.sleep(600)
    world.trouble = {}

    mandate = await asyncio.wait_for(contending, 3)

    assert mandate.is_valid


@virtual_time
async def test_it_is_said_since_when_nobody_else_can_have_led() -> None:
    world = World(held=HELD)

    won = await world.elector.win()

    assert won.vacant_since_s == pytest.approx(5015.0, abs=0.05)
