"""What follows from a changed source or chat template: the gateway can only unload the one and load the other."""

import pytest

from herder.gateway.errors import Permanent
from herder.workflows.tokenizer import shown, unsure
from unit.engine.kit import virtual_time
from unit.workflows.tokenizer_world import OTHER, SOURCE, TEMPLATE, World, held, plan, states
from unit.workflows.world import reason

BACK = "What was loaded before was put back"


@virtual_time
async def test_another_source_is_loaded_in_place_of_the_former_on_one_replica_after_the_other() -> None:
    world = World()
    entries = (await world.register(plan())).data.entries

    ended = await world.register(plan(source=OTHER), entries, held=held())

    assert ended.outcome.ok
    assert ended.steps["replace"] == "Succeeded"
    assert world.loaded == [OTHER] * 3
    assert world.counts == [(2, 1)] * 3
    moments = [moment for replica in world.replicas for moment, _ in replica.changes[-2:]]
    assert moments == sorted(moments)
    assert shown(ended.data).source == OTHER


@virtual_time
async def test_a_replica_is_without_a_tokenizer_only_for_as_long_as_the_loading_takes() -> None:
    world = World()
    for replica in world.replicas:
        replica.takes_s = 20.0
    entries = (await world.register(plan())).data.entries

    await world.register(plan(source=OTHER), entries, held=held())

    for replica in world.replicas:
        unloaded, loaded = (moment for moment, _ in replica.changes[-2:])
        assert loaded - unloaded < 20.0 + 0.51  # the registry of the fake moves when it is looked at


@virtual_time
async def test_replicas_that_are_done_are_not_asked_again_for_each_of_the_others() -> None:
    world = World()
    entries = (await world.register(plan())).data.entries
    world.replicas[2].takes_s = 60.0

    await world.register(plan(source=OTHER), entries, held=held())

    assert world.replicas[2].count("find") > 60
    assert world.replicas[0].count("find") < 20


@virtual_time
async def test_the_run_ends_when_each_replica_has_been_given_back_what_it_had() -> None:
    world = World()
    entries = (await world.register(plan())).data.entries
    for replica in world.replicas[1:]:
        replica.restart()
    world.replicas[2].takes_s = 3.0

    ended = await world.register(plan(source="/models/none"), entries, held=held())

    assert reason(ended) == "await_loaded: LoadFailed"
    assert states(ended.data) == ["Ready"] * 3
    assert world.loaded == [SOURCE] * 3


@virtual_time
async def test_another_template_is_a_replacement_though_no_list_shows_it() -> None:
    world = World()
    entries = (await world.register(plan())).data.entries

    ended = await world.register(plan(chatTemplatePath=TEMPLATE), entries, held=held())

    assert ended.outcome.ok
    assert [replica.posted[-1] for replica in world.replicas] == [(SOURCE, TEMPLATE)] * 3


@virtual_time
async def test_what_can_not_be_loaded_is_tried_on_one_replica_only_and_the_former_put_back() -> None:
    world = World()
    entries = (await world.register(plan(chatTemplatePath=TEMPLATE))).data.entries
    former = held(SOURCE, TEMPLATE)

    ended = await world.register(plan(source="/models/none"), entries, held=former)

    assert reason(ended) == "replace: LoadFailed"
    message = ended.data.problems["replace"].message
    assert message == f"http://gw-a can't load /models/none: no such file: /models/none. {BACK}"
    assert world.loaded == [SOURCE] * 3
    assert world.replicas[0].posted == [(SOURCE, TEMPLATE), ("/models/none", None), (SOURCE, TEMPLATE)]
    assert world.counts[1:] == [(1, 0), (1, 0)]
    assert shown(ended.data) == former


@virtual_time
async def test_what_was_put_back_is_still_ours_and_is_replaced_once_the_source_is_mended() -> None:
    world = World()
    entries = (await world.register(plan())).data.entries
    failed = await world.register(plan(source="/models/late"), entries, held=held())
    for replica in world.replicas:
        replica.sources.add("/models/late")

    ended = await world.register(plan(source="/models/late"), failed.data.entries, held=shown(failed.data))

    assert ended.outcome.ok
    assert world.loaded == ["/models/late"] * 3


@virtual_time
async def test_what_was_put_back_is_as_declared_when_the_declaration_goes_back_too() -> None:
    world = World()
    entries = (await world.register(plan())).data.entries
    failed = await world.register(plan(source="/models/none"), entries, held=held())
    counts = world.counts

    ended = await world.register(plan(), failed.data.entries, held=shown(failed.data))

    assert ended.outcome.ok
    assert world.counts == counts


