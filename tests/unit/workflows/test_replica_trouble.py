"""worker-registration on replicas that are away or forget, and with a worker that they do not reach."""

import asyncio

import pytest

from herder.api.status import EntryState
from herder.engine import WorkflowContext
from herder.gateway.errors import Gone, Permanent, Transient
from herder.gateway.types import WorkerStatus
from herder.workflows.driving import Verify
from herder.workflows.entry import LOST_ADD, Entry
from herder.workflows.errors import StepFault
from herder.workflows.registration.data import Registration
from herder.workflows.registration.register import AwaitReady
from unit.engine.kit import elapsed_s, virtual_time
from unit.workflows.fakes import FakeWorker
from unit.workflows.made import URL, plan
from unit.workflows.world import AtStep, World, reason, states


@virtual_time
async def test_one_replica_away_does_not_keep_the_worker_from_the_other() -> None:
    world = World()
    world.a.away = True

    ended = await world.register(plan())

    assert ended.outcome.ok
    assert states(ended.data) == {"a": "Unreachable", "b": "Ready"}
    assert elapsed_s() < 3


@virtual_time
async def test_one_replica_that_hangs_is_left_out_after_a_few_attempts() -> None:
    world = World()
    world.a.hangs = True

    ended = await world.register(plan())

    assert ended.outcome.ok
    assert states(ended.data) == {"a": "Unreachable", "b": "Ready"}
    assert world.b.posted
    assert world.a.count("find_all") == 3


@virtual_time
async def test_a_replica_that_goes_away_while_the_worker_registers_is_shown_so_and_its_id_kept() -> None:
    world = World(FakeWorker(URL, up_since_s=6.0))
    data = world.registration(plan(probe="Gateway"))
    instance = await world.start(data)
    await asyncio.sleep(3)

    world.a.away = True
    ended = await world.wait(instance, data)

    assert ended.outcome.ok
    assert states(ended.data) == {"a": "Unreachable", "b": "Ready"}
    assert data.entries[world.a.endpoint].worker_id is not None


@virtual_time
async def test_with_all_replicas_away_the_run_fails_and_says_so() -> None:
    world = World()
    world.a.away = world.b.away = True

    ended = await world.register(plan())

    assert reason(ended) == "register: GatewayUnreachable"
    assert states(ended.data) == {"a": "Unreachable", "b": "Unreachable"}
    assert ended.data.problems["register"].retryable


@virtual_time
async def test_a_worker_that_is_down_is_not_posted_until_it_is_up() -> None:
    world = World(FakeWorker(URL, up_since_s=12.0))

    ended = await world.register(plan())

    assert ended.outcome.ok
    assert 12 < elapsed_s() < 14
    assert [len(replica.posted) for replica in world.replicas] == [1, 1]


@virtual_time
async def test_a_worker_that_stays_down_fails_when_its_budget_is_over() -> None:
    world = World(FakeWorker(URL, up_since_s=None))

    ended = await world.register(plan(), budget_s=20)

    assert reason(ended) == "detect_connection: WorkerUnreachable"
    assert 16 < elapsed_s() < 20
    assert world.a.calls + world.b.calls == []


@virtual_time
async def test_a_registration_that_ends_in_a_plain_404_is_posted_again() -> None:
    """The silent 404: the gateway's time for the worker (20 s) is over before the worker comes up."""
    world = World(FakeWorker(URL, up_since_s=25.0))

    ended = await world.register(plan(probe="Gateway"), budget_s=60)

    assert ended.outcome.ok
    assert [len(replica.posted) for replica in world.replicas] == [2, 2]
    assert states(ended.data) == {"a": "Ready", "b": "Ready"}


@virtual_time
async def test_a_worker_that_the_gateway_never_reaches_fails_with_its_add_still_known() -> None:
    world = World(FakeWorker(URL, up_since_s=None))

    ended = await world.register(plan(probe="Gateway"), budget_s=10)

    assert reason(ended) == "await_ready: WorkerPending"
    assert states(ended.data) == {"a": "Pending", "b": "Pending"}
    assert all(entry.worker_id for entry in ended.data.entries.values())


