"""The rarer kinds of workers on real replicas: providers outside, disaggregated ones, data-parallel ones."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from real.workflows.runs import CountingHttp, Runs, plan
from rig.gateway import Smg
from rig.waiting import eventually
from rig.web import fetch
from rig.workers import MockWorkers, Script


async def test_a_providers_models_are_asked_for_and_it_has_no_health_check(
    runs: Runs, mock_workers: MockWorkers
) -> None:
    models = ("gpt-x", "gpt-x-2026-01-01", "gpt-y")
    worker = mock_workers.add("a", Script(api_key="k3y", runtime="generic", models=models))

    ended = await runs.register(plan(worker.url, api_key="k3y", runtime="External", models=["gpt-x-2026-01-01"]))

    assert ended.outcome.ok
    assert ended.steps["discover_models"] == "Succeeded"
    assert "/health" not in {asked.path for asked in worker.received()}
    assert runs.listed("runtime_type") == [["external"], ["external"]]


async def test_a_provider_that_does_not_take_the_key_is_never_posted(runs: Runs, mock_workers: MockWorkers) -> None:
    worker = mock_workers.add("a", Script(api_key="k3y", runtime="generic"))

    ended = await runs.register(plan(worker.url, api_key="wrong", runtime="External"))

    assert ended.reason == "discover_models: WorkerUnauthorized"
    assert "correct the Secret" in ended.data.problems["discover_models"].message
    assert runs.count("POST") == [0, 0]


async def test_a_provider_without_a_key_is_registered_for_any_model(runs: Runs, mock_workers: MockWorkers) -> None:
    worker = mock_workers.add("a", Script(up=False, runtime="generic"))

    ended = await runs.register(plan(worker.url, runtime="External"))

    assert ended.outcome.ok
    assert (ended.steps["discover_models"], ended.steps["await_routable"]) == ("Skipped", "Skipped")
    assert runs.listed("models") == [[None], [None]]
    assert (await runs.remove(worker.url, ended.data.entries)).outcome.ok


@pytest.mark.parametrize("url", ["https://api.openai.com", "https://fox.ai"])
async def test_a_host_that_is_named_like_a_known_provider_is_one(runs: Runs, url: str) -> None:
    """The gateway compares the ends of names, and asks such a host nothing without a key; nor does herder."""
    ended = await runs.register(plan(url))

    assert ended.outcome.ok
    assert runs.listed("runtime_type") == [["external"], ["external"]]


async def test_what_a_provider_serves_is_offered_only_to_its_own_customers(
    runs: Runs, mock_workers: MockWorkers
) -> None:
    """So await_routable has nothing to see."""
    worker = mock_workers.add("a", Script(api_key="k3y", runtime="generic", models=("gpt-x",)))
    await runs.register(plan(worker.url, api_key="k3y", runtime="External"))

    offered = [await replica.list_model_ids() for replica in runs.replicas]

    assert offered == [frozenset(), frozenset()]
    assert b"gpt-x" in fetch(f"{runs.smgs[0].url}/v1/models", token="k3y")


async def test_a_disaggregated_pair_is_registered_with_its_bootstrap_port(
    runs: Runs, mock_workers: MockWorkers
) -> None:
    prefill, decode = mock_workers.add("p"), mock_workers.add("d")

    first = await runs.register(plan(prefill.url, workerType="Prefill", bootstrapPort=8998))
    second = await runs.register(plan(decode.url, workerType="Decode"))

    assert (first.outcome.ok, second.outcome.ok) == (True, True)
    shown = sorted((each["worker_type"], each.get("bootstrap_port")) for each in runs.smgs[0].workers())
    assert shown == [("decode", None), ("prefill", 8998)]
    assert set(first.data.routable.values()) | set(second.data.routable.values()) == {True}


async def test_an_encode_worker_is_registered(runs: Runs, mock_workers: MockWorkers) -> None:
    ended = await runs.register(plan(mock_workers.add("e").url, workerType="Encode"))

    assert ended.outcome.ok
    assert runs.listed("worker_type") == [["encode"], ["encode"]]


@pytest.mark.parametrize("runtime", ["SGLang", "vLLM", "TRTLLM", "MLX", "TokenSpeed"])
async def test_every_runtime_is_listed_by_the_word_that_it_was_declared_with(
    runs: Runs, mock_workers: MockWorkers, runtime: str
) -> None:
    ended = await runs.register(plan(mock_workers.add("a").url, runtime=runtime, probe="Gateway"))

    assert ended.outcome.ok
    assert runs.listed("runtime_type") == [[runtime.lower()], [runtime.lower()]]


@pytest.fixture
def ranked(log_dir: Path, http: CountingHttp) -> Iterator[Runs]:
    """One replica that lists data-parallel workers rank by rank."""
    smg = Smg.start("--dp-aware", log_dir=log_dir)
    yield Runs((smg,), http)
    smg.kill()


async def test_the_ranks_of_a_changed_worker_are_patched(ranked: Runs, mock_workers: MockWorkers) -> None:
    worker = mock_workers.add("a", Script(dp_size=2))
    entries = (await ranked.register(plan(worker.url, labels={"zone": "a"}))).data.entries
    ids = ranked.listed("id")

    ended = await ranked.update(plan(worker.url, priority=7, labels={"zone": "b"}), entries)

    assert ended.outcome.ok
    assert (ranked.listed("id"), ranked.listed("priority")) == (ids, [[7, 7]])
    assert (ranked.count("PATCH"), ranked.count("PUT"), ranked.count("DELETE")) == ([2], [0], [0])


async def test_ranks_that_only_a_put_could_change_are_drained_and_registered_anew(
    ranked: Runs, mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a", Script(dp_size=2))
    entries = (await ranked.register(plan(worker.url, labels={"zone": "a"}))).data.entries

    ended = await ranked.update(plan(worker.url), entries)

    assert ended.outcome.ok
    assert ["zone" in each["labels"] for each in ranked.smgs[0].workers()] == [False, False]
    assert (ranked.count("DELETE"), ranked.count("PUT"), ranked.count("POST")) == ([2], [0], [2])


async def test_a_worker_that_lost_a_rank_is_made_whole(ranked: Runs, mock_workers: MockWorkers) -> None:
    """A POST of its URL would be answered 202 and come to nothing while one rank is left."""
    worker, smg = mock_workers.add("a", Script(dp_size=2)), ranked.smgs[0]
    declared = plan(worker.url)
    entries = (await ranked.register(declared)).data.entries
    fetch(f"{smg.url}/workers/{smg.workers()[0]['id']}", method="DELETE")
    await eventually(lambda: len(smg.workers()) == 1)

    ended = await ranked.restarted().register(declared, entries)

    assert ended.outcome.ok
    assert ranked.listed() == [[f"{worker.url}@0", f"{worker.url}@1"]]
    assert ranked.count("POST") == [2]
