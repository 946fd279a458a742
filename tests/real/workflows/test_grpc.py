"""Workers that speak gRPC on real replicas: every engine's protocol, and the tokenizer that the gateway wants."""

import asyncio
import json
from pathlib import Path

import pytest

from real.workflows.runs import Runs, plan
from rig.gateway import Smg
from rig.tokenizers import write_tokenizer
from rig.waiting import eventually
from rig.web import fetch, is_ok
from rig.workers.grpc_worker import Engine, GrpcWorker


@pytest.fixture
def tokenizer(tmp_path: Path) -> str:
    """A folder from which the gateway can load one."""
    return str(write_tokenizer(tmp_path / "tokenizer", "hello"))


@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm", "mlx", "tokenspeed"])
async def test_a_worker_of_each_engine_is_registered_known_and_removed(runs: Runs, engine: Engine) -> None:
    with GrpcWorker(engine=engine, model=f"model-of-{engine}") as worker:
        ended = await runs.register(plan(worker.url))

        assert ended.outcome.ok
        facts = ended.data.facts
        assert (facts.connection_mode, facts.runtime, facts.models) == ("grpc", engine, (f"model-of-{engine}",))
        assert runs.listed("runtime_type") == [[engine], [engine]]
        assert runs.listed("model_id") == [[f"model-of-{engine}"], [f"model-of-{engine}"]]
        assert set(ended.data.routable.values()) == {True}
        assert (await runs.remove(worker.url, ended.data.entries)).outcome.ok
        assert runs.listed() == [[], []]


async def test_the_tokenizer_that_the_gateway_loads_for_it_is_looked_for(runs: Runs, tokenizer: str) -> None:
    with GrpcWorker(tokenizer=tokenizer) as worker:
        ended = await runs.register(plan(worker.url))

        assert ended.steps["verify_tokenizer"] == "Succeeded"
        await eventually(lambda: all(is_ok(f"{smg.url}/readiness") for smg in runs.smgs))  # a second after its list


def _load(smg: Smg, name: str, source: str) -> None:
    body = json.dumps({"name": name, "source": source}).encode()
    fetch(f"{smg.url}/v1/tokenizers", method="POST", body=body)


async def test_a_tokenizer_that_can_not_be_loaded_makes_the_gateway_unready_and_is_told_with_the_remedy(
    runs: Runs, tokenizer: str
) -> None:
    """And the remedy helps: a tokenizer of that name from elsewhere."""
    with GrpcWorker(tokenizer="/no/such/folder") as worker:
        ended = await runs.register(plan(worker.url))

        assert ended.outcome.ok
        assert ended.steps["verify_tokenizer"] == "Failed"
        problem = ended.data.problems["verify_tokenizer"]
        assert (problem.reason, "declare a Tokenizer with spec.name mock-model" in problem.message) == (
            "TokenizerNotLoaded",
            True,
        )
        assert runs.listed("status") == [["ready"], ["ready"]]
        assert not any(is_ok(f"{smg.url}/readiness") for smg in runs.smgs)
        for smg in runs.smgs:
            await asyncio.to_thread(_load, smg, "mock-model", tokenizer)
        await eventually(lambda: all(is_ok(f"{smg.url}/readiness") for smg in runs.smgs))


async def test_a_worker_that_comes_up_later_is_waited_for_and_posted_once(runs: Runs, tokenizer: str) -> None:
    worker = GrpcWorker(tokenizer=tokenizer)
    data = runs.data(plan(worker.url))
    instance = await runs.start(data)
    await eventually(lambda: "detect_connection" in data.problems)

    with worker:
        ended = await runs.wait(instance, data)

        assert ended.outcome.ok
        assert runs.count("POST") == [1, 1]
        assert runs.listed("status") == [["ready"], ["ready"]]


async def test_a_worker_with_the_standard_health_service_alone_is_never_posted(runs: Runs) -> None:
    """The gateway would try for its whole startup timeout, and leave a plain 404."""
    with GrpcWorker(engine=None) as worker:
        ended = await runs.register(plan(worker.url))

        assert ended.reason == "detect_connection: UnknownProtocol"
        assert runs.count("POST") == [0, 0]


async def test_a_changed_priority_of_a_grpc_worker_is_patched(runs: Runs, tokenizer: str) -> None:
    with GrpcWorker(tokenizer=tokenizer) as worker:
        entries = (await runs.register(plan(worker.url))).data.entries

        ended = await runs.update(plan(worker.url, priority=7), entries)

        assert ended.outcome.ok
        assert (runs.listed("priority"), runs.count("PATCH"), runs.count("PUT")) == ([[7], [7]], [1, 1], [0, 0])
