"""The traps of the real gateway that the workflows keep closed. Each test goes red when the handling is taken out."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from herder.api.status import EntryState
from herder.workflows.entry import LOST_ADD, Entry
from herder.workflows.removal.data import Removal
from real.workflows.runs import Ended, Runs, plan
from rig.waiting import eventually
from rig.workers import MockWorker, MockWorkers, Script

BY_GATEWAY = {"probe": "Gateway"}


async def test_a_registration_that_ends_in_a_silent_404_is_posted_again(hasty: Runs, mock_workers: MockWorkers) -> None:
    """The gateway gives up and leaves no trace of it in its API: no status `failed`, no reason."""
    worker = mock_workers.add("a", Script(up=False))
    data = hasty.data(plan(worker.url, **BY_GATEWAY))
    instance = await hasty.start(data)
    await eventually(lambda: min(hasty.count("POST")) >= 2)

    worker.heal()
    ended = await hasty.wait(instance, data)

    assert ended.outcome.ok
    assert hasty.listed("status") == [["ready"], ["ready"]]


async def _left_pending(runs: Runs, worker: MockWorker) -> dict[str, Entry]:
    """Cancel a registration that waits for a worker that is down; return what is known of it on each replica."""
    data = runs.data(plan(worker.url, **BY_GATEWAY))
    instance = await runs.start(data)
    await eventually(lambda: len(data.entries) == 2 and all(entry.worker_id for entry in data.entries.values()))
    await runs.engine.cancel_workflow(instance)
    return data.entries


async def _outlives(runs: Runs, worker: MockWorker, removal: Coroutine[Any, Any, Ended[Removal]]) -> None:
    """Assert that a removal does not end before the worker has come up and was taken off, for good."""
    removing = asyncio.create_task(removal)
    await asyncio.sleep(1.0)
    is_early = removing.done()
    worker.heal()
    ended = await removing

    assert not is_early
    assert ended.outcome.ok
    await asyncio.sleep(2.0)
    assert runs.listed() == [[], []]


async def test_a_registration_that_is_still_pending_is_not_deleted_but_outlived(
    runs: Runs, mock_workers: MockWorkers
) -> None:
    """A DELETE would be answered 202 and be lost, and the worker appear as soon as it is up."""
    worker = mock_workers.add("a", Script(up=False))
    entries = await _left_pending(runs, worker)

    await _outlives(runs, worker, runs.remove(worker.url, entries))


async def test_an_empty_list_is_no_proof_where_the_id_of_an_add_was_lost(runs: Runs, mock_workers: MockWorkers) -> None:
    """A process was killed between its POST and the answer: in no list, under no known id, and yet it will appear."""
    worker = mock_workers.add("a", Script(up=False))
    declared = plan(worker.url)
    for replica in runs.replicas:
        await replica.add_worker(declared.worker_spec_declared)
    lost = {smg.url: LOST_ADD for smg in runs.smgs}
    next_process = runs.restarted()

    await _outlives(runs, worker, next_process.remove(worker.url, lost))


async def test_a_404_is_no_proof_where_the_replica_was_away_after_its_post(
    runs: Runs, mock_workers: MockWorkers
) -> None:
    """The record says Unreachable, the list is empty, and the registration is pending."""
    worker = mock_workers.add("a", Script(up=False))
    entries = await _left_pending(runs, worker)
    away = {endpoint: replace(entry, state=EntryState.UNREACHABLE) for endpoint, entry in entries.items()}

    await _outlives(runs, worker, runs.remove(worker.url, away))


async def test_a_drain_is_not_cut_short_by_a_removal_that_begins_anew(runs: Runs, mock_workers: MockWorkers) -> None:
    """A second DELETE would remove the worker at once, with requests under way."""
    worker = mock_workers.add("a")
    declared = plan(worker.url, drain={"settleSeconds": 6})
    entries = (await runs.register(declared)).data.entries
    first = asyncio.create_task(runs.remove(worker.url, entries))
    await eventually(lambda: runs.listed("status") == [["draining"], ["draining"]])

    second = asyncio.create_task(runs.restarted().remove(worker.url, entries))
    await asyncio.sleep(1.0)

    assert runs.listed("status") == [["draining"], ["draining"]]
    assert ((await first).outcome.ok, (await second).outcome.ok) == (True, True)
    assert runs.count("DELETE") == [1, 1]
    assert runs.listed() == [[], []]


async def _registered_again(runs: Runs, worker: MockWorker) -> bool:
    """Register, drain, remove, and register at once with the worker down for a while: long enough to be looked at."""
    declared = plan(worker.url, drain={"settleSeconds": 1}, **BY_GATEWAY)
    entries = (await runs.register(declared)).data.entries
    await runs.remove(worker.url, entries)
    await asyncio.to_thread(worker.crash)
    data = runs.data(declared)
    instance = await runs.start(data)
    await asyncio.sleep(5.0)
    await asyncio.to_thread(worker.heal)
    return (await runs.wait(instance, data)).outcome.ok


async def test_a_worker_that_is_registered_again_at_once_is_posted_once(runs: Runs, mock_workers: MockWorkers) -> None:
    """Within 2.5 s of its removal, that wipes out the new job's status: the id reads as gone while it registers."""
    workers = [mock_workers.add(f"w{number}") for number in range(4)]

    registered = await asyncio.gather(*(_registered_again(runs, worker) for worker in workers))

    assert registered == [True] * 4
    assert runs.count("POST") == [2 * 4, 2 * 4]
    assert runs.listed() == [sorted(worker.url for worker in workers)] * 2


