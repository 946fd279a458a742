"""The whole operator but for kopf, in virtual time: a fake API server that is watched, fake replicas, fake workers."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property, wraps
from typing import Any, Concatenate

import pytest

from herder.api.base import parse
from herder.api.worker import WorkerRegistrationStatus
from herder.controller.clock import Clock
from herder.controller.known.objects import KINDS, Body, Key, Objects
from herder.controller.leadership.mandate import Mandate
from herder.controller.metrics.registry import Metrics
from herder.controller.operator import Operator
from herder.controller.options import Options
from herder.controller.parts import Means
from herder.controller.wiring import operator_of
from herder.engine import WorkflowEngine
from herder.gateway.types import Worker
from herder.net.mcp import McpClient
from herder.net.tls import Trust
from rig.kstatus import check
from unit.controller.fake_kube import NAMESPACE, FakeKube
from unit.engine.kit import clock, virtual_time
from unit.workflows.fakes import FakeReplica, FakeWorker
from unit.workflows.tokenizer_world import FakeReplica as FakeTokenizers
from unit.workflows.wasm.fakes import ONE, OTHER_PATH, PATH, TWO, FakeModules
from unit.workflows.world import FakeHttp

ENDPOINTS = ("http://replica-a", "http://replica-b")
GATEWAY = Key("ModelGateway", NAMESPACE, "gw")
INSTALLATION = "cluster"
PATIENCE_S = 120.0


class ListedReplica(FakeReplica):
    """A fake replica with what the controller itself asks of one."""

    credentials: tuple[str | None, Trust] | None = None

    @cached_property
    def tokenizers(self) -> FakeTokenizers:
        """Its tokenizers, which live and die apart from its workers."""
        return FakeTokenizers(self.endpoint)

    @cached_property
    def wasm(self) -> FakeModules:
        """Its modules, which live and die apart from its workers."""
        return FakeModules(self.endpoint, files={PATH: ONE, OTHER_PATH: TWO})

    async def list_workers(self) -> tuple[Worker, ...]:
        await self._called("list_workers")
        return tuple(self.listed)

    def use(self, *, api_key: str | None, trust: Trust) -> None:
        self.credentials = (api_key, trust)


class Alias:
    """A replica under another URL: what is asked of it is asked of the replica itself."""

    def __init__(self, of: ListedReplica, endpoint: str) -> None:
        self.endpoint = endpoint
        self._of = of

    def __getattr__(self, name: str) -> Any:
        return getattr(self._of, name)


class Office:
    """What a test sees and does."""

    def __init__(self, options: Options | None = None) -> None:
        self._options = options or Options()
        self.kube = FakeKube()
        self.workers: dict[str, FakeWorker] = {}
        self.replicas = {endpoint: ListedReplica(endpoint, self.workers) for endpoint in ENDPOINTS}
        self.aliases: dict[str, Alias] = {}
        self.is_deaf = False
        self.operator = self.hire()
        self.kube.watches.append(self._watch)

    @property
    def a(self) -> ListedReplica:
        return self.replicas[ENDPOINTS[0]]

    def hire(self) -> Operator:
        loop = asyncio.get_running_loop()
        time = Clock(monotonic=loop.time, now=clock)
        engine = WorkflowEngine(clock=clock)
        http = FakeHttp(self.workers)
        means = Means(
            options=self._options,
            kube=self.kube,
            http=http,
            probing=http,
            asker=McpClient(http),
            installation=INSTALLATION,
            mandate=Mandate.for_good(),
            metrics=Metrics(time),
            objects=Objects(),
            engine=engine,
            clock=time,
        )
        return operator_of(means)

    def _watch(self, body: Body, is_gone: bool) -> None:
        if not self.is_deaf and body["kind"] in KINDS:
            intake = self.operator.known.intake
            tell = intake.gone if is_gone else intake.seen
            asyncio.get_running_loop().call_soon(tell, body)

    @contextmanager
    def late_news(self) -> Iterator[None]:
        """Let the watch tell of what happens within the block after it only."""
        kept: list[tuple[Body, bool]] = []
        watches, self.kube.watches = self.kube.watches, [lambda body, is_gone: kept.append((body, is_gone))]
        yield
        self.kube.watches = watches
        for body, is_gone in kept:
            self._watch(body, is_gone)

    # What users do.

    def gateway(self, *endpoints: str, **spec: Any) -> None:
        self.kube.apply(GATEWAY.kind, GATEWAY.name, {"endpoints": list(endpoints or ENDPOINTS), **spec})

    def aliased(self) -> list[str]:
        """Give each replica a second URL, and return these."""
        self.aliases = {f"{e}.alias": Alias(self.replicas[e], f"{e}.alias") for e in ENDPOINTS}
        return list(self.aliases)

    def worker(self, name: str = "a", *, up: bool = True, **spec: Any) -> Key:
        """Declare the worker http://NAME, up or down."""
        url = spec.pop("url", f"http://{name}:8000")
        self.workers.setdefault(url, FakeWorker(url, up_since_s=0.0 if up else None))
        body = {"gatewayRef": {"name": "gw"}, "url": url, "drain": {"settleSeconds": 0}, **spec}
        self.kube.apply("WorkerRegistration", name, body)
        return Key("WorkerRegistration", NAMESPACE, name)

    def annotate(self, key: Key, **tokens: str) -> None:
        self.kube.touch(key, annotations={f"herder.dev/{word}": token for word, token in tokens.items()})

    # What they see.

    def condition(self, key: Key, kind: str = "Ready") -> dict[str, Any]:
        conditions = self.kube.status(key).get("conditions", [])
        return next((each for each in conditions if each["type"] == kind), {})

    def says(self, key: Key, reason: str) -> Callable[[], bool]:
        return lambda: self.condition(key).get("reason") == reason

    def is_gone(self, key: Key) -> bool:
        return key.path not in self.kube.bodies

    def listed(self, endpoint: str = ENDPOINTS[0]) -> list[str]:
        return [worker.url for worker in self.replicas[endpoint].listed]

    async def until(self, check: Callable[[], object], within_s: float = PATIENCE_S) -> None:
        async with asyncio.timeout(within_s):
            while not check():  # noqa: ASYNC110  (time is virtual)
                await asyncio.sleep(0.01)

    async def registered(self, key: Key) -> None:
        await self.until(self.says(key, "Registered"))

    def told(self, key: Key) -> list[tuple[str, str]]:
        """The type and the reason of each Event about an object."""
        events = [event for event in self.kube.events if event["involvedObject"]["name"] == key.name]
        return [(event["type"], event["reason"]) for event in events]

    def has_begun(self, key: Key) -> Callable[[], bool]:
        return lambda: "workflow" in self.kube.status(key)

    @property
    def posts(self) -> int:
        """How many registrations were sent."""
        return sum(replica.count("add_worker") for replica in self.replicas.values())

    def writes(self, key: Key) -> int:
        return sum(call.method == "PATCH" and call.path.startswith(key.path) for call in self.kube.calls)

    async def stop(self) -> None:
        """Stop the operator in order."""
        self._work.cancel()
        await asyncio.wait({self._work})
        await self.operator.close()

    async def kill(self) -> None:
        """End the operator as it stands: nothing is written any more."""
        self.operator.mandate.end()
        await self.stop()

    async def start(self) -> None:
        await self.operator.start()
        self._work = asyncio.create_task(self.operator.work())

    async def restart(self) -> None:
        """Stop the operator in order, and start another."""
        await self.stop()
        self.operator = self.hire()
        await self.start()


