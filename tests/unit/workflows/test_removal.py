"""worker-removal: proof that nothing of the worker is left, or will come, on every replica."""

import asyncio

import pytest

from herder.api.status import EntryState
from herder.gateway.errors import Permanent
from herder.gateway.spec import WorkerSpec
from herder.gateway.types import WorkerStatus
from herder.workflows.entry import Entry
from unit.engine.kit import elapsed_s, virtual_time
from unit.workflows.fakes import FakeWorker
from unit.workflows.made import STRANGER, URL, plan
from unit.workflows.world import World, nothing_comes, reason, states, until

DRAINS = {"settleSeconds": 5}


@virtual_time
async def test_a_registered_worker_is_drained_once_and_gone_from_both() -> None:
    world = World()
    entries = (await world.register(plan(drain=DRAINS))).data.entries
    began_s = elapsed_s()

    ended = await world.remove(entries)

    assert ended.outcome.ok
    assert set(ended.steps.values()) == {"Succeeded"}
    assert 5 <= elapsed_s() - began_s < 7
    assert states(ended.data) == {"a": "Absent", "b": "Absent"}
    assert [(entry.worker_id, entry.spec_hash) for entry in ended.data.entries.values()] == [(None, None)] * 2
    assert [replica.count("delete_worker") for replica in world.replicas] == [1, 1]
    await nothing_comes(world)


@virtual_time
async def test_what_a_status_forgot_is_found_by_its_owner() -> None:
    world = World()
    await world.register(plan())

    ended = await world.remove({})

    assert ended.outcome.ok
    await nothing_comes(world)


@virtual_time
async def test_a_worker_that_was_never_posted_is_removed_without_a_call_that_changes_anything() -> None:
    world = World(FakeWorker(URL, up_since_s=None))

    ended = await world.remove({})

    assert ended.outcome.ok
    assert (ended.steps["drain"], ended.steps["remove"]) == ("Skipped", "Skipped")
    assert {call for replica in world.replicas for call in replica.calls} == {"find_all"}


@virtual_time
async def test_what_others_have_registered_stays() -> None:
    world = World()
    world.a.enter(WorkerSpec(url=URL, labels=STRANGER.label))

    ended = await world.remove({world.a.endpoint: Entry(EntryState.FOREIGN)})

    assert ended.outcome.ok
    assert len(world.a.listed) == 1
    assert world.a.count("delete_worker") == 0


@virtual_time
async def test_a_second_delete_is_never_sent_also_by_a_run_that_begins_anew() -> None:
    world = World()
    entries = (await world.register(plan(drain=DRAINS))).data.entries
    first = asyncio.create_task(world.remove(entries))
    await asyncio.sleep(2)

    ended = await world.remove(entries)
    await first

    assert ended.outcome.ok
    assert [(replica.count("delete_worker"), replica.cut_drains) for replica in world.replicas] == [(1, 0), (1, 0)]


@virtual_time
async def test_a_delete_whose_answer_was_lost_is_not_sent_again() -> None:
    world = World()
    entries = (await world.register(plan(drain=DRAINS))).data.entries
    world.a.loses["delete_worker"] = 1

    ended = await world.remove(entries)

    assert ended.outcome.ok
    assert (world.a.count("delete_worker"), world.a.cut_drains) == (1, 0)


@virtual_time
async def test_a_recorded_id_of_another_worker_proves_nothing_and_is_left_alone() -> None:
    """Anybody may edit a status."""
    world = World()
    others = world.a.enter(WorkerSpec(url="http://10.0.0.8:8000", labels=STRANGER.label))

    ended = await world.remove({world.a.endpoint: Entry(EntryState.READY, others)})

    assert ended.outcome.ok
    assert [each.id for each in world.a.listed] == [others]


@virtual_time
async def test_a_replica_that_is_away_is_insisted_on_and_the_other_is_drained_meanwhile() -> None:
    world = World()
    entries = (await world.register(plan(drain=DRAINS))).data.entries
    world.a.away = True
    removing = asyncio.create_task(world.remove(entries))
    await asyncio.sleep(20)
    assert not removing.done()
    assert world.b.listed == []

    world.a.away = False
    ended = await removing

    assert ended.outcome.ok
    await nothing_comes(world)


@pytest.mark.parametrize("trouble", ["away", "hangs"])
@virtual_time
async def test_with_no_replica_in_reach_the_removal_waits_for_its_time(trouble: str) -> None:
    world = World()
    entries = (await world.register(plan())).data.entries
    for replica in world.replicas:
        setattr(replica, trouble, True)
    began_s = elapsed_s()

    ended = await world.remove(entries, timeout_s=30)

    assert reason(ended) == "confirm: GatewayUnreachable"
    assert states(ended.data) == {"a": "Unreachable", "b": "Unreachable"}
    assert elapsed_s() - began_s > 29


@virtual_time
async def test_a_replica_that_hangs_holds_up_the_draining_of_the_other_for_seconds_only() -> None:
    world = World()
    entries = (await world.register(plan(drain=DRAINS))).data.entries
    world.a.hangs = True
    began_s = elapsed_s()

    removing = asyncio.create_task(world.remove(entries))
    await until(lambda: not world.b.listed)

    assert elapsed_s() - began_s < 5 + 5
    world.a.hangs = False
    assert (await removing).outcome.ok


@virtual_time
async def test_a_replica_that_restarted_has_nothing_to_remove() -> None:
    world = World()
    entries = (await world.register(plan())).data.entries
    world.a.restart()

    ended = await world.remove(entries)

    assert ended.outcome.ok
    assert world.a.count("delete_worker") == 0


@virtual_time
async def test_all_ranks_of_a_data_parallel_worker_go_together() -> None:
    world = World(FakeWorker(URL, dp_size=4))
    entries = (await world.register(plan(drain=DRAINS))).data.entries
    began_s = elapsed_s()

    ended = await world.remove(entries)

    assert ended.outcome.ok
    assert elapsed_s() - began_s < 7
    assert [replica.count("delete_worker") for replica in world.replicas] == [4, 4]


@virtual_time
async def test_a_key_that_is_refused_ends_the_run_at_once() -> None:
    world = World()
    entries = (await world.register(plan())).data.entries
    world.a.fails["find_all"] = [Permanent("the gateway answered 401") for _ in range(10)]

    ended = await world.remove(entries)

    assert reason(ended) == "confirm: GatewayRefused"
    assert elapsed_s() < 10
    assert world.b.listed == []


@virtual_time
async def test_a_worker_with_no_time_to_drain_is_still_looked_at() -> None:
    world = World()
    entries = (await world.register(plan(drain={"settleSeconds": 0, "timeoutSeconds": 0}))).data.entries

    ended = await world.remove(entries, timeout_s=0)

    assert ended.outcome.ok


@virtual_time
async def test_what_came_back_after_the_drain_is_removed_by_the_last_step() -> None:
    world = World()
    entries = (await world.register(plan(drain=DRAINS))).data.entries
    removing = asyncio.create_task(world.remove(entries))
    await asyncio.sleep(2)
    world.a.restart()
    world.a.enter(plan().worker_spec_declared)

    ended = await removing

    assert ended.outcome.ok
    await nothing_comes(world)


@virtual_time
async def test_a_worker_in_a_state_of_a_newer_gateways_is_drained_like_any() -> None:
    world = World()
    entries = (await world.register(plan())).data.entries
    for replica in world.replicas:
        replica.alter(replica.listed[0].id, status=WorkerStatus.UNKNOWN)

    ended = await world.remove(entries)

    assert ended.outcome.ok
    assert ended.steps["drain"] == "Succeeded"
    await nothing_comes(world)
