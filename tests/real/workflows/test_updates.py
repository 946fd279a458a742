"""worker-update on real replicas: PATCH where it suffices, else PUT, and no request is lost on the way."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from herder.workflows.entry import Entry
from real.workflows.runs import Ended, Runs, plan
from rig.waiting import eventually
from rig.workers import MockWorker, MockWorkers, Script


async def test_what_a_patch_can_change_is_patched_and_applied(runs: Runs, mock_workers: MockWorkers) -> None:
    worker = mock_workers.add("a", Script(api_key="k3y"))
    entries = (await runs.register(plan(worker.url, api_key="k3y", priority=1, labels={"zone": "a"}))).data.entries
    ids = runs.listed("id")
    worker.change(api_key="k3y2")
    changed = plan(worker.url, api_key="k3y2", priority=2, cost="0.5", labels={"zone": "b", "rack": "1"})

    ended = await runs.update(changed, entries)

    assert ended.outcome.ok
    assert (runs.count("PATCH"), runs.count("PUT"), runs.count("POST")) == ([1, 1], [0, 0], [1, 1])
    assert (runs.listed("id"), runs.listed("priority"), runs.listed("cost")) == (ids, [[2], [2]], [[0.5], [0.5]])
    assert [worker["labels"]["rack"] for smg in runs.smgs for worker in smg.workers()] == ["1", "1"]
    assert [await ask(runs, number) for number in range(2)] == [worker.name, worker.name]


async def test_a_second_update_changes_nothing(runs: Runs, mock_workers: MockWorkers) -> None:
    worker = mock_workers.add("a")
    entries = (await runs.register(plan(worker.url, priority=1))).data.entries
    first = await runs.update(plan(worker.url, priority=2), entries)

    second = await runs.restarted().update(plan(worker.url, priority=2), first.data.entries)

    assert second.outcome.ok
    assert (runs.count("PATCH"), runs.count("PUT")) == ([1, 1], [0, 0])


PUTS: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "a label taken away": ({"labels": {"zone": "a"}}, {}),
    "another type": ({}, {"workerType": "Decode"}),
    "another runtime": ({}, {"runtime": "TRTLLM"}),
    "another bootstrap port": (
        {"workerType": "Prefill", "bootstrapPort": 8998},
        {"workerType": "Prefill", "bootstrapPort": 8999},
    ),
    "a model named": ({}, {"models": ["mock-model"]}),
}


@pytest.mark.parametrize(("before", "after"), PUTS.values(), ids=PUTS)
async def test_what_a_patch_can_not_change_is_put_and_the_worker_keeps_its_id(
    runs: Runs, mock_workers: MockWorkers, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    worker = mock_workers.add("a")
    entries = (await runs.register(plan(worker.url, **before))).data.entries
    ids = runs.listed("id")

    ended = await runs.update(plan(worker.url, **after), entries)

    assert ended.outcome.ok
    assert (runs.count("PATCH"), runs.count("PUT"), runs.count("DELETE")) == ([0, 0], [1, 1], [0, 0])
    assert runs.listed("id") == ids
    assert ["zone" in entry.get("labels", {}) for smg in runs.smgs for entry in smg.workers()] == [False, False]


async def test_a_label_that_the_gateway_refuses_only_when_it_applies_it_is_told(
    runs: Runs, mock_workers: MockWorkers
) -> None:
    """The answer is 202; the worker stays as it was, and its job says what is wrong."""
    worker = mock_workers.add("a")
    entries = (await runs.register(plan(worker.url))).data.entries

    ended = await runs.update(plan(worker.url, labels={"constrained_decoding": "perhaps"}), entries)

    assert ended.reason == "await_applied: GatewayRefused"
    assert "constrained_decoding" in ended.data.problems["await_applied"].message
    assert runs.listed("status") == [["ready"], ["ready"]]


async def test_a_worker_that_is_down_gets_what_a_patch_changes(runs: Runs, mock_workers: MockWorkers) -> None:
    worker = mock_workers.add("a")
    entries = (await runs.register(plan(worker.url))).data.entries
    worker.crash()

    ended = await runs.update(plan(worker.url, priority=2), entries)

    assert ended.outcome.ok
    assert runs.listed("priority") == [[2], [2]]


async def ask(runs: Runs, number: int, model: str = "mock-model") -> str:
    """Send a chat request through a replica; returns which worker answered."""
    answer = await runs.http.request(
        "POST",
        f"{runs.smgs[number].url}/v1/chat/completions",
        json={"model": model, "messages": [{"role": "user", "content": "hello"}]},
        deadline_s=240.0,
    )
    assert answer.status == 200, answer.body
    content: str = json.loads(answer.body)["choices"][0]["message"]["content"]
    return content


async def _while_asked(runs: Runs, worker: MockWorker, act: Callable[[], Awaitable[object]]) -> list[str]:
    """Do something while the worker has a request of each replica under way; returns who answered those."""
    asked = [asyncio.create_task(ask(runs, number)) for number in range(len(runs.smgs))]
    await eventually(lambda: all(any(entry["load"] for entry in smg.workers()) for smg in runs.smgs))
    await act()
    assert not any(each.done() for each in asked)
    worker.change(holds_chats=False)
    return await asyncio.gather(*asked)


async def _held(runs: Runs, mock_workers: MockWorkers) -> tuple[MockWorker, Mapping[str, Entry]]:
    """A registered worker that answers no chat yet."""
    worker = mock_workers.add("a", Script(holds_chats=True))
    return worker, (await runs.register(plan(worker.url))).data.entries


async def _ok[D](run: Awaitable[Ended[D]]) -> None:
    assert (await run).outcome.ok


@pytest.mark.parametrize(
    ("change", "method"), [({"priority": 2}, "PATCH"), ({"workerType": "Regular", "runtime": "SGLang"}, "PUT")]
)
async def test_a_request_under_way_survives_an_update(
    runs: Runs, mock_workers: MockWorkers, change: Mapping[str, Any], method: str
) -> None:
    worker, entries = await _held(runs, mock_workers)
    changed = plan(worker.url, **change)

    answered = await _while_asked(runs, worker, lambda: _ok(runs.update(changed, entries)))

    assert answered == [worker.name, worker.name]
    assert runs.count(method) == [1, 1]


async def test_a_request_under_way_survives_the_removal(runs: Runs, mock_workers: MockWorkers) -> None:
    """The gateway takes a worker off after its drain's time, and lets what it was asked end all the same."""
    worker, entries = await _held(runs, mock_workers)

    answered = await _while_asked(runs, worker, lambda: _ok(runs.remove(worker.url, entries)))

    assert answered == [worker.name, worker.name]
    assert runs.listed() == [[], []]


async def test_a_request_under_way_survives_a_changed_url(runs: Runs, mock_workers: MockWorkers) -> None:
    worker, entries = await _held(runs, mock_workers)
    other = mock_workers.add("b")

    async def move() -> None:
        await _ok(runs.remove(worker.url, entries))
        await _ok(runs.register(plan(other.url)))

    answered = await _while_asked(runs, worker, move)

    assert answered == [worker.name, worker.name]
    assert runs.listed() == [[other.url], [other.url]]
    assert await ask(runs, 0) == other.name