@asynccontextmanager
async def working(options: Options | None = None) -> AsyncIterator[Office]:
    """An operator at work on a gateway with two replicas. What it leaves keeps the rules, and no task is left."""
    office = Office(options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "herder.controller.fleet.gateways.Replica",
            lambda endpoint, *_, **__: office.aliases.get(endpoint) or office.replicas[endpoint],
        )
        office.gateway()
        await office.start()
        try:
            yield office
            for body in office.kube.bodies.values():
                _keeps_the_rules(body)
        finally:
            await office.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}


def at_work[**P](test: Callable[Concatenate[Office, P], Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test in virtual time; its first argument is an office with the operator at work, see `working`."""

    @wraps(test)
    @virtual_time
    async def in_office(*args: P.args, **kwargs: P.kwargs) -> None:
        async with working() as office:
            await test(office, *args, **kwargs)

    signature = inspect.signature(test)
    parameters = tuple(signature.parameters.values())[1:]  # the rest is for pytest to find
    vars(in_office)["__signature__"] = signature.replace(parameters=parameters)
    return in_office


def _keeps_the_rules(body: Body) -> None:
    is_going = "deletionTimestamp" in body.get("metadata", {})  # which readers of a status look at first
    if body["kind"] == "WorkerRegistration" and body.get("status") and not is_going:
        status = parse(WorkerRegistrationStatus, body["status"], at="status")
        assert check(status.conditions, body["metadata"]["generation"], status.observed_generation) == []
