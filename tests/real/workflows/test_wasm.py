"""Both module workflows on three real replicas: what is registered is at work, and what is removed is not."""

import asyncio
import json
import urllib.error
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, override

import pytest

from herder.api.base import parse
from herder.api.wasm import WasmModuleSpec
from herder.engine import WorkflowEngine, WorkflowOutcome
from herder.gateway.replica import Replica
from herder.gateway.spec import WorkerSpec
from herder.gateway.wasm import ModuleSpec
from herder.net.address import AddressPolicy
from herder.net.http import Answer, Http
from herder.workflows.entry import Entry
from herder.workflows.owner import Owner
from herder.workflows.wasm import WasmPlan, WasmRegistration, WasmRemoval, registration, removal
from rig.gateway import Smg, running
from rig.waiting import eventually
from rig.wasm import ModuleFolder, component, sha256
from rig.web import fetch
from rig.workers import MockWorkers

_LIMIT_S = 90.0
OWNER = Owner("cluster", "ns", "name", "uid")
REJECTS = component("rejects", rejects=403)
LABELS = component("labels", header=("x-herder-test", "yes"))
PASSES = component("passes")


class WatchingHttp(Http):
    """The way out, open for loopback; `before` is what a replica listed right before each change that was sent to it.

    By its URL: the sha256 of each module, sorted. An addition is listed as soon as it is answered.
    """

    def __init__(self) -> None:
        super().__init__(AddressPolicy(allow_loopback=True))
        self.before: defaultdict[str, list[list[str]]] = defaultdict(list)

    @override
    async def request(self, method: str, url: str, **how: Any) -> Answer:
        if method in {"POST", "DELETE"} and "/wasm" in url:
            replica = url.partition("/wasm")[0]
            listed = await Replica(replica, self).wasm.list_modules()
            self.before[replica].append(sorted(module.sha256 for module in listed))
        return await super().request(method, url, **how)


@dataclass(frozen=True)
class Fleet:
    """Three fresh replicas that keep modules, a folder that all of them read, and an engine."""

    smgs: tuple[Smg, ...]
    http: WatchingHttp
    folder: ModuleFolder
    engine: WorkflowEngine = field(default_factory=WorkflowEngine)

    @property
    def replicas(self) -> tuple[Replica, ...]:
        return tuple(Replica(smg.url, self.http) for smg in self.smgs)

    def plan(self, file: str, content: bytes | None = None, **spec: Any) -> WasmPlan:
        """A declared module, with the content that its file must have."""
        declared = {"gatewayRef": {"name": "gw"}, "source": {"path": str(self.folder.path / file)}, **spec}
        if content is not None:
            declared["sha256"] = sha256(content)
        return WasmPlan(parse(WasmModuleSpec, declared), OWNER)

    async def register(
        self, plan: WasmPlan, entries: Mapping[str, Entry] | None = None, *, adopt: bool = False
    ) -> tuple[WorkflowOutcome, WasmRegistration]:
        """Run `wasm-registration` to its end."""
        data = WasmRegistration(plan, self.replicas, adopt=adopt, entries=dict(entries or {}))
        self.engine.register_workflow(registration())
        run = await self.engine.start_workflow(registration().id, data)
        return await self.engine.wait_for_completion(run, _LIMIT_S), data

    async def remove(self, entries: Mapping[str, Entry]) -> tuple[WorkflowOutcome, WasmRemoval]:
        """Run `wasm-removal` to its end."""
        data = WasmRemoval(OWNER, self.replicas, entries=dict(entries))
        definition = removal(60)
        self.engine.register_workflow(definition)
        run = await self.engine.start_workflow(definition.id, data)
        return await self.engine.wait_for_completion(run, _LIMIT_S), data

    async def contents(self) -> list[list[str]]:
        """The sha256 of what each replica lists."""
        listed = await asyncio.gather(*(replica.wasm.list_modules() for replica in self.replicas))
        return [sorted(module.sha256 for module in modules) for modules in listed]


@pytest.fixture
async def fleet(log_dir: Path, tmp_path: Path) -> AsyncIterator[Fleet]:
    """Three fresh replicas."""
    with running(3, "--enable-wasm", log_dir=log_dir) as smgs:
        async with WatchingHttp() as http:
            yield Fleet(smgs, http, ModuleFolder(tmp_path))


def chat(smg: Smg) -> int:
    """Return the status of a chat completion."""
    body = {"model": "mock-model", "messages": [{"role": "user", "content": "hi"}]}
    try:
        fetch(f"{smg.url}/v1/chat/completions", method="POST", body=json.dumps(body).encode())
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    return 200


async def statuses(fleet: Fleet) -> list[int]:
    """Return what a chat completion comes to on each replica."""
    return list(await asyncio.gather(*(asyncio.to_thread(chat, smg) for smg in fleet.smgs)))


