"""A data-parallel worker, which the gateway lists rank by rank: no PUT for a rank, no POST of a URL with ranks left."""

from unit.engine.kit import elapsed_s, virtual_time
from unit.workflows.fakes import FakeWorker
from unit.workflows.made import OWNER, URL, plan
from unit.workflows.world import World, reason


def group() -> World:
    """Two replicas and a worker with two ranks."""
    return World(FakeWorker(URL, dp_size=2))


@virtual_time
async def test_a_group_is_registered_once_and_both_ranks_are_listed() -> None:
    world = group()

    ended = await world.register(plan())

    assert ended.outcome.ok
    assert [[each.url for each in replica.listed] for replica in world.replicas] == [[f"{URL}@0", f"{URL}@1"]] * 2
    assert [replica.count("add_worker") for replica in world.replicas] == [1, 1]


@virtual_time
async def test_each_rank_of_a_changed_group_is_patched_where_that_suffices() -> None:
    world = group()
    entries = (await world.register(plan(priority=1))).data.entries
    ids = [each.id for each in world.a.listed]

    ended = await world.register(plan(priority=2, labels={"zone": "a"}), entries=entries)

    assert ended.outcome.ok
    assert [(each.id, each.priority, each.labels["zone"]) for each in world.a.listed] == [(id_, 2, "a") for id_ in ids]
    assert world.a.count("delete_worker") == 0


@virtual_time
async def test_a_group_that_only_a_put_could_change_is_drained_and_registered_anew() -> None:
    world = group()
    entries = (await world.register(plan(labels={"zone": "a"}, drain={"settleSeconds": 30}))).data.entries

    ended = await world.register(plan(drain={"settleSeconds": 30}), entries=entries, budget_s=90)

    assert ended.outcome.ok
    assert [each.labels for each in world.a.listed] == [OWNER.label] * 2
    assert (world.a.count("delete_worker"), world.a.count("add_worker"), world.a.cut_drains) == (2, 2, 0)
    assert (world.a.lost_posts, world.a.count("replace_worker")) == (0, 0)
    assert 30 < elapsed_s() < 55, "the ranks drain at the same time"


@virtual_time
async def test_a_group_that_lost_a_rank_is_made_whole() -> None:
    world, declared = group(), plan(drain={"settleSeconds": 1})
    entries = (await world.register(declared)).data.entries
    world.a.forget(world.a.listed[0].id)

    ended = await world.register(declared, entries=entries)

    assert ended.outcome.ok
    assert [each.dp_rank for each in world.a.listed] == [0, 1]
    assert (world.a.lost_posts, world.b.count("delete_worker")) == (0, 0)


@virtual_time
async def test_a_removal_takes_all_ranks_off() -> None:
    world = group()
    entries = (await world.register(plan())).data.entries

    ended = await world.remove(entries)

    assert ended.outcome.ok
    assert [replica.listed for replica in world.replicas] == [[], []]
    assert [replica.count("delete_worker") for replica in world.replicas] == [2, 2]


@virtual_time
async def test_the_rank_of_somebody_else_is_left_alone() -> None:
    world = group()
    await world.register(plan())
    world.a.alter(world.a.listed[1].id, labels={})

    ended = await world.register(plan(priority=2))

    assert reason(ended) == "register: ForeignEntry"
    assert world.a.count("delete_worker") == 0
