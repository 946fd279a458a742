"""Whole runs in the real engine: fake replicas, fake workers, virtual time (decorate the test with `virtual_time`)."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from herder.engine import Event, StepStarted, WorkflowEngine, WorkflowOutcome
from herder.net.address import AddressPolicy
from herder.net.errors import DeadlineExceeded, Unreachable
from herder.net.http import MAX_BODY_BYTES, Answer, Http
from herder.net.tls import SYSTEM_TRUST, Trust
from herder.workflows.convergence import Convergence
from herder.workflows.entry import Entry
from herder.workflows.plan import Plan
from herder.workflows.probing import Asked, Prober, ServedModel, ServerInfo
from herder.workflows.registration import registration
from herder.workflows.registration.data import Registration
from herder.workflows.removal import removal
from herder.workflows.removal.data import Removal
from herder.workflows.update import Update, update
from unit.engine.kit import clock, statuses
from unit.workflows.fakes import FakeReplica, FakeWorker, now_s
from unit.workflows.made import OWNER, URL

if TYPE_CHECKING:
    from herder.workflows.grpc_probing import GrpcProber

FAR_LATER_S = 1000.0


class FakeHttp(Http):
    """Brings the questions to the fake workers instead of the network."""

    def __init__(self, workers: dict[str, FakeWorker]) -> None:
        super().__init__(AddressPolicy())
        self._workers = workers

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        deadline_s: float,
        max_body_bytes: int = MAX_BODY_BYTES,
        trust: Trust = SYSTEM_TRUST,
    ) -> Answer:
        worker = next((each for each in self._workers.values() if url.startswith(f"{each.url}/")), None)
        if worker is None or worker.up_since_s is None or worker.up_since_s > now_s():
            raise Unreachable(f"{url}: connection refused")
        path = url.removeprefix(worker.url)
        worker.asked.append(path)
        if worker.delay_s:
            await asyncio.sleep(min(worker.delay_s, deadline_s))
        if worker.delay_s > deadline_s:
            raise DeadlineExceeded(f"{url}: no answer within {deadline_s:g} s")
        if path != "/health" and worker.key and (headers or {}).get("Authorization") != f"Bearer {worker.key}":
            return Answer(401, {}, b"")
        return _answer(worker, path)

    async def vet(self, url: str, *, deadline_s: float) -> None:
        """Judge addresses; every name resolves."""
        AddressPolicy().check_literal(url.partition("://")[2].partition("/")[0].partition(":")[0])


class FakeGrpc:
    """Answers for the fake workers as they would over gRPC."""

    def __init__(self, workers: dict[str, FakeWorker]) -> None:
        self._workers = workers

    async def runtime(self, asked: Asked) -> str:
        return self._worker(asked, "runtime").runtime

    async def models(self, asked: Asked) -> tuple[ServedModel, ...]:
        return tuple(ServedModel(model, context_length=4096) for model in self._worker(asked, "models").models)

    async def server_info(self, asked: Asked) -> ServerInfo:
        worker = self._worker(asked, "server_info")
        return ServerInfo(worker.dp_size, worker.version)

    def _worker(self, asked: Asked, question: str) -> FakeWorker:
        worker = self._workers[asked.url]
        if worker.up_since_s is None or worker.up_since_s > now_s():
            raise Unreachable(f"{asked.url}: no connection came about")
        worker.asked.append(question)
        return worker


def _answer(worker: FakeWorker, path: str) -> Answer:
    bodies: dict[str, object] = {
        "/health": {},
        "/v1/models": {"data": [{"id": m, "owned_by": worker.runtime, "max_model_len": 4096} for m in worker.models]},
    }
    if worker.runtime == "sglang":
        bodies["/server_info"] = {"dp_size": worker.dp_size, "version": worker.version or "0.5"}
    if worker.runtime == "vllm":
        bodies["/version"] = {"version": worker.version or "0.9"}
    body = bodies.get(path)
    return Answer(404, {}, b"") if body is None else Answer(200, {}, json.dumps(body).encode())


@dataclass(frozen=True, slots=True)
class Ended[D]:
    """A run that has ended: how, on what data, with which step where."""

    outcome: WorkflowOutcome
    data: D
    steps: Mapping[str, str]


@dataclass(slots=True)
class World:
    """Two replicas, or one, one worker at URL, and an engine."""

    worker: FakeWorker = field(default_factory=lambda: FakeWorker(URL))
    workers: dict[str, FakeWorker] = field(default_factory=dict)
    has_b: bool = True
    a: FakeReplica = field(init=False)
    b: FakeReplica = field(init=False)
    engine: WorkflowEngine = field(init=False)

    def __post_init__(self) -> None:
        self.workers[self.worker.url] = self.worker
        self.a, self.b = FakeReplica("http://gw-a", self.workers), FakeReplica("http://gw-b", self.workers)
        self.engine = WorkflowEngine(clock=clock)

    @property
    def replicas(self) -> tuple[FakeReplica, ...]:
        return (self.a, self.b) if self.has_b else (self.a,)

    @property
    def prober(self) -> Prober:
        """Asks the fake workers, in both languages."""
        prober = Prober(FakeHttp(self.workers))
        prober.grpc = cast("GrpcProber", FakeGrpc(self.workers))
        return prober

    def registration(
        self, plan: Plan, *, adopt: bool = False, entries: Mapping[str, Entry] | None = None
    ) -> Registration:
        """The data of a run that brings `plan` onto the replicas."""
        data = Registration(plan, self.replicas, self.prober, adopt=adopt, now=clock)
        data.entries.update(entries or {})
        return data

    async def register(
        self, plan: Plan, *, budget_s: int = 30, adopt: bool = False, entries: Mapping[str, Entry] | None = None
    ) -> Ended[Registration]:
        """Run `worker-registration` to its end."""
        data = self.registration(plan, adopt=adopt, entries=entries)
        return await self.wait(await self.start(data, budget_s=budget_s), data)

    async def start(self, data: Registration, *, budget_s: int = 30) -> str:
        """Start `worker-registration`; returns its instance."""
        definition = registration(budget_s)
        self.engine.register_workflow(definition)
        return await self.engine.start_workflow(definition.id, data)

    async def update(self, plan: Plan, entries: Mapping[str, Entry], *, budget_s: int = 30) -> Ended[Update]:
        """Run `worker-update` to its end, on what a registration has left."""
        data = Update(plan, self.replicas, self.prober, entries=dict(entries), now=clock)
        definition = update(budget_s)
        self.engine.register_workflow(definition)
        return await self.wait(await self.engine.start_workflow(definition.id, data), data)

    async def remove(
        self, entries: Mapping[str, Entry] | None = None, *, url: str = URL, timeout_s: int = 60
    ) -> Ended[Removal]:
        """Run `worker-removal` to its end, on what a registration has left."""
        return await self.carry_out(self.removal(entries, url=url), timeout_s=timeout_s)

    async def carry_out(self, data: Removal, *, timeout_s: int = 60) -> Ended[Removal]:
        """Run `worker-removal` to its end on these data."""
        definition = removal(timeout_s)
        self.engine.register_workflow(definition)
        return await self.wait(await self.engine.start_workflow(definition.id, data), data)

    def removal(self, entries: Mapping[str, Entry] | None = None, *, url: str = URL) -> Removal:
        """The data of a run that takes what OWNER declared off the replicas."""
        return Removal(url, OWNER, self.replicas, entries=dict(entries or {}), now=clock)

    async def wait[D](self, instance_id: str, data: D) -> Ended[D]:
        """Wait for the end of a run."""
        outcome = await self.engine.wait_for_completion(instance_id, None)
        return Ended(outcome, data, statuses(self.engine, instance_id))


@dataclass(frozen=True, slots=True)
class AtStep:
    """Does something when a step's first attempt begins; subscribe it to the engine's bus."""

    step_id: str
    act: Callable[[], None]

    async def on_event(self, event: Event) -> None:
        if isinstance(event, StepStarted) and (event.step_id, event.attempt) == (self.step_id, 1):
            self.act()


async def until(check: Callable[[], object]) -> None:
    """Let time pass until this is so."""
    while True:
        if check():
            return
        await asyncio.sleep(0.01)


async def nothing_comes(world: World) -> None:
    """Assert that no replica lists anything, though the worker is up and much time passes."""
    if world.worker.up_since_s is None:
        world.worker.rise()
    await asyncio.sleep(FAR_LATER_S)
    assert [each for replica in world.replicas for each in replica.listed] == []


def states(data: Convergence | Removal) -> dict[str, str]:
    """What is recorded of each replica."""
    return {endpoint.removeprefix("http://gw-"): entry.state.value for endpoint, entry in data.entries.items()}


def reason(ended: Ended[Any]) -> str:
    """Why the run failed."""
    step: str = ended.outcome.failed_step or ""
    found: str = ended.data.problems[step].reason
    return f"{step}: {found}"
