"""Both workflows from end to end on real replicas, where nothing or something ordinary is wrong."""

import asyncio
from pathlib import Path

from herder.api.status import EntryState
from real.workflows.runs import CountingHttp, Runs, plan
from rig.gateway import Smg
from rig.waiting import eventually
from rig.workers import MockWorkers, Script


async def test_a_worker_is_registered_as_declared_and_removed_without_a_trace(
    runs: Runs, mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a")
    declared = plan(worker.url, priority=7, cost="0.3", labels={"zone": "a"}, workerType="Prefill")

    registered = await runs.register(declared)

    assert registered.outcome.ok
    assert registered.data.problems == {}
    assert set(registered.data.routable.values()) == {True}
    assert runs.listed("priority") == [[7], [7]]
    assert [worker["labels"]["zone"] for smg in runs.smgs for worker in smg.workers()] == ["a", "a"]
    assert (runs.count("POST"), runs.count("PUT")) == ([1, 1], [0, 0])
    assert (await runs.remove(worker.url, registered.data.entries)).outcome.ok
    assert runs.listed() == [[], []]
    assert runs.count("DELETE") == [1, 1]


async def test_a_second_run_changes_nothing(runs: Runs, mock_workers: MockWorkers) -> None:
    declared = plan(mock_workers.add("a").url)
    first = await runs.register(declared)

    second = await runs.restarted().register(declared, first.data.entries)

    assert second.outcome.ok
    assert second.data.entries == first.data.entries
    assert (runs.count("POST"), runs.count("PUT")) == ([1, 1], [0, 0])


async def test_a_changed_declaration_keeps_the_worker_and_its_id(runs: Runs, mock_workers: MockWorkers) -> None:
    url = mock_workers.add("a").url
    first = await runs.register(plan(url, priority=1, labels={"zone": "a"}))
    ids = runs.listed("id")

    second = await runs.register(plan(url, priority=2), first.data.entries)

    assert second.outcome.ok
    assert (runs.listed("id"), runs.listed("priority")) == (ids, [[2], [2]])
    assert ["zone" in worker["labels"] for smg in runs.smgs for worker in smg.workers()] == [False, False]


async def test_what_the_replicas_found_out_is_read_back(runs: Runs, mock_workers: MockWorkers) -> None:
    worker = mock_workers.add("a", Script(runtime="vllm", models=("a-model",)))

    ended = await runs.register(plan(worker.url, probe="Gateway"))

    assert ended.outcome.ok
    facts = ended.data.facts
    assert (facts.connection_mode, facts.runtime, facts.models) == ("http", "vllm", ("a-model",))


async def test_an_external_provider_is_registered_with_its_key(runs: Runs, mock_workers: MockWorkers) -> None:
    worker = mock_workers.add("a", Script(api_key="k3y", runtime="generic", models=("gpt-x",)))

    ended = await runs.register(plan(worker.url, api_key="k3y", runtime="External"))

    assert ended.outcome.ok
    assert ended.data.facts.models == ("gpt-x",)
    assert (await runs.remove(worker.url, ended.data.entries)).outcome.ok
    assert runs.listed() == [[], []]


async def test_one_replica_away_does_not_keep_the_worker_from_the_other(runs: Runs, mock_workers: MockWorkers) -> None:
    first, second = runs.smgs
    declared = plan(mock_workers.add("a").url)
    first.kill()

    one = await runs.register(declared)
    first.restart()
    both = await runs.register(declared, one.data.entries)

    assert one.outcome.ok
    assert {endpoint: entry.state for endpoint, entry in one.data.entries.items()} == {
        first.url: EntryState.UNREACHABLE,
        second.url: EntryState.READY,
    }
    assert both.outcome.ok
    assert runs.listed("status") == [["ready"], ["ready"]]


async def test_a_replica_that_hangs_is_left_out_and_waited_for_by_the_removal(
    runs: Runs, mock_workers: MockWorkers
) -> None:
    first, second = runs.smgs
    worker = mock_workers.add("a")
    entries = (await runs.register(plan(worker.url))).data.entries
    first.pause()

    removing = asyncio.create_task(runs.remove(worker.url, entries))
    await eventually(lambda: second.workers() == [])
    is_early = removing.done()
    first.resume()
    ended = await removing

    assert not is_early
    assert ended.outcome.ok
    assert runs.listed() == [[], []]


async def test_a_replica_that_forgot_everything_gets_the_worker_again(runs: Runs, mock_workers: MockWorkers) -> None:
    declared = plan(mock_workers.add("a").url)
    entries = (await runs.register(declared)).data.entries
    runs.smgs[0].restart()

    ended = await runs.register(declared, entries)

    assert ended.outcome.ok
    assert runs.listed("status") == [["ready"], ["ready"]]
    assert (runs.count("POST"), runs.count("PUT")) == ([2, 1], [0, 0])


async def test_the_ranks_of_a_data_parallel_worker_are_one_worker(
    log_dir: Path, http: CountingHttp, mock_workers: MockWorkers
) -> None:
    smg = Smg.start("--dp-aware", log_dir=log_dir)
    try:
        runs = Runs((smg,), http)
        worker = mock_workers.add("a", Script(dp_size=2))
        declared = plan(worker.url)

        first = await runs.register(declared)
        second = await runs.restarted().register(declared, first.data.entries)
        removed = await runs.remove(worker.url, second.data.entries)

        assert (first.outcome.ok, second.outcome.ok, removed.outcome.ok) == (True, True, True)
        assert second.data.facts.dp_size == 2
        assert (runs.count("POST"), runs.count("DELETE")) == ([1], [2])
        assert runs.listed() == [[]]
    finally:
        smg.kill()