async def test_a_trailing_slash_makes_no_second_worker(runs: Runs, mock_workers: MockWorkers) -> None:
    """The gateway takes two spellings for two workers."""
    worker = mock_workers.add("a")
    plain, slashed = plan(worker.url), plan(f"{worker.url}/")

    first = await runs.register(slashed)
    second = await runs.restarted().register(plain)

    assert (first.outcome.ok, second.outcome.ok) == (True, True)
    assert runs.listed() == [[worker.url], [worker.url]]
    assert (await runs.remove(slashed.url, second.data.entries)).outcome.ok
    assert runs.listed() == [[], []]


async def test_another_spelling_that_somebody_else_registered_is_seen(runs: Runs, mock_workers: MockWorkers) -> None:
    worker = mock_workers.add("a")
    theirs = f"{worker.url}/"
    first = runs.smgs[0]
    answer = await runs.http.request("POST", f"{first.url}/workers", json={"url": theirs}, deadline_s=5)
    assert answer.status == 202
    await eventually(lambda: [each["url"] for each in first.workers()] == [theirs])

    refused = await runs.register(plan(worker.url))
    adopted = await runs.restarted().register(plan(worker.url, priority=7), refused.data.entries, adopt=True)

    assert refused.reason == "register: ForeignEntry"
    assert adopted.outcome.ok
    assert runs.listed() == [[theirs], [worker.url]]
    assert runs.listed("priority") == [[7], [7]]


async def test_a_keyed_worker_without_its_key_is_never_posted(hasty: Runs, mock_workers: MockWorkers) -> None:
    """It would look lost after half a minute and then appear, under another id and with an unknown model: a ghost."""
    worker = mock_workers.add("a", Script(api_key="k3y"))

    without = await hasty.register(plan(worker.url))
    posted = hasty.count("POST")
    with_key = await hasty.register(plan(worker.url, api_key="k3y"))

    assert without.reason == "detect_backend: WorkerUnauthorized"
    assert posted == [0, 0]
    assert with_key.outcome.ok
    assert hasty.listed("model_id") == [["mock-model"], ["mock-model"]]


async def test_a_replacement_that_failed_because_the_worker_did_not_answer_is_sent_again(
    hasty: Runs, mock_workers: MockWorkers
) -> None:
    """The failed change of a listed worker, unlike a failed registration, can be read: it must not be the end."""
    worker = mock_workers.add("a")
    entries = (await hasty.register(plan(worker.url, **BY_GATEWAY))).data.entries
    worker.crash()
    data = hasty.data(plan(worker.url, workerType="Decode", **BY_GATEWAY), entries)
    instance = await hasty.start(data)
    await eventually(lambda: min(hasty.count("PUT")) >= 2, 20.0)

    worker.heal()
    ended = await hasty.wait(instance, data)

    assert ended.outcome.ok
    assert hasty.listed("worker_type") == [["decode"], ["decode"]]
    assert hasty.count("POST") == [1, 1]
