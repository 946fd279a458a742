"""worker-registration of a worker that speaks gRPC: asked in its own language, and with a tokenizer to be loaded."""

from unit.engine.kit import elapsed_s, virtual_time
from unit.workflows.fakes import FakeWorker
from unit.workflows.made import plan
from unit.workflows.world import World, reason, states, until

URL = "grpc://10.0.0.9:9000"


def grpc_world(worker: FakeWorker | None = None) -> World:
    """Two replicas that have a tokenizer for the model, and a gRPC worker."""
    world = World(worker or FakeWorker(URL, runtime="vllm", version="0.9"))
    for replica in world.replicas:
        replica.loaded.add("mock-model")
    return world


@virtual_time
async def test_a_grpc_worker_is_asked_in_its_own_language_and_registered() -> None:
    world = grpc_world()

    ended = await world.register(plan(url=URL))

    assert ended.outcome.ok
    assert {step for step, status in ended.steps.items() if status != "Succeeded"} == {"discover_models"}
    facts = ended.data.facts
    assert (facts.connection_mode, facts.runtime, facts.version) == ("grpc", "vllm", "0.9")
    assert (facts.models, facts.context_length, facts.dp_size) == (("mock-model",), 4096, 1)


@virtual_time
async def test_a_grpc_worker_that_comes_up_late_is_waited_for_within_its_budget() -> None:
    world = grpc_world(FakeWorker(URL, up_since_s=12.0))

    ended = await world.register(plan(url=URL))

    assert ended.outcome.ok
    assert 12 < elapsed_s() < 20


@virtual_time
async def test_a_grpc_worker_that_never_comes_up_is_not_posted() -> None:
    world = grpc_world(FakeWorker(URL, up_since_s=None))

    ended = await world.register(plan(url=URL))

    assert reason(ended) == "detect_connection: WorkerUnreachable"
    assert world.a.posted == []


@virtual_time
async def test_a_model_that_a_grpc_worker_does_not_serve_is_refused() -> None:
    world = grpc_world()

    ended = await world.register(plan(url=URL, models=["another"]))

    assert reason(ended) == "discover_metadata: ModelNotServed"


@virtual_time
async def test_where_the_replicas_probe_a_grpc_worker_is_not_asked() -> None:
    world = grpc_world()

    ended = await world.register(plan(url=URL, probe="Gateway"))

    assert ended.outcome.ok
    assert world.worker.asked == []


@virtual_time
async def test_a_tokenizer_that_could_not_be_loaded_is_told_with_a_remedy_and_the_worker_stays_registered() -> None:
    world = grpc_world()
    world.b.loaded.clear()

    ended = await world.register(plan(url=URL))

    assert ended.outcome.ok
    assert ended.steps["verify_tokenizer"] == "Failed"
    assert states(ended.data) == {"a": "Ready", "b": "Ready"}
    message = ended.data.problems["verify_tokenizer"].message
    assert message.startswith(world.b.endpoint)
    assert "declare a Tokenizer with spec.name mock-model" in message


@virtual_time
async def test_a_tokenizer_that_takes_its_time_is_waited_for() -> None:
    world = grpc_world()
    world.b.loaded.clear()
    data = world.registration(plan(url=URL))
    instance = await world.start(data)
    await until(lambda: world.b.count("readiness"))

    world.b.loaded.add("mock-model")
    ended = await world.wait(instance, data)

    assert ended.steps["verify_tokenizer"] == "Succeeded"


@virtual_time
async def test_a_gateway_that_loads_none_by_itself_misses_none() -> None:
    world = grpc_world()
    world.b.loaded.clear()
    world.b.needs_tokenizers = False

    ended = await world.register(plan(url=URL))

    assert ended.steps["verify_tokenizer"] == "Succeeded"
