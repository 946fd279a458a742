"""worker-removal of what no list shows: registrations that are pending, or whose id was lost on the way."""

import asyncio

import pytest

from herder.api.status import EntryState
from herder.gateway.errors import Transient, Unavailable
from herder.gateway.spec import WorkerSpec
from herder.workflows.entry import LOST_ADD, Entry
from unit.engine.kit import elapsed_s, other_tasks, virtual_time
from unit.workflows.fakes import FakeReplica, FakeWorker
from unit.workflows.made import STRANGER, URL, plan
from unit.workflows.world import FAR_LATER_S, World, nothing_comes, reason, states

DRAINS = {"settleSeconds": 5}


@virtual_time
async def test_a_pending_registration_is_waited_for_and_then_removed() -> None:
    world = World(FakeWorker(URL, up_since_s=None))
    entries = (await world.register(plan(probe="Gateway"), budget_s=5)).data.entries
    removing = asyncio.create_task(world.remove(entries))
    await asyncio.sleep(5)
    assert not removing.done()

    world.worker.rise()
    ended = await removing

    assert ended.outcome.ok
    assert [replica.lost_deletes for replica in world.replicas] == [0, 0]
    await nothing_comes(world)


@virtual_time
async def test_a_pending_registration_that_ends_in_a_404_is_proof() -> None:
    world = World(FakeWorker(URL, up_since_s=None))
    entries = (await world.register(plan(probe="Gateway"), budget_s=5)).data.entries

    ended = await world.remove(entries)

    assert ended.outcome.ok
    assert 20 < elapsed_s() < 25
    await nothing_comes(world)


@virtual_time
async def test_a_registration_that_is_pending_for_longer_than_the_removal_may_take_fails_it() -> None:
    world = World(FakeWorker(URL, up_since_s=None))
    entries = (await world.register(plan(probe="Gateway"), budget_s=5)).data.entries

    ended = await world.remove(entries, timeout_s=8)

    assert reason(ended) == "confirm: WorkerPending"
    assert all(entry.worker_id for entry in ended.data.entries.values())


@virtual_time
async def test_a_run_cancelled_in_the_middle_leaves_nothing_that_a_removal_does_not_find() -> None:
    """Cancelled after every number of calls that a registration makes; the worker comes up afterwards."""
    for steps in range(40):
        world = World(FakeWorker(URL, up_since_s=None), has_b=False)
        data = world.registration(plan(probe="Gateway"))
        instance = await world.start(data)
        for _ in range(steps):
            await asyncio.sleep(0)
        await world.engine.cancel_workflow(instance)
        assert other_tasks() == set()

        removing = asyncio.create_task(world.remove(data.entries))
        await asyncio.sleep(1)
        world.worker.rise()
        ended = await removing

        assert ended.outcome.ok
        await nothing_comes(world)


@pytest.mark.parametrize("is_up", [True, False], ids=["comes up", "stays down"])
@pytest.mark.parametrize("record", [LOST_ADD, Entry(EntryState.UNREACHABLE)], ids=["lost", "lost, then away"])
@virtual_time
async def test_an_add_whose_id_was_lost_is_asked_for(record: Entry, is_up: bool) -> None:
    world = World(FakeWorker(URL, up_since_s=None))
    await world.a.add_worker(plan().worker_spec_declared)
    removing = asyncio.create_task(world.remove({world.a.endpoint: record}))
    await asyncio.sleep(3)
    assert not removing.done()

    if is_up:
        world.worker.rise()
    ended = await removing

    assert ended.outcome.ok
    assert world.a.count("pending_add") == 1
    await nothing_comes(world)


@pytest.mark.parametrize("fault", ["lost answer", "504"])
@virtual_time
async def test_an_add_whose_answer_did_not_come_is_removed_when_it_appears(fault: str) -> None:
    world = World(FakeWorker(URL, up_since_s=None), has_b=False)
    data = world.registration(plan(probe="Gateway"))
    world.a.loses["add_worker"] = 1
    if fault == "504":
        _garble(world.a)
    instance = await world.start(data)
    await asyncio.sleep(0.01)
    await world.engine.cancel_workflow(instance)
    removing = asyncio.create_task(world.remove(data.entries))
    await asyncio.sleep(1)

    world.worker.rise()

    assert (await removing).outcome.ok
    await nothing_comes(world)


def _garble(replica: FakeReplica) -> None:
    """A proxy in between turns the answer that is lost into a 504 of its own."""
    taken = replica.add_worker

    async def add_worker(spec: WorkerSpec) -> str:
        try:
            return await taken(spec)
        except Unavailable:
            raise Transient("the gateway answered 504: an HTML page") from None

    replica.add_worker = add_worker  # type: ignore[method-assign]  # this replica only


@virtual_time
async def test_an_add_that_is_pending_where_the_replica_was_away_is_not_forgotten() -> None:
    """Unreachable after its POST, back before the removal: in no list, and yet to come."""
    world = World(FakeWorker(URL, up_since_s=None))
    data = world.registration(plan(probe="Gateway"))
    instance = await world.start(data)
    await asyncio.sleep(1)
    world.a.away = world.b.away = True
    await asyncio.sleep(3)
    await world.engine.cancel_workflow(instance)
    assert states(data) == {"a": "Unreachable", "b": "Unreachable"}
    world.a.away = world.b.away = False

    removal = world.removal(data.entries)
    removing = asyncio.create_task(world.carry_out(removal))
    await asyncio.sleep(3)
    assert states(removal) == {"a": "Pending", "b": "Pending"}
    world.worker.rise()

    assert (await removing).outcome.ok
    await nothing_comes(world)


@virtual_time
async def test_an_add_is_not_overlooked_behind_another_spelling_that_others_have() -> None:
    world = World(FakeWorker(URL, up_since_s=None))
    world.a.enter(WorkerSpec(url=URL, labels=STRANGER.label), url=f"{URL}/")
    worker_id = await world.a.add_worker(plan().worker_spec_declared)

    removing = asyncio.create_task(world.remove({world.a.endpoint: Entry(EntryState.PENDING, worker_id)}))
    await asyncio.sleep(3)
    world.worker.rise()
    ended = await removing

    assert ended.outcome.ok
    await asyncio.sleep(FAR_LATER_S)
    assert [each.url for each in world.a.listed] == [f"{URL}/"]
