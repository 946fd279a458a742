"""A small gateway replica with the traps of the real one, and the workers that it and herder reach, in virtual time.

The replica stands at the port that the workflows drive, and is more treacherous there than `herder.gateway.Replica`:
what that refuses to send, such as the DELETE of a pending worker, is taken here, and comes to nothing. Measured on smg
1.13.0: 202 and then a plain 404 for what fails; pending workers in no list; random ids; a 409 that names the entry in
the way; a lost DELETE of a pending worker; a second DELETE that cuts the drain short; PUT with a job that may fail; the
ghost of a keyed worker; the ranks of a data-parallel one, which no PUT changes and no POST of their URL replaces.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from herder.gateway.errors import AlreadyExists, Busy, CreateInProgress, Gone, Permanent
from herder.gateway.spec import WorkerPatch, WorkerSpec
from herder.gateway.types import Job, JobStatus, Model, Readiness, Worker, WorkerStatus, url_key
from herder.workflows.ports import Tokenizers
from unit.workflows.faults import Faulty

REGISTERS_IN_S = 0.05
APPLIES_IN_S = 0.1
GHOST_AFTER_S = 55.0
JOB_DIES_AFTER_S = 30.0


def now_s() -> float:
    """The running loop's time."""
    return asyncio.get_running_loop().time()


@dataclass(slots=True)
class FakeWorker:
    """A worker as the replicas reach it; `up_since_s` is None while it is down, `key` what it asks for."""

    url: str
    up_since_s: float | None = 0.0
    key: str | None = None
    runtime: str = "sglang"
    models: tuple[str, ...] = ("mock-model",)
    version: str | None = None
    dp_size: int = 1
    delay_s: float = 0.0
    """How long each of its answers takes."""
    asked: list[str] = field(default_factory=list)

    def rise(self) -> None:
        """It comes up."""
        self.up_since_s = now_s()


@dataclass(slots=True)
class _Add:
    id: str
    spec: WorkerSpec
    at_s: float


@dataclass(slots=True)
class _Listed:
    worker: Worker
    drain_s: float
    api_key: str | None = None
    gone_at_s: float | None = None


