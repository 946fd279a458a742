"""The time to heal: from the reading that found a replica without what is declared until it has everything again."""

import asyncio

import pytest

from herder.controller.fleet.heals import Heals
from herder.controller.known.objects import Key
from herder.gateway.types import WorkerStatus
from herder.workflows.wasm.files import LocalFiles
from unit.controller.office import ENDPOINTS, GATEWAY, Office, at_work, working
from unit.controller.test_wasm import declare
from unit.engine.kit import virtual_time
from unit.workflows.wasm.fakes import FakeFiles

A, B = (Key("WorkerRegistration", "ns", name) for name in "ab")
HERE, THERE = "http://here", "http://there"


class Ward:
    """Replicas that are healed, and a clock."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.healed: list[float] = []
        self.heals = Heals(lambda _gateway, took_s: self.healed.append(took_s), lambda: self.now_s)

    def found(self, *missing: Key, at: str = HERE, since_s: float = 100.0) -> None:
        self.heals.found(GATEWAY, at, missing, since_s)

    def settled(self, member: Key, *where: str) -> None:
        self.heals.settled(GATEWAY, member, where)


def test_a_replica_is_healed_when_the_last_that_was_missing_is_there() -> None:
    ward = Ward()
    ward.found(A, B)
    ward.settled(A, HERE)
    ward.now_s = 103.0
    ward.settled(B, THERE)
    before = list(ward.healed)

    ward.settled(B, HERE, THERE)

    assert (before, ward.healed) == ([], [3.0])


def test_it_counts_from_the_first_reading_that_found_something_missing() -> None:
    ward = Ward()
    ward.found(A)
    ward.found(A, B, since_s=110.0)
    ward.now_s = 120.0
    ward.settled(A, HERE)

    ward.settled(B, HERE)

    assert ward.healed == [20.0]


def test_what_a_reading_showed_counts_from_that_reading_on_however_late_it_is_looked_at() -> None:
    ward = Ward()
    ward.found(A, B)
    ward.heals.listed(GATEWAY, HERE, {A, B}, 103.0)
    ward.heals.listed(GATEWAY, HERE, {A}, 104.0)
    ward.now_s = 109.0
    ward.settled(A, HERE)

    ward.settled(B, HERE)

    assert ward.healed == [3.0]


def test_what_was_lost_again_counts_from_when_it_was_back_for_good() -> None:
    ward = Ward()
    ward.found(A)
    ward.heals.listed(GATEWAY, HERE, {A}, 103.0)
    ward.found(A, since_s=104.0)
    ward.heals.listed(GATEWAY, HERE, {A}, 106.0)

    ward.settled(A, HERE)

    assert ward.healed == [6.0]


def test_each_replica_counts_by_itself() -> None:
    ward = Ward()
    ward.found(A)
    ward.found(A, at=THERE)
    ward.now_s = 101.0
    ward.settled(A, HERE)
    ward.now_s = 105.0

    ward.settled(A, HERE, THERE)

    assert ward.healed == [1.0, 5.0]


def test_what_is_not_waited_for_any_more_keeps_no_replica_from_being_healed() -> None:
    ward = Ward()
    ward.found(A, B)
    ward.settled(A, HERE)

    ward.heals.settled(GATEWAY, B, None)

    assert ward.healed == [0.0]


@pytest.mark.parametrize("but", [(), (THERE,)], ids=["with its gateway", "by itself"])
def test_a_replica_that_is_gone_is_never_healed(but: tuple[str, ...]) -> None:
    ward = Ward()
    ward.found(A)
    ward.heals.drop(GATEWAY, but)

    ward.settled(A, HERE)

    assert ward.healed == []


def count(office: Office, what: str = "count") -> float:
    """How many heals Prometheus is told of, or the `sum` of their seconds."""
    lines = office.operator.metrics.text().decode().splitlines()
    found = [line for line in lines if line.startswith(f"herder_replica_heal_seconds_{what}{{")]
    return sum(float(line.rpartition(" ")[2]) for line in found)


@at_work
async def test_a_replica_that_restarted_is_healed_once_all_is_registered_again(office: Office) -> None:
    keys = [office.worker(f"w{number}") for number in range(5)]
    for key in keys:
        await office.registered(key)
    await asyncio.sleep(30)
    before = count(office)

    office.a.restart()
    await office.until(lambda: count(office) > before)

    assert (before, count(office)) == (0, 1)
    assert count(office, "sum") > 0.04  # they are in no list before they are looked for
    assert len(office.listed()) == 5


@at_work
async def test_a_replica_that_joins_is_healed_too(office: Office) -> None:
    office.gateway(ENDPOINTS[1])
    key = office.worker()
    await office.registered(key)

    office.gateway()

    await office.until(lambda: count(office) == 1)
    assert office.listed() == ["http://a:8000"]


@at_work
async def test_a_first_registration_a_change_of_state_and_a_short_silence_are_no_illness(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    [entry] = office.a.listed
    office.a.alter(entry.id, status=WorkerStatus.NOT_READY)
    await asyncio.sleep(30)
    office.a.alter(entry.id, status=WorkerStatus.READY)
    office.a.away = True
    await asyncio.sleep(40)
    office.a.come_back()
    await asyncio.sleep(40)

    assert count(office) == 0


@at_work
async def test_a_worker_that_is_down_does_not_keep_its_replica_ill_for_ever(office: Office) -> None:
    well, sick = office.worker("well"), office.worker("sick", startup={"timeoutSeconds": 10})
    await office.registered(well)
    await office.registered(sick)
    await asyncio.sleep(30)
    office.workers["http://sick:8000"].up_since_s = None

    office.a.restart()

    await office.until(lambda: count(office) == 1)
    assert office.condition(sick)["status"] == "False"


@virtual_time
async def test_a_replica_is_not_healed_before_its_modules_are_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(LocalFiles, "read", FakeFiles().read)
    async with working() as office:
        module = declare(office)
        await office.registered(module)
        await asyncio.sleep(30)
        before = count(office)
        office.a.away = office.a.wasm.away = True
        await office.until(office.says(GATEWAY, "GatewayUnreachable"))
        office.a.wasm.listed.clear()
        office.a.come_back()
        office.a.wasm.away = False

        await office.until(lambda: count(office) == 1)

        assert before == 0
        assert len(office.a.wasm.listed) == 1


@pytest.mark.parametrize("delay_s", [0.0, 0.1, 1.0])
@at_work
async def test_what_is_lost_before_any_list_has_shown_it_is_a_heal_too(office: Office, delay_s: float) -> None:
    for name in "ab":
        await office.registered(office.worker(name))
    await asyncio.sleep(delay_s)
    before = count(office)

    office.a.restart()
    await asyncio.sleep(60)

    assert count(office) > before
