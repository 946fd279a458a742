"""Standing by and leading in turn: each mandate has an operator of its own, and none acts without one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from herder.controller.known.objects import Key
from herder.controller.leadership.elector import Won
from herder.controller.leadership.mandate import Mandate
from herder.controller.leadership.standby import Standby
from herder.controller.metrics.registry import Metrics
from herder.controller.operator import Operator
from herder.controller.options import Options
from herder.controller.reign import Reign, Stuck
from herder.net.address import AddressPolicy
from rig.promtool import samples_of
from unit.controller.fake_kube import NAMESPACE, FakeKube
from unit.engine.kit import elapsed_s, virtual_time

HOW = ("Began", "GivenBack", "Lost")
KEY = Key("WorkerRegistration", NAMESPACE, "a")


class Candidate:
    """Leads when it is told to, for as long as it is told to."""

    def __init__(self) -> None:
        self.chances: asyncio.Queue[Mandate] = asyncio.Queue()
        self.over = asyncio.Event()
        self.given_back: list[int] = []
        self.vacant_since_s = float("inf")

    def elect(self) -> Mandate:
        mandate = Mandate(len(self.given_back) + 1, 3600.0, elapsed_s)
        self.over.clear()
        self.chances.put_nowait(mandate)
        return mandate

    async def look(self) -> None:
        return

    async def win(self) -> Won:
        return Won(await self.chances.get(), self.vacant_since_s)

    async def keep(self, mandate: Mandate) -> None:
        await self.over.wait()

    async def give_back(self, mandate: Mandate) -> None:
        self.given_back.append(mandate.epoch)


class Realm:
    """A reign over an API server in memory."""

    def __init__(self) -> None:
        self.kube = FakeKube()
        self.kube.configuration.host = "http://api.test"
        self.standby = Standby(self.kube, ())
        self.candidate = Candidate()
        self.metrics = Metrics(elapsed_s)
        self.reign = Reign(
            options=Options(),
            policy=AddressPolicy(allow_loopback=True),
            api=lambda _permit: self.kube,
            installation="cluster",
            metrics=self.metrics,
            listeners=(),
            standby=self.standby,
            candidate=self.candidate,
        )

    def transitions(self) -> dict[str, float]:
        """How often this process has come to lead, or ceased to, by how."""
        samples = samples_of(self.metrics.text().decode())
        return {how: samples[f'herder_leader_transitions_total{{transition="{how}"}}'] for how in HOW}

    @property
    def leads(self) -> bool:
        return b"herder_leader 1.0" in self.metrics.text()


@asynccontextmanager
async def reigning() -> AsyncIterator[Realm]:
    realm = Realm()
    realm.kube.apply(KEY.kind, KEY.name, {})
    await realm.standby.prime()
    going_on = asyncio.create_task(realm.reign.go_on())
    await asyncio.sleep(1)
    try:
        yield realm
    finally:
        going_on.cancel()
        await asyncio.wait({going_on})


@virtual_time
async def test_nothing_acts_while_it_stands_by_but_everything_is_known() -> None:
    async with reigning() as realm:
        realm.standby.seen(realm.kube.apply(KEY.kind, "b", {}))
        realm.standby.gone(realm.kube.remove(KEY))
        calls = {call.method for call in realm.kube.calls}

        assert realm.standby.heir is None
        assert not realm.leads
        assert {key.name for key in realm.standby.objects} == {"b"}
        assert calls == {"GET"}


@virtual_time
async def test_elected_it_acts_on_what_is_known_under_the_mandate() -> None:
    async with reigning() as realm:
        realm.candidate.elect()
        await asyncio.sleep(5)

        assert realm.leads
        assert realm.kube.status(KEY)["epoch"] == 1


@virtual_time
async def test_what_changed_while_it_stood_by_and_was_not_told_is_read_before_it_acts() -> None:
    async with reigning() as realm:
        realm.kube.apply(KEY.kind, "b", {})  # nobody tells

        realm.candidate.elect()
        await asyncio.sleep(5)

        assert realm.kube.status(Key(KEY.kind, NAMESPACE, "b"))["epoch"] == 1


@virtual_time
async def test_where_nobody_has_led_since_everything_was_read_it_is_not_read_again() -> None:
    async with reigning() as realm:
        realm.candidate.vacant_since_s = float("-inf")
        realm.kube.calls.clear()

        realm.candidate.elect()
        await asyncio.sleep(5)

        assert realm.kube.status(KEY)["epoch"] == 1
        assert realm.kube.count("GET", "/workerregistrations") == 0


@virtual_time
async def test_a_mandate_that_is_over_takes_its_operator_with_it_and_the_next_has_another() -> None:
    async with reigning() as realm:
        realm.candidate.elect()
        await asyncio.sleep(5)
        first = realm.standby.heir

        realm.candidate.over.set()
        await asyncio.sleep(1)
        between = realm.standby.heir
        realm.candidate.elect()
        await asyncio.sleep(5)

        assert between is None
        assert realm.standby.heir not in {None, first}
        assert realm.candidate.given_back == [1]


@pytest.mark.parametrize(
    ("is_lost", "ended"),
    [pytest.param(False, "GivenBack", id="told to stop"), pytest.param(True, "Lost", id="its mandate is over")],
)
def test_that_it_came_to_lead_and_ceased_to_is_counted(is_lost: bool, ended: str) -> None:
    @virtual_time
    async def run() -> None:
        async with reigning() as realm:
            before = realm.transitions()
            mandate = realm.candidate.elect()
            await asyncio.sleep(5)
            begun = realm.transitions()
            if is_lost:
                mandate.end()
                realm.candidate.over.set()
                await asyncio.sleep(5)

        assert set(before.values()) == {0}
        assert begun == {**before, "Began": 1}
        assert realm.transitions() == {**begun, ended: 1}

    run()


@virtual_time
async def test_told_to_stop_it_gives_the_lease_back_when_nothing_acts_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[float] = []
    close = Operator.close

    async def slow(operator: Operator) -> None:
        await asyncio.sleep(2)
        await close(operator)
        closed.append(elapsed_s())

    monkeypatch.setattr(Operator, "close", slow)
    async with reigning() as realm:
        mandate = realm.candidate.elect()
        await asyncio.sleep(5)
        assert mandate.is_valid

    assert closed == [pytest.approx(8, abs=0.1)]
    assert realm.candidate.given_back == [1]


@virtual_time
async def test_told_to_stop_when_it_has_just_been_elected_it_gives_the_lease_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def slow_to_end(_standby: Standby) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(2)

    monkeypatch.setattr(Standby, "wait", slow_to_end)
    async with reigning() as realm:
        realm.candidate.elect()
        await asyncio.sleep(1)
        assert realm.standby.heir is None

    assert realm.candidate.given_back == [1]


@virtual_time
async def test_what_acts_and_ends_by_itself_ends_the_reign_with_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_operator: Operator) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Operator, "work", fail)
    realm = Realm()
    realm.candidate.elect()

    with pytest.raises(ZeroDivisionError):
        await realm.reign.go_on()

    assert realm.candidate.given_back == [1]


@virtual_time
async def test_what_does_not_stop_ends_the_reign(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_operator: Operator) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Operator, "close", hang)
    realm = Realm()
    realm.candidate.elect()
    realm.candidate.over.set()

    with pytest.raises(Stuck):
        await realm.reign.go_on()
