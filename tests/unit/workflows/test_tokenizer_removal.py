"""tokenizer-removal: proof that every replica has unloaded it, and that nothing comes of what is still being loaded."""

import asyncio

import pytest

from herder.api.status import EntryState
from herder.gateway.errors import Gone, Permanent
from herder.workflows.entry import LOST_ADD, Entry
from herder.workflows.tokenizer import unsure
from unit.engine.kit import elapsed_s, virtual_time
from unit.workflows.tokenizer_world import OTHER, SOURCE, World, plan, states
from unit.workflows.world import AtStep, reason, until


@virtual_time
async def test_it_is_unloaded_by_every_replica_once() -> None:
    world = World()
    entries = (await world.register(plan())).data.entries

    ended = await world.remove(entries)

    assert ended.outcome.ok
    assert ended.steps == {"find": "Succeeded", "unload": "Succeeded", "confirm": "Succeeded"}
    assert world.loaded == [None] * 3
    assert world.counts == [(1, 1)] * 3
    assert states(ended.data) == ["Absent"] * 3
    assert [entry.worker_id for entry in ended.data.entries.values()] == [None] * 3


@virtual_time
async def test_it_is_unloaded_everywhere_before_anything_is_waited_for() -> None:
    world = World()
    entries = (await world.register(plan())).data.entries
    seen: list[list[str | None]] = []
    world.engine.event_bus.subscribe(AtStep("confirm", lambda: seen.append(world.loaded)))

    await world.remove(entries)

    assert seen == [[None] * 3]


@virtual_time
async def test_where_every_replica_has_forgotten_it_there_is_nothing_to_unload() -> None:
    world = World()
    entries = (await world.register(plan())).data.entries
    for replica in world.replicas:
        replica.restart()

    ended = await world.remove(entries)

    assert ended.outcome.ok
    assert ended.steps["unload"] == "Skipped"


@virtual_time
async def test_a_delete_that_finds_nothing_is_no_proof_and_looked_after() -> None:
    world = World()
    entries = (await world.register(plan())).data.entries
    world.replicas[0].fails["delete_tokenizer"] = [Gone("the gateway answered 404")]

    ended = await world.remove(entries)

    assert ended.outcome.ok
    assert world.loaded == [None] * 3


@virtual_time
async def test_what_was_never_loaded_is_removed_without_a_call_that_changes_anything() -> None:
    world = World()

    ended = await world.remove({})

    assert ended.outcome.ok
    assert ended.steps["unload"] == "Skipped"
    assert {call for replica in world.replicas for call in replica.calls} == {"find"}
    assert elapsed_s() < 1


@virtual_time
async def test_what_others_loaded_under_the_name_stays() -> None:
    world, declared = World(), plan()
    world.replicas[0].enter()
    entries = (await world.register(declared)).data.entries

    ended = await world.remove(entries)

    assert ended.outcome.ok
    assert world.loaded == [SOURCE, None, None]
    assert world.counts[0] == (0, 0)


@virtual_time
async def test_what_others_loaded_after_ours_was_lost_stays() -> None:
    world = World()
    entries = (await world.register(plan())).data.entries
    world.replicas[0].restart()
    world.replicas[0].enter()

    ended = await world.remove(entries)

    assert ended.outcome.ok
    assert world.loaded == [SOURCE, None, None]


@virtual_time
async def test_what_is_still_being_loaded_is_waited_for_and_then_unloaded() -> None:
    """A DELETE of it would be answered with 404, and it would appear all the same."""
    world = World()
    for replica in world.replicas:
        replica.takes_s = 30.0
    data = world.registration(plan())
    instance = await world.start(data)
    await until(lambda: len(data.entries) == 3 and all(entry.worker_id for entry in data.entries.values()))
    await world.engine.cancel_workflow(instance)

    ended = await world.remove(data.entries)

    assert ended.outcome.ok
    assert elapsed_s() > 30
    await asyncio.sleep(1000)
    assert world.loaded == [None] * 3