@virtual_time
async def test_a_post_that_meets_its_own_registration_still_knows_what_it_sent() -> None:
    """An id may read as gone while it registers. Ranks can't be replaced: taking it for another's would be the end."""
    world, declared = World(FakeWorker(URL, dp_size=2)), plan()
    data = world.registration(declared)
    world.a.fails["get_worker"] = [Gone("the gateway answered 404") for _ in range(2)]

    ended = await world.wait(await world.start(data), data)

    assert ended.outcome.ok
    assert {entry.spec_hash for entry in data.entries.values()} == {declared.spec_hash}


@virtual_time
async def test_a_bad_request_is_told_and_leaves_no_trace_of_an_add() -> None:
    world = World()
    world.a.fails["add_worker"] = [Permanent("the gateway answered 400: BAD_REQUEST: labels: …")]

    ended = await world.register(plan())

    assert reason(ended) == "register: GatewayRefused"
    assert "http://gw-a: the gateway answered 400" in ended.data.problems["register"].message
    assert "a" not in states(ended.data)


@pytest.mark.parametrize("after", ["lost answer", "an answer that is not the gateway's"])
@virtual_time
async def test_an_add_whose_answer_did_not_come_is_kept_as_lost_and_found_again(after: str) -> None:
    world = World(FakeWorker(URL, up_since_s=None))
    data = world.registration(plan(probe="Gateway"))
    if after == "lost answer":
        world.a.loses["add_worker"] = 1
    else:
        world.a.fails["add_worker"] = [Transient("the gateway answered 504")]
    instance = await world.start(data)
    await asyncio.sleep(0.01)
    assert data.entries[world.a.endpoint].is_lost_add

    world.worker.rise()
    ended = await world.wait(instance, data)

    assert ended.outcome.ok
    assert len(world.a.listed) == 1
    assert data.entries[world.a.endpoint].spec_hash == data.plan.spec_hash


@virtual_time
async def test_an_add_that_another_process_lost_is_found_and_made_as_declared() -> None:
    world = World(FakeWorker(URL, up_since_s=5.0))
    await world.a.add_worker(plan(priority=1).worker_spec_declared)

    ended = await world.register(plan(priority=2, probe="Gateway"), entries={world.a.endpoint: LOST_ADD})

    assert ended.outcome.ok
    assert [each.priority for each in world.a.listed] == [2]
    assert (len(world.a.posted), world.a.count("replace_worker")) == (1, 1)


@virtual_time
async def test_a_replica_that_restarts_before_the_last_look_gets_the_worker_again() -> None:
    world = World()
    world.engine.event_bus.subscribe(AtStep("verify", world.a.restart))

    ended = await world.register(plan())

    assert ended.outcome.ok
    assert [each.status for each in world.a.listed] == [WorkerStatus.READY]


@pytest.mark.parametrize("step", [AwaitReady(), Verify[Registration]()], ids=["await_ready", "verify"])
@virtual_time
async def test_a_run_that_is_gone_on_with_where_all_replicas_were_away_does_not_end_without_a_look(
    step: AwaitReady | Verify[Registration],
) -> None:
    world = World()
    away = {replica.endpoint: Entry(EntryState.UNREACHABLE) for replica in world.replicas}
    context = WorkflowContext("resumed", step.id, 1, world.registration(plan(), entries=away))

    with pytest.raises(StepFault):
        await step.execute(context)

    assert world.a.count("find_all")


@virtual_time
async def test_a_replica_that_is_back_and_still_registering_is_shown_so() -> None:
    world = World(FakeWorker(URL, up_since_s=None), has_b=False)
    declared = plan(probe="Gateway")
    worker_id = await world.a.add_worker(declared.worker_spec_declared)
    away = {world.a.endpoint: Entry(EntryState.UNREACHABLE, worker_id, declared.spec_hash)}
    data = world.registration(declared, entries=away)

    with pytest.raises(StepFault, match="still registering"):
        await AwaitReady().execute(WorkflowContext("resumed", "await_ready", 1, data))

    assert states(data) == {"a": "Pending"}
