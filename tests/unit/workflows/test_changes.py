"""worker-registration where the URL is listed already: by herder, as declared before, or by somebody else."""

from herder.gateway.errors import Busy
from herder.gateway.spec import WorkerSpec
from herder.gateway.types import WorkerStatus
from unit.engine.kit import elapsed_s, virtual_time
from unit.workflows.fakes import FakeWorker
from unit.workflows.made import OWNER, STRANGER, URL, plan
from unit.workflows.world import AtStep, World, reason, states, until


@virtual_time
async def test_somebody_elses_entry_is_refused_and_left_alone() -> None:
    world = World()
    foreign_id = world.a.enter(WorkerSpec(url=URL, labels=STRANGER.label))

    ended = await world.register(plan())

    assert reason(ended) == "register: ForeignEntry"
    assert "herder.dev/adopt" in ended.data.problems["register"].message
    assert states(ended.data)["a"] == "Foreign"
    assert ended.data.entries[world.a.endpoint].worker_id == foreign_id
    assert set(world.a.calls) == {"find_all"}


@virtual_time
async def test_an_adopted_entry_becomes_what_is_declared_and_keeps_its_id() -> None:
    world = World()
    foreign_id = world.a.enter(WorkerSpec(url=URL, labels={"made": "by hand"}, priority=1))

    ended = await world.register(plan(priority=7), adopt=True)

    assert ended.outcome.ok
    (entry,) = world.a.listed
    assert (entry.id, entry.priority, entry.labels) == (foreign_id, 7, OWNER.label)
    assert (world.a.count("add_worker"), world.a.count("replace_worker")) == (0, 1)


@virtual_time
async def test_a_changed_declaration_is_patched_and_the_worker_keeps_its_id() -> None:
    world = World()
    entries = (await world.register(plan(priority=1))).data.entries
    ids = [replica.listed[0].id for replica in world.replicas]

    ended = await world.register(plan(priority=2), entries=entries)

    assert ended.outcome.ok
    assert [(each.id, each.priority) for replica in world.replicas for each in replica.listed] == [
        (id_, 2) for id_ in ids
    ]
    assert [replica.count("add_worker") for replica in world.replicas] == [1, 1]
    assert [replica.count("patch_worker") for replica in world.replicas] == [1, 1]
    assert [replica.count("replace_worker") for replica in world.replicas] == [0, 0]


@virtual_time
async def test_what_a_patch_can_not_change_is_put_and_the_worker_keeps_its_id() -> None:
    world = World()
    entries = (await world.register(plan(labels={"zone": "a"}))).data.entries
    ids = [replica.listed[0].id for replica in world.replicas]

    ended = await world.register(plan(workerType="Decode"), entries=entries)

    assert ended.outcome.ok
    assert [(each.id, each.worker_type, each.labels) for replica in world.replicas for each in replica.listed] == [
        (id_, "decode", OWNER.label) for id_ in ids
    ]
    assert [replica.count("replace_worker") for replica in world.replicas] == [1, 1]


@virtual_time
async def test_a_key_that_no_list_shows_is_sent_when_it_changes() -> None:
    world = World(FakeWorker(URL, key="k3y"))
    entries = (await world.register(plan(api_key="k3y"))).data.entries
    world.worker.key = "k3y2"

    ended = await world.register(plan(api_key="k3y2"), entries=entries)

    assert ended.outcome.ok
    assert [replica.keys for replica in world.replicas] == [["k3y2"], ["k3y2"]]


@virtual_time
async def test_a_replica_that_was_left_out_is_not_taken_for_changed_when_it_is_back() -> None:
    """Between two steps: what it lists was declared before, and the next run brings it what is declared now."""
    world, before = World(), plan(priority=1)
    entries = (await world.register(before)).data.entries
    world.a.away = True
    world.engine.event_bus.subscribe(AtStep("await_ready", world.a.come_back))

    ended = await world.register(plan(priority=2), entries=entries)

    assert ended.outcome.ok
    assert states(ended.data) == {"a": "Unreachable", "b": "Ready"}
    assert ended.data.entries[world.a.endpoint].spec_hash == before.spec_hash


@virtual_time
async def test_what_somebody_changed_by_hand_is_changed_back() -> None:
    world, declared = World(), plan(priority=7)
    entries = (await world.register(declared)).data.entries
    world.b.alter(world.b.listed[0].id, priority=1)

    ended = await world.register(declared, entries=entries)

    assert ended.outcome.ok
    assert world.b.listed[0].priority == 7
    assert (world.a.count("patch_worker"), world.b.count("patch_worker")) == (0, 1)


@virtual_time
async def test_an_earlier_change_is_waited_for_and_not_counted_as_an_attempt_that_failed() -> None:
    world = World()
    entries = (await world.register(plan(priority=1))).data.entries
    world.a.fails["patch_worker"] = [Busy("an earlier change is still being applied") for _ in range(12)]

    ended = await world.register(plan(priority=2), entries=entries)

    assert ended.outcome.ok
    assert world.a.listed[0].priority == 2


@virtual_time
async def test_an_entry_that_is_draining_is_waited_for_and_registered_anew() -> None:
    world = World()
    leaving = world.a.enter(plan(drain={"settleSeconds": 5}).worker_spec_declared)
    await world.a.delete_worker(leaving, URL)

    ended = await world.register(plan())

    assert ended.outcome.ok
    assert 5 < elapsed_s() < 15
    (entry,) = world.a.listed
    assert entry.id != leaving


@virtual_time
async def test_a_replacement_that_lost_against_another_change_is_sent_again() -> None:
    world = World()
    entries = (await world.register(plan())).data.entries
    data = world.registration(plan(workerType="Decode"), entries=entries)
    instance = await world.start(data)
    await until(lambda: world.a.count("replace_worker"))

    world.a.fail_change(URL, "the worker is no longer at revision 3, so the replacement was dropped")
    ended = await world.wait(instance, data)

    assert ended.outcome.ok
    assert world.a.count("replace_worker") == 2


@virtual_time
async def test_a_change_that_no_list_shows_is_not_forgotten_while_an_earlier_one_is_waited_for() -> None:
    world = World(FakeWorker(URL, key="k3y"))
    entries = (await world.register(plan(api_key="k3y"))).data.entries
    world.worker.key = "k3y2"
    world.a.fails["patch_worker"] = [Busy("an earlier change is still being applied")]
    declared = plan(api_key="k3y2")

    ended = await world.register(declared, entries=entries)

    assert ended.outcome.ok
    assert ended.data.entries[world.a.endpoint].spec_hash == declared.spec_hash


@virtual_time
async def test_what_is_as_declared_and_draining_is_not_taken_for_registered() -> None:
    """The resource was deleted and applied again, and its entry, as it should be, is on its way out."""
    world, declared = World(), plan(drain={"settleSeconds": 5})
    entries = (await world.register(declared)).data.entries
    leaving = world.a.listed[0].id
    await world.a.delete_worker(leaving, URL)

    ended = await world.register(declared, entries=entries)

    assert ended.outcome.ok
    assert [each.status for each in world.a.listed] == [WorkerStatus.READY]
    assert world.a.listed[0].id != leaving