async def with_worker(fleet: Fleet, url: str) -> None:
    """Have every replica serve."""
    for replica in fleet.replicas:
        await replica.add_worker(WorkerSpec(url=url))

    async def serves() -> bool:
        return await statuses(fleet) == [200, 200, 200]

    await eventually(serves)


async def test_a_module_is_at_work_on_every_replica_until_it_is_removed(
    fleet: Fleet, mock_workers: MockWorkers
) -> None:
    await with_worker(fleet, mock_workers.add("a").url)
    fleet.folder.put("a.wasm", REJECTS)

    outcome, data = await fleet.register(fleet.plan("a.wasm", REJECTS))
    registered = await statuses(fleet)
    removed, _ = await fleet.remove(data.entries)

    assert (outcome.ok, removed.ok) == (True, True), (outcome, removed)
    assert [entry.state.value for entry in data.entries.values()] == ["Ready"] * 3
    assert registered == [403, 403, 403]
    assert await statuses(fleet) == [200, 200, 200]
    assert await fleet.contents() == [[], [], []]


async def test_another_content_is_added_before_the_former_goes(fleet: Fleet) -> None:
    fleet.folder.put("a.wasm", PASSES)
    _, before = await fleet.register(fleet.plan("a.wasm", PASSES))
    fleet.folder.put("a.wasm", LABELS)
    fleet.http.before.clear()

    outcome, data = await fleet.register(fleet.plan("a.wasm", LABELS), before.entries)

    assert outcome.ok
    both = sorted([sha256(PASSES), sha256(LABELS)])
    assert fleet.http.before == {smg.url: [[sha256(PASSES)], both] for smg in fleet.smgs}
    assert await fleet.contents() == [[sha256(LABELS)]] * 3
    assert {entry.spec_hash for entry in data.entries.values()} == {data.plan.spec_hash}


async def test_of_one_content_the_former_makes_way_at_once_before_the_new_one_comes(fleet: Fleet) -> None:
    fleet.folder.put("a.wasm", PASSES)
    await fleet.register(fleet.plan("a.wasm", PASSES))
    fleet.http.before.clear()

    outcome, _ = await fleet.register(fleet.plan("a.wasm", PASSES, attachPoints=["OnRequest", "OnResponse"]))

    assert outcome.ok
    assert fleet.http.before == {smg.url: [[sha256(PASSES)], []] for smg in fleet.smgs}
    assert await fleet.contents() == [[sha256(PASSES)]] * 3
    assert [module.attach_points for module in await fleet.replicas[0].wasm.list_modules()] == [
        ("OnRequest", "OnResponse")
    ]


async def test_what_herder_can_not_read_the_replicas_refuse_and_nothing_stays_that_is_not_declared(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.folder.put("a.wasm", PASSES)
    monkeypatch.setattr("herder.workflows.wasm.files.MAX_CHECKED_BYTES", 0)

    outcome, data = await fleet.register(fleet.plan("a.wasm", LABELS))

    assert (outcome.failed_step, data.problems["verify"].reason) == ("verify", "Sha256Mismatch")
    assert sha256(PASSES) in data.problems["verify"].message
    assert await fleet.contents() == [[], [], []]


async def test_the_same_is_refused_before_a_replica_is_asked_where_herder_can_read_it(fleet: Fleet) -> None:
    fleet.folder.put("a.wasm", PASSES)
    fleet.folder.put("b.wasm", b"\0asm\x01\0\0\0")

    mismatch, first = await fleet.register(fleet.plan("a.wasm", LABELS))
    no_component, second = await fleet.register(fleet.plan("b.wasm"))

    assert (mismatch.failed_step, no_component.failed_step) == ("calculate_hash", "validate_component")
    assert (first.entries, second.entries) == ({}, {})


async def test_what_was_made_by_hand_is_refused_until_it_is_adopted(fleet: Fleet) -> None:
    path = fleet.folder.put("a.wasm", PASSES)
    await fleet.replicas[1].wasm.add_module(ModuleSpec("by-hand", path, ("OnRequest",)))
    declared = fleet.plan("a.wasm", PASSES)

    refused, data = await fleet.register(declared)
    contents = await fleet.contents()
    adopted, _ = await fleet.register(declared, adopt=True)

    assert (refused.failed_step, data.problems["check_duplicates"].reason) == ("check_duplicates", "ForeignEntry")
    assert contents == [[], [sha256(PASSES)], []]
    assert adopted.ok
    assert [module.name for module in await fleet.replicas[1].wasm.list_modules()] == [declared.name]


async def test_a_replica_that_was_restarted_gets_the_module_again_and_the_others_are_left_alone(fleet: Fleet) -> None:
    fleet.folder.put("a.wasm", PASSES)
    declared = fleet.plan("a.wasm", PASSES)
    _, before = await fleet.register(declared)
    await asyncio.to_thread(fleet.smgs[2].restart)

    outcome, after = await fleet.register(declared, before.entries)

    assert outcome.ok
    changed = [endpoint for endpoint in before.entries if before.entries[endpoint] != after.entries[endpoint]]
    assert changed == [fleet.smgs[2].url]
