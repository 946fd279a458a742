"""wasm-removal: proof that no module of the resource is left, or will come, on any replica."""

import asyncio

import pytest

from herder.api.status import EntryState
from herder.gateway.errors import Gone, Transient, WasmDisabled
from herder.workflows.entry import Entry
from herder.workflows.wasm.advance import delete
from unit.engine.kit import elapsed_s, virtual_time
from unit.workflows.wasm.fakes import ONE, OTHER_PATH, REBORN, STRANGER, TWO, World, module, plan, states

SENT = Entry(EntryState.PENDING, spec_hash="hash")


@virtual_time
async def test_a_registered_module_is_gone_from_both_replicas() -> None:
    world = World()
    entries = (await world.register(plan(content=ONE))).data.entries

    ended = await world.remove(entries)

    assert ended.outcome.ok
    assert set(ended.steps.values()) == {"Succeeded"}
    assert states(ended.data) == {"a": "Absent", "b": "Absent"}
    assert (world.a.listed, world.b.listed) == ([], [])
    assert [(entry.worker_id, entry.spec_hash) for entry in ended.data.entries.values()] == [(None, None)] * 2


@virtual_time
async def test_whatever_the_resource_has_declared_goes_also_what_no_record_tells_of() -> None:
    world = World()
    world.a.enter(plan(content=ONE).name)
    world.a.enter(plan(path=OTHER_PATH).name, TWO)
    world.a.enter(plan(REBORN, content=ONE).name)

    ended = await world.remove({})

    assert ended.outcome.ok
    assert world.a.listed == []


@virtual_time
async def test_what_others_have_stays() -> None:
    world = World()
    theirs = [world.a.enter("by-hand"), world.a.enter(plan(STRANGER).name, TWO)]

    ended = await world.remove({world.a.endpoint: Entry(EntryState.FOREIGN, theirs[0].id)})

    assert ended.outcome.ok
    assert world.a.listed == theirs
    assert ended.steps["remove"] == "Skipped"
    assert world.a.count("delete") == 0


@virtual_time
async def test_an_addition_that_was_cut_off_is_waited_for_and_removed() -> None:
    world = World()
    world.a.loses_adds, world.a.lands_in_s = 1, 3.0
    with pytest.raises(Exception, match="without an answer"):
        await world.a.add_module(plan(content=ONE).module_spec)

    ended = await world.remove({world.a.endpoint: SENT})
    await asyncio.sleep(60)

    assert ended.outcome.ok
    assert world.a.listed == []
    assert world.a.count("delete") == 1


@virtual_time
async def test_one_that_never_lands_is_not_waited_for_long() -> None:
    world = World()

    ended = await world.remove({world.a.endpoint: SENT, world.b.endpoint: SENT})

    assert ended.outcome.ok
    assert 5 <= elapsed_s() < 7


@virtual_time
async def test_a_replica_without_modules_has_none() -> None:
    world = World()
    for call in ("list", "delete"):
        world.b.fails[call] = [WasmDisabled("the gateway keeps no modules")] * 9
    world.a.enter(plan(content=ONE).name)

    ended = await world.remove({world.b.endpoint: Entry(EntryState.READY, "id", "hash")})

    assert ended.outcome.ok
    assert states(ended.data) == {"a": "Absent", "b": "Absent"}


@virtual_time
async def test_a_replica_that_is_away_is_waited_for_and_the_other_is_rid_of_the_module_at_once() -> None:
    world = World()
    entries = (await world.register(plan(content=ONE))).data.entries
    world.b.away = True

    async def come_back() -> None:
        await asyncio.sleep(20)
        assert world.a.listed == []
        world.b.away = False

    ended, _ = await asyncio.gather(world.remove(entries), come_back())

    assert ended.outcome.ok
    assert world.b.listed == []


@virtual_time
async def test_a_replica_that_stays_away_fails_the_removal_in_its_time_and_keeps_its_record() -> None:
    world = World()
    entries = (await world.register(plan(content=ONE))).data.entries
    world.b.away = True
    began_s = elapsed_s()

    ended = await world.remove(entries, timeout_s=30)

    assert ended.reason == "confirm: GatewayUnreachable"
    assert 25 < elapsed_s() - began_s < 35
    assert ended.data.entries[world.b.endpoint].worker_id == world.b.listed[0].id


@virtual_time
async def test_one_that_hangs_does_not_hold_up_the_other() -> None:
    world = World()
    entries = (await world.register(plan(content=ONE))).data.entries
    world.b.hangs = True
    run = asyncio.create_task(world.remove(entries))

    await asyncio.sleep(2.5)

    assert world.a.listed == []
    world.b.hangs = False
    assert (await run).outcome.ok


@virtual_time
async def test_what_comes_back_while_it_is_removed_is_removed_as_well() -> None:
    world = World()
    entries = (await world.register(plan(content=ONE))).data.entries
    world.a.comes_back = 2

    ended = await world.remove(entries)

    assert ended.outcome.ok
    assert world.a.listed == []


@virtual_time
async def test_of_several_modules_one_that_is_gone_already_does_not_keep_the_others() -> None:
    world = World()
    first, second = world.a.enter(plan(content=ONE).name), world.a.enter(plan(content=TWO).name, TWO)

    await delete(world.replicas[0], (module("gone", number=99), first, second))

    assert world.a.listed == []


@virtual_time
async def test_a_deletion_that_fails_is_repeated_and_one_that_is_gone_already_is_none() -> None:
    world = World()
    entries = (await world.register(plan(content=ONE))).data.entries
    world.a.fails["delete"] = [Transient("the gateway answered 503")]
    world.b.fails["delete"] = [Gone("the gateway knows no such module")]

    ended = await world.remove(entries)

    assert ended.outcome.ok
    assert (world.a.listed, world.b.listed) == ([], [])
