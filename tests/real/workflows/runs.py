"""Both workflows on real gateway replicas: the real engine, client and prober in real time, and no Kubernetes."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, override

from herder.api.base import parse
from herder.api.worker import WorkerRegistrationSpec
from herder.engine import WorkflowEngine, WorkflowOutcome
from herder.gateway.replica import Replica
from herder.net.address import AddressPolicy
from herder.net.http import Answer, Http
from herder.workflows.entry import Entry
from herder.workflows.owner import Owner
from herder.workflows.plan import Plan
from herder.workflows.probing import Prober
from herder.workflows.registration import registration
from herder.workflows.registration.data import Registration
from herder.workflows.removal import removal
from herder.workflows.removal.data import Removal
from herder.workflows.update import Update, update
from rig.gateway import Smg

_LIMIT_S = 60.0
OWNER = Owner("cluster", "ns", "name", "uid")


class CountingHttp(Http):
    """The way out, open for loopback; `sent` counts what went to which registry, as `POST http://127.0.0.1:30000`."""

    def __init__(self) -> None:
        super().__init__(AddressPolicy(allow_loopback=True))
        self.sent: Counter[str] = Counter()

    @override
    async def request(self, method: str, url: str, **how: Any) -> Answer:
        self.sent[f"{method} {url.partition('/workers')[0]}"] += 1
        return await super().request(method, url, **how)


def plan(url: str, api_key: str | None = None, **spec: Any) -> Plan:
    """A declared worker that is removed without a drain, unless `spec`, in the manifest's words, says otherwise."""
    declared = {"gatewayRef": {"name": "gw"}, "url": url, "drain": {"settleSeconds": 0}, **spec}
    return Plan(parse(WorkerRegistrationSpec, declared), OWNER, api_key)


@dataclass(frozen=True, slots=True)
class Ended[D]:
    """A run that has ended."""

    outcome: WorkflowOutcome
    data: D
    steps: Mapping[str, str] = field(default_factory=dict)
    """Where each step stands."""

    @property
    def reason(self) -> str:
        """Which step failed of what, such as `register: ForeignEntry`."""
        step: str = self.outcome.failed_step or ""
        problems: dict[str, Any] = getattr(self.data, "problems", {})
        return f"{step}: {problems[step].reason}"


@dataclass(frozen=True)
class Runs:
    """Runs workflows on `smgs`; `http` counts what they send. `restarted()` is another process of the operator."""

    smgs: tuple[Smg, ...]
    http: CountingHttp
    engine: WorkflowEngine = field(default_factory=WorkflowEngine)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "replicas", tuple(Replica(smg.url, self.http, call_deadline_s=3.0) for smg in self.smgs)
        )

    replicas: tuple[Replica, ...] = field(init=False)

    def restarted(self) -> "Runs":
        """Return an operator's next process: it remembers nothing."""
        return Runs(self.smgs, self.http)

    def count(self, method: str) -> list[int]:
        """How many requests of this method went to each replica's registry."""
        return [self.http.sent[f"{method} {smg.url}"] for smg in self.smgs]

    def data(self, plan: Plan, entries: Mapping[str, Entry] | None = None, *, adopt: bool = False) -> Registration:
        """The data of a registration that goes on from the records `entries`."""
        return Registration(plan, self.replicas, Prober(self.http), adopt=adopt, entries=dict(entries or {}))

    async def register(
        self, plan: Plan, entries: Mapping[str, Entry] | None = None, *, adopt: bool = False, budget_s: int = 30
    ) -> Ended[Registration]:
        """Run `worker-registration` to its end."""
        data = self.data(plan, entries, adopt=adopt)
        return await self.wait(await self.start(data, budget_s=budget_s), data)

    async def start(self, data: Registration, *, budget_s: int = 30) -> str:
        """Start `worker-registration`; returns its instance."""
        definition = registration(budget_s)
        self.engine.register_workflow(definition)
        return await self.engine.start_workflow(definition.id, data)

    async def update(self, plan: Plan, entries: Mapping[str, Entry], *, budget_s: int = 30) -> Ended[Update]:
        """Run `worker-update` to its end, on what a registration has left."""
        data = Update(plan, self.replicas, Prober(self.http), entries=dict(entries))
        definition = update(budget_s)
        self.engine.register_workflow(definition)
        return await self.wait(await self.engine.start_workflow(definition.id, data), data)

    async def remove(self, url: str, entries: Mapping[str, Entry], *, timeout_s: int = 30) -> Ended[Removal]:
        """Run `worker-removal` to its end."""
        data = Removal(url, OWNER, self.replicas, entries=dict(entries))
        definition = removal(timeout_s)
        self.engine.register_workflow(definition)
        return await self.wait(await self.engine.start_workflow(definition.id, data), data)

    async def wait[D](self, instance_id: str, data: D) -> Ended[D]:
        """Wait for the end of a run."""
        outcome = await self.engine.wait_for_completion(instance_id, _LIMIT_S)
        steps = self.engine.get_state(instance_id).steps
        return Ended(outcome, data, {step_id: step.status.value for step_id, step in steps.items()})

    def listed(self, field_name: str = "url") -> list[list[Any]]:
        """What GET /workers of each replica shows of every worker, in one field."""
        return [sorted(worker.get(field_name) for worker in smg.workers()) for smg in self.smgs]
