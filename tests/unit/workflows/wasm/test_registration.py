"""wasm-registration in the real engine, on replicas with the real one's traps, in virtual time."""

import asyncio

import pytest

from herder.gateway.errors import NotAComponent, Transient, WasmDisabled
from herder.workflows.entry import NO_ENTRY
from herder.workflows.owner import Owner
from herder.workflows.wasm import look, shown
from unit.engine.kit import elapsed_s, virtual_time
from unit.workflows.wasm.fakes import (
    ONE,
    OTHER_PATH,
    PATH,
    REBORN,
    STRANGER,
    TWO,
    World,
    plan,
    sha,
    states,
)
from unit.workflows.world import AtStep


@virtual_time
async def test_a_module_is_registered_once_on_each_replica_and_verified() -> None:
    world = World()
    declared = plan(content=ONE)

    ended = await world.register(declared)

    assert ended.outcome.ok
    assert states(ended.data) == {"a": "Ready", "b": "Ready"}
    assert [each.listed[0].name for each in (world.a, world.b)] == [declared.name] * 2
    assert [each.count("add") for each in (world.a, world.b)] == [1, 1]
    assert [entry.worker_id for entry in ended.data.entries.values()] == [world.a.listed[0].id, world.b.listed[0].id]
    assert {entry.spec_hash for entry in ended.data.entries.values()} == {declared.spec_hash}
    assert (shown(ended.data).sha256, shown(ended.data).size_bytes) == (sha(ONE), len(ONE))
    assert ended.steps == {
        "validate_descriptor": "Succeeded",
        "calculate_hash": "Skipped",
        "validate_component": "Skipped",
        "check_duplicates": "Succeeded",
        "register": "Succeeded",
        "verify": "Succeeded",
        "retire_former": "Skipped",
    }


@virtual_time
async def test_what_is_registered_is_left_alone() -> None:
    world = World()
    await world.register(plan(content=ONE))
    changes = [list(each.seen) for each in (world.a, world.b)]

    ended = await world.register(plan(content=ONE))

    assert ended.outcome.ok
    assert [each.seen for each in (world.a, world.b)] == changes


@virtual_time
async def test_another_content_is_added_and_verified_before_the_former_goes() -> None:
    world = World()
    former, declared = plan(content=ONE), plan(path=OTHER_PATH, content=TWO)
    await world.register(former)

    ended = await world.register(declared)

    assert ended.outcome.ok
    assert ended.steps["retire_former"] == "Succeeded"
    assert world.a.seen == [[former.name], [former.name, declared.name], [declared.name]]


@virtual_time
async def test_of_one_content_the_former_goes_first_for_the_gateway_takes_no_second() -> None:
    world = World()
    former, declared = plan(content=ONE), plan(content=ONE, attachPoints=["OnResponse"])
    await world.register(former)
    began_s = elapsed_s()

    ended = await world.register(declared)

    assert ended.outcome.ok
    assert world.a.seen == [[former.name], [], [declared.name]]
    assert world.a.listed[0].attach_points == ("OnResponse",)
    assert elapsed_s() - began_s < 1


@virtual_time
async def test_where_no_content_is_declared_the_refusal_tells_which_former_one_goes_first() -> None:
    world = World()
    await world.register(plan())

    ended = await world.register(plan(attachPoints=["OnResponse"]))

    assert ended.outcome.ok
    assert [len(listed) for listed in world.a.seen] == [1, 0, 1]
    assert ended.data.sha256 == sha(ONE)


@virtual_time
async def test_what_a_resource_of_the_same_name_has_left_is_replaced() -> None:
    world = World()
    await world.register(plan(REBORN, path=OTHER_PATH, content=TWO))

    ended = await world.register(plan(content=ONE))

    assert ended.outcome.ok
    assert [each.name for each in world.b.listed] == [plan(content=ONE).name]


@virtual_time
async def test_a_replica_that_reads_another_file_keeps_nothing_and_the_failure_names_both() -> None:
    world = World()
    world.b.files[PATH] = TWO

    ended = await world.register(plan(content=ONE))

    assert ended.reason == "verify: Sha256Mismatch"
    assert sha(ONE) in ended.message
    assert sha(TWO) in ended.message
    assert world.b.endpoint in ended.message
    assert (world.a.contents, world.b.contents) == ([sha(ONE)], [])