@virtual_time
async def test_a_loading_that_has_failed_is_nothing_to_wait_for() -> None:
    world = World()
    for replica in world.replicas:
        replica.sources.clear()
    failed = await world.register(plan(), budget_s=5)
    began_s = elapsed_s()

    ended = await world.remove(failed.data.entries)

    assert ended.outcome.ok
    assert elapsed_s() - began_s < 1
    assert [unloaded for _, unloaded in world.counts] == [0, 0, 0]


@pytest.mark.parametrize("takes_s", [0.05, 4.0])
@virtual_time
async def test_a_loading_whose_id_was_lost_is_watched_for_and_unloaded(takes_s: float) -> None:
    world = World()
    for replica in world.replicas:
        replica.takes_s = takes_s
        await replica.add_tokenizer("org/model", SOURCE)

    ended = await world.remove(dict.fromkeys((replica.endpoint for replica in world.replicas), LOST_ADD))

    assert ended.outcome.ok
    await asyncio.sleep(1000)
    assert world.loaded == [None] * 3


@virtual_time
async def test_what_a_killed_replacement_loaded_is_unloaded_though_no_record_names_it() -> None:
    world = World()
    entries = (await world.register(plan())).data.entries
    await world.replicas[0].delete_tokenizer(world.replicas[0].listed[0].id)
    world.replicas[0].enter(OTHER)

    ended = await world.remove({e: unsure(entry) for e, entry in entries.items()}, source=OTHER)

    assert ended.outcome.ok
    assert world.loaded == [None] * 3


@virtual_time
async def test_where_nothing_comes_of_a_lost_loading_the_removal_ends_soon() -> None:
    world = World()

    ended = await world.remove(dict.fromkeys((replica.endpoint for replica in world.replicas), LOST_ADD), timeout_s=0)

    assert ended.outcome.ok
    assert 10 <= elapsed_s() < 15


@virtual_time
async def test_anothers_from_another_source_is_not_taken_for_a_lost_one() -> None:
    world = World()
    world.replicas[0].enter(OTHER)

    ended = await world.remove({world.replicas[0].endpoint: LOST_ADD})

    assert ended.outcome.ok
    assert world.loaded[0] == OTHER


@virtual_time
async def test_a_delete_whose_answer_was_lost_is_found_to_be_done() -> None:
    world = World()
    entries = (await world.register(plan())).data.entries
    world.replicas[0].loses["delete_tokenizer"] = 1

    ended = await world.remove(entries)

    assert ended.outcome.ok
    assert world.counts == [(1, 1)] * 3


@virtual_time
async def test_a_replica_that_is_away_is_insisted_on_and_the_others_are_done_meanwhile() -> None:
    world = World()
    entries = (await world.register(plan())).data.entries
    world.replicas[0].away = True
    removing = asyncio.create_task(world.remove(entries))
    await asyncio.sleep(20)
    assert not removing.done()
    assert world.loaded == [SOURCE, None, None]

    world.replicas[0].away = False
    ended = await removing

    assert ended.outcome.ok
    assert world.loaded == [None] * 3


@virtual_time
async def test_with_no_replica_in_reach_the_removal_waits_for_its_time() -> None:
    world = World()
    entries = (await world.register(plan())).data.entries
    for replica in world.replicas:
        replica.away = True
    began_s = elapsed_s()

    ended = await world.remove(entries, timeout_s=30)

    assert reason(ended) == "confirm: GatewayUnreachable"
    assert 29 < elapsed_s() - began_s < 40
    assert states(ended.data) == ["Unreachable"] * 3


@virtual_time
async def test_a_key_that_is_refused_ends_the_run_at_once() -> None:
    world = World()
    entries = (await world.register(plan())).data.entries
    world.replicas[0].fails["find"] = [Permanent("the gateway answered 401") for _ in range(10)]

    ended = await world.remove(entries)

    assert reason(ended) == "confirm: GatewayRefused"
    assert world.loaded == [SOURCE, None, None]


@virtual_time
async def test_an_edited_record_does_not_unload_anothers() -> None:
    world = World()
    bystander = world.replicas[0].enter(name="bystander")

    ended = await world.remove({"http://gw-a": Entry(EntryState.READY, bystander, plan().spec_hash)})

    assert ended.outcome.ok
    assert [each.id for each in world.replicas[0].listed] == [bystander]