class FakeReplica(Faulty):
    """One replica."""

    def __init__(self, endpoint: str, workers: dict[str, FakeWorker], *, startup_timeout_s: float = 20.0) -> None:
        super().__init__(endpoint)
        self.lost_deletes = 0
        self.cut_drains = 0
        self.lost_posts = 0
        self.loaded: set[str] = set()
        """The names of its tokenizers."""
        self.needs_tokenizers = True
        self.refuses = ""
        """Why a PUT is accepted and then comes to nothing; empty: it does not."""
        self.hides: frozenset[str] = frozenset()
        """Models that it lists and does not offer."""
        self.sick: frozenset[str] = frozenset()
        """URLs that its health checks find sick, once registered."""
        self.posted: list[WorkerSpec] = []
        self._workers = workers
        self._startup_timeout_s = startup_timeout_s
        self._adds: dict[str, _Add] = {}
        self._listed: dict[str, _Listed] = {}
        self._jobs: dict[str, tuple[Job, float]] = {}
        self._ghosts: list[tuple[float, WorkerSpec]] = []

    # ── what a test looks at and does ──

    @property
    def listed(self) -> list[Worker]:
        """What GET /workers would show now."""
        self._pass_time()
        return [self._checked(each.worker) for each in self._listed.values()]

    @property
    def pending(self) -> list[str]:
        """The URLs whose registration is under way."""
        self._pass_time()
        return list(self._adds)

    def restart(self) -> None:
        """Its registry is gone."""
        self._adds.clear()
        self._listed.clear()
        self._jobs.clear()
        self.away = False

    def come_back(self) -> None:
        """It answers again, with its registry as it was."""
        self.away = self.hangs = False

    def enter(self, spec: WorkerSpec, status: WorkerStatus = WorkerStatus.READY, url: str | None = None) -> str:
        """List an entry as if somebody had registered it long ago; returns its id."""
        entry = self._entry(self._id(), spec, url or spec.url, status)
        self._listed[entry.id] = _Listed(entry, spec.health.drain_settle_secs or 0.0, spec.api_key)
        return entry.id

    def forget(self, worker_id: str) -> None:
        """Take an entry off the list at once, as somebody else's DELETE would."""
        del self._listed[worker_id]

    @property
    def keys(self) -> list[str | None]:
        """The API keys with which it calls what it lists; no list shows them."""
        return [each.api_key for each in self._listed.values()]

    def alter(self, worker_id: str, **fields: object) -> None:
        """Change what is listed, as somebody else's PATCH would."""
        each = self._listed[worker_id]
        each.worker = each.worker.model_copy(update=fields)

    # ── the port ──

    async def find_all(self, url: str) -> tuple[Worker, ...]:
        await self._called("find_all")
        return self._answer("find_all", tuple(each for each in self.listed if each.key == url_key(url)))

    async def get_worker(self, worker_id: str) -> Worker:
        await self._called("get_worker")
        return self._answer("get_worker", self._get(worker_id))

    async def add_worker(self, spec: WorkerSpec) -> str:
        await self._called("add_worker")
        self._refuse_duplicate(spec.url)
        if any(each.dp_base_url == spec.url for each in self.listed):
            self.lost_posts += 1
            return self._answer("add_worker", self._id())
        self.posted.append(spec)
        add = self._adds[spec.url] = _Add(self._id(), spec, now_s())
        self._jobs[spec.url] = (_job("AddWorker"), float("inf"))
        return self._answer("add_worker", add.id)

    async def replace_worker(self, worker_id: str, spec: WorkerSpec) -> None:
        await self._called("replace_worker")
        worker = self._get(worker_id)
        if worker.job is not None and worker.job.is_running:
            raise Busy("an earlier change is still being applied")
        if worker.dp_base_url is not None:
            raise Permanent("the gateway answered 400: PUT is not supported for data-parallel workers")
        if self.refuses:
            self.fail_change(worker.url, self.refuses)
            return
        each = self._listed[worker_id]
        entry = self._entry(worker_id, spec, worker.url, WorkerStatus.READY)
        each.worker, each.drain_s = entry, float(spec.health.drain_settle_secs or 0)
        each.api_key = spec.api_key
        self._jobs[worker.url] = (_job("AddWorker"), now_s() + APPLIES_IN_S)
        self._answer("replace_worker", None)

    async def patch_worker(self, worker_id: str, url: str, patch: WorkerPatch) -> None:
        await self._called("patch_worker")
        worker = self._get(worker_id)
        if worker.job is not None and worker.job.is_running:
            raise Busy("an earlier change is still being applied")
        each, set_ = self._listed[worker_id], patch.body()
        labels = {**worker.labels, **(patch.labels or {})}
        shown: dict[str, object] = {name: set_[name] for name in ("priority", "cost") if name in set_}
        each.worker = each.worker.model_copy(update=shown | {"labels": labels})
        each.api_key = patch.api_key or each.api_key
        if patch.health is not None and patch.health.drain_settle_secs is not None:
            each.drain_s = float(patch.health.drain_settle_secs)
        self._jobs[worker.url] = (_job("UpdateWorker"), now_s() + APPLIES_IN_S)
        self._answer("patch_worker", None)

    async def delete_worker(self, worker_id: str, url: str) -> object:
        await self._called("delete_worker")
        worker = self._get(worker_id)
        if worker.status is WorkerStatus.PENDING:
            self.lost_deletes += 1
            self._jobs[worker.url] = (_job("RemoveWorker", JobStatus.FAILED), float("inf"))
            return self._answer("delete_worker", None)
        each = self._listed[worker_id]
        if each.gone_at_s is not None:
            self.cut_drains += 1
            each.gone_at_s = now_s()
        else:
            each.worker = each.worker.model_copy(update={"status": WorkerStatus.DRAINING})
            each.gone_at_s = now_s() + each.drain_s
        return self._answer("delete_worker", None)

    @cached_property
    def tokenizers(self) -> Tokenizers:
        """Itself: it knows tokenizers by name and nothing else."""
        return self

    async def find(self, name: str) -> object | None:
        await self._called("find")
        return self._answer("find", name if name in self.loaded else None)

    async def readiness(self) -> Readiness:
        await self._called("readiness")
        reason = "tokenizer not yet registered" if self.needs_tokenizers else ""
        return self._answer("readiness", Readiness(ready=not reason, reason=reason))

    async def list_model_ids(self) -> frozenset[str]:
        await self._called("list_model_ids")
        offered = frozenset(model.id for each in self.listed for model in each.models)
        return self._answer("list_model_ids", offered - self.hides)

    async def pending_add(self, url: str) -> str | None:
        await self._called("pending_add")
        try:
            self._refuse_duplicate(url)
        except (CreateInProgress, AlreadyExists) as conflict:
            return self._answer("pending_add", conflict.worker_id)
        return self._answer("pending_add", None)

    # ── how it works ──

    def _get(self, worker_id: str) -> Worker:
        add = next((each for each in self._adds.values() if each.id == worker_id), None)
        if add is not None:
            pending = self._entry(add.id, WorkerSpec(url=add.spec.url), add.spec.url, WorkerStatus.PENDING)
            return pending.model_copy(update={"job": self._job_of(add.spec.url)})
        if worker_id not in self._listed:
            raise Gone(f"the gateway answered 404: WORKER_NOT_FOUND: Worker {worker_id} not found")
        worker = self._checked(self._listed[worker_id].worker)
        return worker.model_copy(update={"job": self._job_of(worker.url)})

    def _checked(self, worker: Worker) -> Worker:
        is_sick = worker.status is WorkerStatus.READY and worker.url in self.sick
        return worker.model_copy(update={"status": WorkerStatus.NOT_READY}) if is_sick else worker

    def _job_of(self, url: str) -> Job | None:
        job, until_s = self._jobs.get(url, (None, 0.0))
        return job if until_s > now_s() else None

    def fail_change(self, url: str, message: str) -> None:
        """Show the last change of a URL as failed."""
        self._jobs[url] = (_job("AddWorker", JobStatus.FAILED, message), float("inf"))

    def _refuse_duplicate(self, url: str) -> None:
        if url in self._adds:
            raise CreateInProgress("creation already in progress", self._adds[url].id)
        existing = next((each for each in self.listed if each.url == url), None)
        if existing is not None:
            raise AlreadyExists("already exists", existing.id)

    def _entry(self, worker_id: str, spec: WorkerSpec, url: str, status: WorkerStatus) -> Worker:
        behind = self._workers.get(spec.url, FakeWorker(spec.url))
        models = self._models(spec, behind)
        return Worker(
            id=worker_id,
            url=url,
            status=status,
            model_id=models[0] if models else None,
            models=tuple(Model(id=model) for model in models),
            worker_type=spec.worker_type,
            connection_mode="grpc" if url.startswith("grpc") else "http",
            runtime_type=spec.runtime_type or behind.runtime,
            labels=dict(spec.labels),
            priority=spec.priority,
            cost=float(spec.cost),
            bootstrap_port=spec.bootstrap_port,
        )

    @staticmethod
    def _models(spec: WorkerSpec, behind: FakeWorker) -> tuple[str, ...]:
        """A worker of one's own serves one model; a provider those that its key shows, whatever is posted."""
        if spec.runtime_type == "external":
            return behind.models if spec.api_key else ()
        return spec.models[:1] or behind.models

    def _pass_time(self) -> None:
        for each in [each for each in self._listed.values() if each.gone_at_s is not None]:
            if each.gone_at_s is not None and each.gone_at_s <= now_s():
                self._listed.pop(each.worker.id, None)
        for add in tuple(self._adds.values()):
            self._settle(add)
        for ghost in [ghost for ghost in self._ghosts if ghost[0] <= now_s()]:
            self._ghosts.remove(ghost)
            ghostly = replace(ghost[1], models=("unknown",))
            self.enter(ghostly)

    def _settle(self, add: _Add) -> None:
        behind = self._workers.get(add.spec.url)
        is_keyed = behind is not None and behind.key not in (None, add.spec.api_key)
        ends_at_s = add.at_s + self._startup_timeout_s + (JOB_DIES_AFTER_S if is_keyed else 0)
        answers_at_s = self._answers_at_s(add, behind)
        if answers_at_s is not None and not is_keyed and answers_at_s <= min(now_s(), ends_at_s):
            self._register(add, behind)
        elif ends_at_s <= now_s():
            del self._adds[add.spec.url]
            self._jobs.pop(add.spec.url, None)
            if is_keyed:
                self._ghosts.append((add.at_s + GHOST_AFTER_S, add.spec))

    def _answers_at_s(self, add: _Add, behind: FakeWorker | None) -> float | None:
        if behind is None or behind.up_since_s is None:
            return None
        return max(add.at_s, behind.up_since_s) + REGISTERS_IN_S

    def _register(self, add: _Add, behind: FakeWorker | None) -> None:
        del self._adds[add.spec.url]
        self._jobs[add.spec.url] = (_job("AddWorker"), now_s() + APPLIES_IN_S)
        for entry in self._entries(add, behind.dp_size if behind else 1):
            self._listed[entry.id] = _Listed(entry, float(add.spec.health.drain_settle_secs or 0), add.spec.api_key)

    def _entries(self, add: _Add, dp_size: int) -> Iterator[Worker]:
        url = add.spec.url
        if dp_size == 1:
            yield self._entry(add.id, add.spec, url, WorkerStatus.READY)
            return
        for rank in range(dp_size):
            plain = self._entry(self._id(), add.spec, f"{url}@{rank}", WorkerStatus.READY)
            yield plain.model_copy(update={"dp_base_url": url, "dp_rank": rank, "dp_size": dp_size})


def _job(kind: str, status: JobStatus = JobStatus.PROCESSING, message: str | None = None) -> Job:
    return Job(job_type=kind, status=status, message=message)