@virtual_time
async def test_a_replacement_that_fails_on_one_replica_leaves_the_former_alone_at_work_on_all() -> None:
    world = World()
    former = plan(content=ONE)
    await world.register(former)
    world.a.files[PATH] = TWO
    world.b.files[PATH] = b"(component three)"

    ended = await world.register(plan(content=TWO))

    assert ended.reason == "verify: Sha256Mismatch"
    assert [[each.name for each in replica.listed] for replica in (world.a, world.b)] == [[former.name]] * 2
    assert {entry.spec_hash for entry in ended.data.entries.values()} == {former.spec_hash}


@virtual_time
async def test_a_replacement_that_is_refused_on_one_replica_is_withdrawn_from_the_others() -> None:
    world = World()
    former = plan(content=ONE)
    await world.register(former)
    world.a.files[PATH] = TWO
    world.b.files[PATH] = b"no component"

    ended = await world.register(plan(content=TWO))

    assert ended.reason == "register: NotAComponent"
    assert [[each.name for each in replica.listed] for replica in (world.a, world.b)] == [[former.name]] * 2


@virtual_time
async def test_a_file_that_is_still_the_old_one_is_a_mismatch_and_the_old_module_stays() -> None:
    world = World()
    former = plan(content=ONE)
    await world.register(former)

    ended = await world.register(plan(content=TWO))

    assert ended.reason == "register: Sha256Mismatch"
    assert [each.name for each in world.a.listed] == [former.name]


@virtual_time
async def test_a_mismatch_that_was_left_is_read_anew() -> None:
    world = World()
    declared = plan(content=ONE)
    world.a.enter(declared.name, TWO)

    ended = await world.register(declared)

    assert ended.outcome.ok
    assert world.a.contents == [sha(ONE)]


@virtual_time
async def test_a_file_that_is_mounted_within_two_minutes_is_waited_for() -> None:
    world = World()
    file = world.b.files.pop(PATH)
    engine_run = world.register(plan(content=ONE))

    async def mount() -> None:
        await asyncio.sleep(60)
        world.b.files[PATH] = file

    ended, _ = await asyncio.gather(engine_run, mount())

    assert ended.outcome.ok
    assert states(ended.data) == {"a": "Ready", "b": "Ready"}


@virtual_time
async def test_a_file_that_never_comes_fails_with_the_replica_and_the_remedy() -> None:
    world = World()
    del world.b.files[PATH]

    ended = await world.register(plan(content=ONE))

    assert ended.reason == "register: FileUnreadable"
    assert world.b.endpoint in ended.message
    assert "spec.source.path" in ended.message
    assert 115 < elapsed_s() < 130
    assert states(ended.data) == {"a": "Ready"}


@pytest.mark.parametrize(
    ("owner", "whose"),
    [
        pytest.param(None, "somebody else as by-hand", id="made by hand"),
        pytest.param(STRANGER, "the resource ns/other here", id="another resource's"),
        pytest.param(Owner("far", "ns", "name", "u"), "of herder installation far", id="another installation's"),
    ],
)
@virtual_time
async def test_a_foreign_module_of_the_declared_content_is_refused_before_anything_is_changed(
    owner: Owner | None, whose: str
) -> None:
    world = World()
    theirs = world.b.enter("by-hand" if owner is None else plan(owner, content=ONE).name)

    ended = await world.register(plan(content=ONE))

    assert ended.reason == "check_duplicates: ForeignEntry"
    assert whose in ended.message
    assert (world.a.listed, world.b.listed) == ([], [theirs])
    assert states(ended.data) == {"b": "Foreign"}


@virtual_time
async def test_a_foreign_module_is_refused_where_only_the_replica_can_tell_the_content() -> None:
    world = World()
    world.b.enter("by-hand")

    ended = await world.register(plan())

    assert ended.reason == "register: ForeignEntry"
    assert states(ended.data) == {"a": "Ready", "b": "Foreign"}


@virtual_time
async def test_a_foreign_module_is_replaced_when_it_is_adopted() -> None:
    world = World()
    world.a.enter("by-hand")
    declared = plan(content=ONE)

    ended = await world.register(declared, adopt=True)

    assert ended.outcome.ok
    assert [each.name for each in world.a.listed] == [declared.name]


