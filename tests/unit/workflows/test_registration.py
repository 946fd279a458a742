"""worker-registration from its first step to its last: what is found out about a worker and becomes of it."""

import asyncio
from datetime import timedelta

import pytest

from herder.gateway.types import Model, WorkerStatus
from unit.engine.kit import EPOCH, elapsed_s, virtual_time
from unit.workflows.fakes import REGISTERS_IN_S, FakeWorker
from unit.workflows.made import URL, plan
from unit.workflows.world import AtStep, World, reason, states

PROBING = ("detect_connection", "detect_backend", "discover_metadata", "discover_dp")


@virtual_time
async def test_a_healthy_worker_is_ready_on_both_replicas_within_a_second() -> None:
    world, declared = World(), plan(priority=7)

    ended = await world.register(declared)

    assert ended.outcome.ok
    assert {step for step, status in ended.steps.items() if status != "Succeeded"} == {
        "discover_models",
        "verify_tokenizer",
    }
    assert states(ended.data) == {"a": "Ready", "b": "Ready"}
    assert ended.data.routable == {world.a.endpoint: True, world.b.endpoint: True}
    assert [[each.priority for each in replica.listed] for replica in world.replicas] == [[7], [7]]
    assert all(replica.count("add_worker") == 1 and not replica.count("replace_worker") for replica in world.replicas)
    assert elapsed_s() < 1
    assert ended.data.problems == {}


@virtual_time
async def test_what_was_found_out_is_kept_and_the_runtime_is_sent() -> None:
    world = World()

    facts = (await world.register(plan())).data.facts

    assert (facts.connection_mode, facts.runtime, facts.version) == ("http", "sglang", "0.5")
    assert (facts.models, facts.context_length, facts.dp_size) == (("mock-model",), 4096, 1)
    assert world.a.posted[0].runtime_type == "sglang"


@pytest.mark.parametrize(("runtime", "found", "sent"), [("vllm", "vllm", "vllm"), ("self_hosted", "generic", None)])
@virtual_time
async def test_other_runtimes_have_no_ranks_to_discover(runtime: str, found: str, sent: str | None) -> None:
    world = World(FakeWorker(URL, runtime=runtime))

    ended = await world.register(plan())

    assert ended.data.facts.runtime == found
    assert ended.steps["discover_dp"] == "Skipped"
    assert world.a.posted[0].runtime_type == sent


@virtual_time
async def test_a_moment_of_verification_is_that_of_the_state_and_stays() -> None:
    world, declared = World(), plan()
    entry = (await world.register(declared)).data.entries[world.a.endpoint]
    assert entry.verified_at is not None
    assert EPOCH < entry.verified_at < EPOCH + timedelta(seconds=1)
    await asyncio.sleep(100)

    again = await world.register(declared, entries={world.a.endpoint: entry})

    assert again.data.entries[world.a.endpoint] == entry


@virtual_time
async def test_what_is_registered_as_declared_is_left_alone() -> None:
    world, declared = World(), plan()
    entries = (await world.register(declared)).data.entries

    ended = await world.register(declared, entries=entries)

    assert ended.outcome.ok
    assert [replica.count("add_worker") + replica.count("replace_worker") for replica in world.replicas] == [1, 1]


@virtual_time
async def test_where_the_replicas_probe_the_four_steps_are_skipped_and_what_they_found_is_read_back() -> None:
    world = World()

    ended = await world.register(plan(probe="Gateway"))

    assert ended.outcome.ok
    assert {ended.steps[step] for step in PROBING} == {"Skipped"}
    assert world.worker.asked == []
    assert (ended.data.facts.runtime, ended.data.facts.models) == ("sglang", ("mock-model",))


@virtual_time
async def test_all_ranks_of_a_data_parallel_worker_count_as_one() -> None:
    world = World(FakeWorker(URL, dp_size=2))
    declared = plan()

    ended = await world.register(declared)
    again = await world.register(declared, entries=ended.data.entries)

    assert ended.outcome.ok
    assert again.outcome.ok
    assert ended.data.facts.dp_size == 2
    assert [len(replica.listed) for replica in world.replicas] == [2, 2]
    assert [len(replica.posted) for replica in world.replicas] == [1, 1]


