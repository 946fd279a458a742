"""Whole runs for tokenizers in the real engine: fake replicas with the traps of the real one, in virtual time.

Measured on smg 1.13.0: 202 and a job that tries three times, two seconds apart; a name that is taken only when the
loading has ended; 404 to the DELETE of what is being loaded; failures whose reason is kept five minutes; random ids.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from herder.api.base import parse
from herder.api.tokenizer import LoadedTokenizer, TokenizerSpec
from herder.engine import WorkflowEngine
from herder.gateway.errors import Conflict, Gone
from herder.gateway.tokenizers import Loading, LoadState, Tokenizer
from herder.workflows.entry import Entry
from herder.workflows.tokenizer import (
    Content,
    TokenizerPlan,
    TokenizerRegistration,
    TokenizerRemoval,
    registration,
    removal,
)
from unit.engine.kit import clock, statuses
from unit.workflows.fakes import now_s
from unit.workflows.faults import Faulty
from unit.workflows.made import OWNER
from unit.workflows.world import Ended

NAME = "org/model"
SOURCE = "/models/one"
OTHER = "/models/other"
TEMPLATE = "/models/chat.jinja"
BUDGET_S = 60
ATTEMPTS = 3
PAUSE_S = 2.0


def plan(**spec: Any) -> TokenizerPlan:
    """A declared tokenizer; `spec` in the words of the manifest."""
    declared = {"gatewayRef": {"name": "gw"}, "name": NAME, "source": SOURCE, **spec}
    return TokenizerPlan(parse(TokenizerSpec, declared), OWNER)


def held(source: str = SOURCE, template: str | None = None) -> LoadedTokenizer:
    """What a status shows that the replicas hold."""
    return LoadedTokenizer(name=NAME, source=source, chat_template_path=template)


@dataclass(slots=True)
class _Job:
    id: str
    name: str
    source: str
    tries: int = 0
    next_s: float = 0.0
    state: LoadState = LoadState.PROCESSING
    reason: str = ""


@dataclass
class FakeReplica(Faulty):
    """One replica. `sources` are those that it can read now, `takes_s` how long that is."""

    sources: set[str] = field(default_factory=lambda: {SOURCE, OTHER})
    takes_s: float = 0.05
    posted: list[tuple[str, str | None]] = field(default_factory=list)
    """Source and template of each loading that was asked for."""
    changes: list[tuple[float, str]] = field(default_factory=list)
    """When which change of the registry was made: `loaded SOURCE`, `unloaded SOURCE`."""
    _listed: dict[str, Tokenizer] = field(default_factory=dict)
    _jobs: dict[str, _Job] = field(default_factory=dict)

    # ── what a test looks at and does ──

    @property
    def tokenizers(self) -> "FakeReplica":
        return self

    @property
    def listed(self) -> list[Tokenizer]:
        """What GET /v1/tokenizers would show now."""
        self._pass_time()
        return list(self._listed.values())

    @property
    def loaded(self) -> str | None:
        """The source of what has the name now."""
        return next((each.source for each in self.listed if each.name == NAME), None)

    def restart(self) -> None:
        """Its registry is gone."""
        self._listed.clear()
        self._jobs.clear()
        self.away = self.hangs = False

    def forget_jobs(self) -> None:
        """Five minutes have passed since it last heard of them."""
        self._jobs.clear()

    def enter(self, source: str = SOURCE, name: str = NAME) -> str:
        """List a tokenizer as if somebody had loaded it long ago; returns its id."""
        entry = Tokenizer(id=self._id(), name=name, source=source, vocab_size=3)
        self._listed[entry.id] = entry
        return entry.id

    # ── the port ──

    async def list_tokenizers(self) -> tuple[Tokenizer, ...]:
        await self._called("list_tokenizers")
        return tuple(self.listed)

    async def find(self, name: str) -> Tokenizer | None:
        await self._called("find")
        return self._answer("find", next((each for each in self.listed if each.name == name), None))

    async def add_tokenizer(self, name: str, source: str, chat_template_path: str | None = None) -> str:
        await self._called("add_tokenizer")
        taken = next((each for each in self.listed if each.name == name), None)
        if taken is not None:
            raise Conflict(f"the gateway answered 409: Tokenizer '{name}' already exists", taken.id)
        job = _Job(self._id(), name, source, next_s=now_s() + self.takes_s)
        self._jobs[job.id] = job
        self.posted.append((source, chat_template_path))
        return self._answer("add_tokenizer", job.id)

    async def status(self, tokenizer_id: str) -> Loading:
        await self._called("status")
        if tokenizer_id in self._listed:
            return self._answer("status", Loading(id=tokenizer_id, status=LoadState.COMPLETED))
        job = self._jobs.get(tokenizer_id)
        if job is None:
            raise Gone(f"the gateway answered 404: Tokenizer '{tokenizer_id}' not found and no pending job")
        return self._answer("status", Loading(id=job.id, status=job.state, message=job.reason))

    async def delete_tokenizer(self, tokenizer_id: str) -> None:
        await self._called("delete_tokenizer")
        entry = self._listed.pop(tokenizer_id, None)
        if entry is None:
            raise Gone(f"the gateway answered 404: Tokenizer '{tokenizer_id}' not found")
        self.changes.append((now_s(), f"unloaded {entry.source}"))
        self._answer("delete_tokenizer", None)

    # ── how it works ──

    def _pass_time(self) -> None:
        due = [job for job in self._jobs.values() if job.state is LoadState.PROCESSING and job.next_s <= now_s()]
        for job in sorted(due, key=lambda job: job.next_s):
            self._try(job)

    def _try(self, job: _Job) -> None:
        taken = next((each for each in self._listed.values() if each.name == job.name), None)
        if taken is None and job.source in self.sources:
            del self._jobs[job.id]
            self._listed[job.id] = Tokenizer(id=job.id, name=job.name, source=job.source, vocab_size=3)
            self.changes.append((now_s(), f"loaded {job.source}"))
            return
        job.tries += 1
        if job.tries < ATTEMPTS:
            job.next_s += PAUSE_S
            return
        job.state = LoadState.FAILED
        job.reason = f"no such file: {job.source}" if taken is None else f"already exists (id: {taken.id})"


@dataclass(slots=True)
class World:
    """Three replicas and an engine."""

    replicas: tuple[FakeReplica, ...] = field(
        default_factory=lambda: tuple(FakeReplica(f"http://gw-{name}") for name in "abc")
    )
    engine: WorkflowEngine = field(default_factory=lambda: WorkflowEngine(clock=clock))

    @property
    def loaded(self) -> list[str | None]:
        """What each replica has under the name."""
        return [replica.loaded for replica in self.replicas]

    @property
    def counts(self) -> list[tuple[int, int]]:
        """How often each replica was asked to load and to unload."""
        return [(replica.count("add_tokenizer"), replica.count("delete_tokenizer")) for replica in self.replicas]

    def registration(
        self,
        plan: TokenizerPlan,
        entries: Mapping[str, Entry] | None = None,
        *,
        adopt: bool = False,
        held: LoadedTokenizer | None = None,
    ) -> TokenizerRegistration:
        """The data of a run that brings `plan` onto the replicas."""
        return TokenizerRegistration(plan, self.replicas, adopt, held, entries=dict(entries or {}), now=clock)

    async def register(
        self,
        plan: TokenizerPlan,
        entries: Mapping[str, Entry] | None = None,
        *,
        adopt: bool = False,
        held: LoadedTokenizer | None = None,
        budget_s: int = BUDGET_S,
    ) -> Ended[TokenizerRegistration]:
        """Run `tokenizer-registration` to its end."""
        data = self.registration(plan, entries, adopt=adopt, held=held)
        return await self.wait(await self.start(data, budget_s=budget_s), data)

    async def start(self, data: TokenizerRegistration, *, budget_s: int = BUDGET_S) -> str:
        """Start `tokenizer-registration`; returns its instance."""
        definition = registration(budget_s)
        self.engine.register_workflow(definition)
        return await self.engine.start_workflow(definition.id, data)

    async def remove(
        self, entries: Mapping[str, Entry], *, timeout_s: int = 60, source: str = SOURCE
    ) -> Ended[TokenizerRemoval]:
        """Run `tokenizer-removal` to its end, on what a registration of `source` has left."""
        data = TokenizerRemoval(NAME, self.replicas, (Content(source),), entries=dict(entries), now=clock)
        definition = removal(timeout_s)
        self.engine.register_workflow(definition)
        return await self.wait(await self.engine.start_workflow(definition.id, data), data)

    async def wait[D](self, instance_id: str, data: D) -> Ended[D]:
        """Wait for the end of a run."""
        outcome = await self.engine.wait_for_completion(instance_id, None)
        return Ended(outcome, data, statuses(self.engine, instance_id))


def states(data: TokenizerRegistration | TokenizerRemoval) -> list[str]:
    """What is recorded of each replica, in their order."""
    return [data.entry(replica.endpoint).state.value for replica in data.replicas]