@virtual_time
async def test_what_others_have_of_another_content_is_never_touched() -> None:
    world = World()
    theirs = [world.a.enter("by-hand", TWO), world.a.enter(plan(STRANGER).name, b"(component three)")]

    ended = await world.register(plan(content=ONE), adopt=True)

    assert ended.outcome.ok
    assert [each for each in theirs if each not in world.a.listed] == []


@virtual_time
async def test_copies_that_the_gateway_s_race_has_left_are_removed() -> None:
    world = World()
    declared = plan(content=ONE)
    first, _ = world.a.enter(declared.name), world.a.enter(declared.name)

    ended = await world.register(declared)

    assert ended.outcome.ok
    assert world.a.listed == [first]


@virtual_time
async def test_an_addition_whose_answer_is_lost_is_found_and_not_repeated() -> None:
    world = World()
    world.a.loses_adds = 1

    ended = await world.register(plan(content=ONE))

    assert ended.outcome.ok
    assert states(ended.data) == {"a": "Ready", "b": "Ready"}
    assert (world.a.count("add"), len(world.a.listed)) == (1, 1)


@virtual_time
async def test_a_lost_addition_that_lands_late_leaves_no_copy() -> None:
    world = World()
    world.a.loses_adds, world.a.lands_in_s = 1, 1.0

    ended = await world.register(plan(content=ONE))
    await asyncio.sleep(10)

    assert ended.outcome.ok
    assert look(plan(content=ONE), NO_ENTRY, world.a.listed).has_it


@virtual_time
async def test_a_replica_that_is_away_is_left_out_and_the_others_get_the_module() -> None:
    world = World()
    world.b.away = True

    ended = await world.register(plan(content=ONE))

    assert ended.outcome.ok
    assert states(ended.data) == {"a": "Ready", "b": "Unreachable"}


@virtual_time
async def test_a_gateway_without_modules_fails_at_once_and_says_how_to_start_it() -> None:
    world = World()
    world.b.fails["list"] = [WasmDisabled("the gateway keeps no modules: start it with --enable-wasm")]

    ended = await world.register(plan(content=ONE))

    assert ended.reason == "check_duplicates: WasmDisabled"
    assert "--enable-wasm" in ended.message
    assert elapsed_s() < 1


@virtual_time
async def test_a_module_that_vanishes_before_it_is_verified_is_registered_again() -> None:
    world = World()
    declared = plan(content=ONE)
    world.engine.event_bus.subscribe(AtStep("verify", world.a.restart))

    ended = await world.register(declared)

    assert ended.outcome.ok
    assert [each.name for each in world.a.listed] == [declared.name]
    assert world.a.count("add") == 2


@virtual_time
async def test_where_the_module_has_vanished_the_former_one_stays() -> None:
    world = World()
    former, declared = plan(content=ONE), plan(path=OTHER_PATH, content=TWO)
    await world.register(former)
    world.engine.event_bus.subscribe(AtStep("retire_former", lambda: world.a.lose(declared.name)))

    ended = await world.register(declared)

    assert ended.outcome.ok
    assert [each.name for each in world.a.listed] == [former.name]
    assert ended.data.entries[world.a.endpoint].spec_hash == former.spec_hash


@virtual_time
async def test_somebody_else_s_copy_beside_the_module_is_left_alone() -> None:
    world = World()
    declared = plan(content=ONE)
    both = [world.a.enter(declared.name), world.a.enter("by-hand")]

    ended = await world.register(declared)

    assert ended.outcome.ok
    assert world.a.listed == both


@virtual_time
async def test_a_refusal_that_may_pass_is_tried_again() -> None:
    world = World()
    world.a.fails["add"] = [Transient("the gateway answered 503")]

    ended = await world.register(plan(content=ONE))

    assert ended.outcome.ok
    assert world.a.count("add") == 2


@virtual_time
async def test_a_refusal_that_will_not_pass_is_not() -> None:
    world = World()
    world.a.fails["add"] = [NotAComponent("the gateway refused the module")]

    ended = await world.register(plan(content=ONE))

    assert ended.reason == "register: NotAComponent"
    assert elapsed_s() < 1