@virtual_time
async def test_a_keyed_worker_without_its_key_is_never_posted() -> None:
    """Posted without its key it would look lost, and then appear anyway: a ghost."""
    world = World(FakeWorker(URL, key="k3y"))

    ended = await world.register(plan())

    assert reason(ended) == "detect_backend: WorkerUnauthorized"
    assert "spec.apiKeySecretRef" in ended.data.problems["detect_backend"].message
    assert world.a.calls + world.b.calls == []
    await asyncio.sleep(100)
    assert (world.a.listed, world.b.listed) == ([], [])


@virtual_time
async def test_a_model_that_is_not_served_is_refused_with_those_that_are() -> None:
    world = World()

    ended = await world.register(plan(models=["other"]))

    assert reason(ended) == "discover_metadata: ModelNotServed"
    message = ended.data.problems["discover_metadata"].message
    assert "does not serve 'other' but mock-model" in message
    assert world.a.calls == []


@virtual_time
async def test_a_worker_that_lists_no_model_yet_is_asked_again() -> None:
    world = World(FakeWorker(URL, models=()))
    data = world.registration(plan())
    instance = await world.start(data)
    await asyncio.sleep(5)
    assert data.problems["discover_metadata"].reason == "NoModels"
    assert world.a.calls == []

    world.worker.models = ("late-model",)
    ended = await world.wait(instance, data)

    assert ended.outcome.ok
    assert ended.data.facts.models == ("late-model",)


@virtual_time
async def test_a_worker_that_its_replica_finds_sick_is_registered_all_the_same() -> None:
    world, declared = World(), plan()
    entries = (await world.register(declared)).data.entries
    world.a.alter(world.a.listed[0].id, status=WorkerStatus.NOT_READY)

    ended = await world.register(declared, entries=entries)

    assert ended.outcome.ok
    assert states(ended.data) == {"a": "NotReady", "b": "Ready"}


@virtual_time
async def test_registering_takes_one_look_more_than_it_takes_the_gateway() -> None:
    """The looks come quickly at first: a worker is seen ready not much later than it is."""
    world = World()

    await world.register(plan(probe="Gateway"))

    assert elapsed_s() < 10 * REGISTERS_IN_S


@virtual_time
async def test_an_address_that_nobody_may_be_sent_to_is_not_handed_to_the_replicas_either() -> None:
    world = World()

    ended = await world.register(plan(url="http://169.254.169.254", probe="Gateway"))

    assert reason(ended) == "classify: AddressRefused"
    assert world.a.calls == []


@virtual_time
async def test_a_replica_that_lists_another_model_than_the_worker_serves_fails_the_run() -> None:
    world = World()
    others = {"model_id": "other", "models": (Model(id="other"),)}
    world.engine.event_bus.subscribe(AtStep("verify", lambda: world.a.alter(world.a.listed[0].id, **others)))

    ended = await world.register(plan())

    assert reason(ended) == "verify: NotAsDeclared"
    assert ended.data.problems["verify"].message == "http://gw-a: it lists model other, not mock-model"


@pytest.mark.parametrize(
    ("declared", "runs", "said"),
    [
        pytest.param("SGLang", "vllm", "discover_metadata: RuntimeMismatch", id="the one for the other"),
        pytest.param("vLLM", "sglang", "discover_metadata: RuntimeMismatch", id="the other for the one"),
        pytest.param("vLLM", "vllm", "", id="as declared"),
        pytest.param("TRTLLM", "sglang", "", id="one that does not say what it is"),
        pytest.param("SGLang", "somebody", "", id="an owner of its own"),
    ],
)
@virtual_time
async def test_a_runtime_that_is_declared_is_the_one_that_the_worker_says_it_is(
    declared: str, runs: str, said: str
) -> None:
    world = World(FakeWorker(URL, runtime=runs))

    ended = await world.register(plan(runtime=declared))

    assert ended.outcome.ok == (not said)
    assert not said or reason(ended) == said
