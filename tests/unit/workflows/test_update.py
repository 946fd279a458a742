"""worker-update: every replica holds the worker, and it becomes what is declared now."""

from herder.gateway.errors import Busy
from unit.engine.kit import elapsed_s, virtual_time
from unit.workflows.fakes import FakeWorker
from unit.workflows.made import OWNER, STRANGER, URL, plan
from unit.workflows.world import World, reason, states


@virtual_time
async def test_what_a_patch_can_change_is_patched_on_every_replica() -> None:
    world = World(FakeWorker(URL, key="k3y"))
    entries = (await world.register(plan(api_key="k3y", priority=1, labels={"zone": "a"}))).data.entries
    ids = [replica.listed[0].id for replica in world.replicas]
    world.worker.key = "k3y2"
    changed = plan(api_key="k3y2", priority=2, labels={"zone": "b", "rack": "1"})

    ended = await world.update(changed, entries)

    assert ended.outcome.ok
    assert set(ended.steps.values()) == {"Succeeded"}
    assert [(each.id, each.priority) for replica in world.replicas for each in replica.listed] == [
        (id_, 2) for id_ in ids
    ]
    assert [replica.keys for replica in world.replicas] == [["k3y2"], ["k3y2"]]
    assert [replica.count("patch_worker") for replica in world.replicas] == [1, 1]
    assert [replica.count("replace_worker") for replica in world.replicas] == [0, 0]
    assert {entry.spec_hash for entry in ended.data.entries.values()} == {changed.spec_hash}


@virtual_time
async def test_a_label_that_is_taken_away_needs_a_put() -> None:
    world = World()
    entries = (await world.register(plan(labels={"zone": "a"}))).data.entries

    ended = await world.update(plan(), entries)

    assert ended.outcome.ok
    assert [each.labels for replica in world.replicas for each in replica.listed] == [OWNER.label] * 2
    assert [replica.count("replace_worker") for replica in world.replicas] == [1, 1]
    assert [replica.count("delete_worker") for replica in world.replicas] == [0, 0]


@virtual_time
async def test_a_worker_that_is_down_is_no_obstacle_to_a_patch() -> None:
    world = World()
    entries = (await world.register(plan(priority=1))).data.entries
    world.worker.up_since_s = None

    ended = await world.update(plan(priority=2), entries)

    assert ended.outcome.ok
    assert ended.steps["check"] == "Skipped"
    assert elapsed_s() < 5
    assert world.a.listed[0].priority == 2


@virtual_time
async def test_a_key_that_the_worker_does_not_take_is_not_applied() -> None:
    world = World(FakeWorker(URL, key="k3y"))
    entries = (await world.register(plan(api_key="k3y"))).data.entries

    ended = await world.update(plan(api_key="wrong"), entries)

    assert reason(ended) == "check: WorkerUnauthorized"
    assert [replica.keys for replica in world.replicas] == [["k3y"], ["k3y"]]
    assert ended.data.entries == entries


@virtual_time
async def test_a_replica_that_is_away_gets_the_change_later_and_says_what_it_was_told_last() -> None:
    world, before = World(), plan(priority=1)
    entries = (await world.register(before)).data.entries
    world.a.away = True

    ended = await world.update(plan(priority=2), entries)

    assert ended.outcome.ok
    assert states(ended.data) == {"a": "Unreachable", "b": "Ready"}
    assert ended.data.entries[world.a.endpoint].spec_hash == before.spec_hash


@virtual_time
async def test_a_replica_that_lost_the_worker_gets_it_again_with_the_change() -> None:
    world = World()
    entries = (await world.register(plan(priority=1))).data.entries
    world.a.restart()

    ended = await world.update(plan(priority=2), entries)

    assert ended.outcome.ok
    assert [replica.listed[0].priority for replica in world.replicas] == [2, 2]


@virtual_time
async def test_an_entry_that_somebody_else_made_meanwhile_is_left_alone() -> None:
    world = World()
    entries = (await world.register(plan(priority=1))).data.entries
    world.a.alter(world.a.listed[0].id, labels=STRANGER.label)

    ended = await world.update(plan(priority=2), entries)

    assert reason(ended) == "apply: ForeignEntry"
    assert world.a.listed[0].priority == 1


@virtual_time
async def test_changes_of_one_worker_go_one_after_another() -> None:
    world = World()
    entries = (await world.register(plan(priority=1))).data.entries
    world.a.fails["patch_worker"] = [Busy("an earlier change is still being applied") for _ in range(5)]

    ended = await world.update(plan(priority=2), entries)

    assert ended.outcome.ok
    assert world.a.listed[0].priority == 2


@virtual_time
async def test_a_change_that_the_gateway_did_not_apply_is_told_in_its_words() -> None:
    """An answer of 202 is a promise: only the job says that nothing came of it."""
    world = World()
    entries = (await world.register(plan())).data.entries
    world.a.refuses = "label tool_parser: unknown parser 'x'"

    ended = await world.update(plan(labels={"tool_parser": "x"}), entries)

    assert reason(ended) == "await_applied: GatewayRefused"
    assert "unknown parser 'x'" in ended.data.problems["await_applied"].message


@virtual_time
async def test_a_model_that_is_not_offered_to_clients_does_not_undo_the_update() -> None:
    world = World()
    entries = (await world.register(plan(priority=1))).data.entries
    world.b.hides = frozenset({"mock-model"})

    ended = await world.update(plan(priority=2), entries)

    assert ended.outcome.ok
    assert ended.steps["await_routable"] == "Failed"
    assert ended.data.routable == {world.a.endpoint: True, world.b.endpoint: False}
    assert "does not offer mock-model" in ended.data.problems["await_routable"].message


@virtual_time
async def test_a_providers_new_key_is_tried_before_it_is_applied() -> None:
    url = "https://api.example.com"
    world = World()
    world.workers[url] = FakeWorker(url, models=("gpt-x",), key="k3y")
    entries = (await world.register(plan(url=url, runtime="External", api_key="k3y"))).data.entries

    ended = await world.update(plan(url=url, runtime="External", api_key="wrong"), entries)

    assert reason(ended) == "check: WorkerUnauthorized"
    assert world.a.keys == ["k3y"]


@virtual_time
async def test_what_is_found_out_anew_is_kept() -> None:
    world = World(FakeWorker(URL, models=("a", "b")))
    entries = (await world.register(plan())).data.entries

    ended = await world.update(plan(runtime="TRTLLM", models=["b"]), entries)

    assert ended.outcome.ok
    assert (ended.data.facts.runtime, ended.data.facts.models) == ("trtllm", ("b",))
    assert [each.models[0].id for each in world.a.listed] == ["b"]