@virtual_time
async def test_a_former_one_that_can_not_be_loaded_any_more_either_is_said_to_be_lost() -> None:
    world = World()
    entries = (await world.register(plan())).data.entries
    for replica in world.replicas:
        replica.sources.clear()

    ended = await world.register(plan(source=OTHER), entries, held=held())

    assert reason(ended) == "replace: LoadFailed"
    assert "What was loaded before can't be loaded any more either" in ended.data.problems["replace"].message
    assert world.loaded == [None, SOURCE, SOURCE]


@virtual_time
async def test_a_replica_that_lacks_it_gets_it_first_and_a_failure_there_spares_the_others() -> None:
    world = World()
    entries = (await world.register(plan())).data.entries
    world.replicas[2].restart()

    ended = await world.register(plan(source="/models/none"), entries, held=held())

    assert reason(ended) == "await_loaded: LoadFailed"
    assert BACK in ended.data.problems["await_loaded"].message
    assert world.loaded == [SOURCE] * 3
    assert world.counts[:2] == [(1, 0), (1, 0)]


@virtual_time
async def test_a_replacement_that_fails_on_the_second_replica_leaves_the_first_with_the_new_one() -> None:
    world = World()
    entries = (await world.register(plan())).data.entries
    world.replicas[1].sources.remove(OTHER)

    ended = await world.register(plan(source=OTHER), entries, held=held())

    assert reason(ended) == "replace: LoadFailed"
    assert world.loaded == [OTHER, SOURCE, SOURCE]
    assert shown(ended.data) == held()


@virtual_time
async def test_a_run_that_ended_between_unloading_and_loading_is_carried_on() -> None:
    world, changed = World(), plan(source=OTHER)
    entries = (await world.register(plan())).data.entries
    first = world.replicas[0]
    first.fails["add_tokenizer"] = [Permanent("the gateway answered 401")]
    stopped = await world.register(changed, entries, held=held())
    assert world.loaded == [None, SOURCE, SOURCE]

    ended = await world.register(changed, stopped.data.entries, held=shown(stopped.data))

    assert ended.outcome.ok
    assert world.loaded == [OTHER] * 3


@pytest.mark.parametrize("moment", ["before", "unloaded", "loaded"])
@virtual_time
async def test_a_process_killed_while_it_replaced_leaves_records_that_are_a_second_old(moment: str) -> None:
    world, changed = World(), plan(source=OTHER)
    entries = (await world.register(plan())).data.entries
    if moment != "before":
        await world.replicas[0].delete_tokenizer(world.replicas[0].listed[0].id)
    if moment == "loaded":
        world.replicas[0].enter(OTHER)

    ended = await world.register(changed, {e: unsure(entry) for e, entry in entries.items()}, held=held())

    assert ended.outcome.ok
    assert world.loaded == [OTHER] * 3
    assert world.counts[1:] == [(2, 1)] * 2


@virtual_time
async def test_a_replica_that_is_away_is_left_out_of_the_replacement() -> None:
    world = World()
    entries = (await world.register(plan())).data.entries
    world.replicas[1].away = True

    ended = await world.register(plan(source=OTHER), entries, held=held())

    assert ended.outcome.ok
    assert states(ended.data) == ["Ready", "Unreachable", "Ready"]
    assert [world.replicas[0].loaded, world.replicas[2].loaded] == [OTHER, OTHER]


@virtual_time
async def test_with_nothing_to_put_back_what_is_adopted_is_tried_for_the_whole_budget() -> None:
    world = World()
    world.replicas[0].enter(OTHER)
    world.replicas[0].sources.clear()

    ended = await world.register(plan(), adopt=True, budget_s=20)

    assert reason(ended) == "replace: LoadFailed"
    assert world.replicas[0].count("add_tokenizer") > 2


@pytest.mark.parametrize("name", ["another", "org/model"])
@virtual_time
async def test_what_was_held_under_another_name_is_not_put_back(name: str) -> None:
    world = World()
    for replica in world.replicas:
        replica.sources = {OTHER}

    ended = await world.register(plan(), held=held(OTHER).model_copy(update={"name": name}), budget_s=10)

    assert reason(ended) == "await_loaded: LoadFailed"
    assert world.loaded == ([None] * 3 if name == "another" else [OTHER] * 3)
