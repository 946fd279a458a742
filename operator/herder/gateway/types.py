"""What a replica says about a worker, parsed once: tolerant of what we do not use, strict about what we do."""

from collections import defaultdict
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from herder.net.urls import InvalidUrl, normalise_url


class Word(StrEnum):
    """A word of the gateway's; one that a newer gateway brings reads as UNKNOWN."""

    @classmethod
    def _missing_(cls, _value: object) -> Self:
        return cls("unknown")


class WorkerStatus(Word):
    """Where a worker stands with its replica."""

    PENDING = "pending"  # registering; such a worker is in no list
    READY = "ready"
    NOT_READY = "not_ready"
    FAILED = "failed"
    DRAINING = "draining"  # between DELETE and removal
    UNKNOWN = "unknown"


class JobStatus(Word):
    """How far a queued change is; success removes the job."""

    PENDING = "pending"
    PROCESSING = "processing"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Parsed(BaseModel):
    """An answer, or a part of one: what is not used of it is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class Job(Parsed):
    """The latest change queued for a worker's URL. A PUT reports as AddWorker; `message` is the gateway's own text."""

    type: str = Field(alias="job_type")
    status: JobStatus
    message: str | None = None

    @property
    def is_running(self) -> bool:
        """Whether the change is still to be applied, as far as the replica says."""
        return self.status in {JobStatus.PENDING, JobStatus.PROCESSING}


class Model(Parsed):
    """A model that a worker serves."""

    id: str
    aliases: tuple[str, ...] = ()


class Worker(Parsed):
    """One registry entry. `api_key` and patched health settings are never shown, so they are not here."""

    id: str
    url: str
    status: WorkerStatus
    model_id: str | None = None
    models: tuple[Model, ...] = ()
    worker_type: str
    connection_mode: str
    runtime_type: str
    labels: dict[str, str] = {}
    priority: int
    cost: float
    job: Job | None = Field(default=None, alias="job_status")
    bootstrap_port: int | None = None
    dp_base_url: str | None = None
    dp_rank: int | None = None
    dp_size: int | None = None
    load: int = 0

    @property
    def key(self) -> str:
        """The normalised URL that this entry was declared under: ranks `URL@0`, `URL@1` share the key of `URL`."""
        return url_key(self.dp_base_url or self.url)


def url_key(url: str) -> str:
    """Normalise `url`, or return it as it is: a registry holds what others posted, which need not be a URL of ours."""
    try:
        return normalise_url(url)
    except InvalidUrl:
        return url


class WorkerList(Parsed):
    """The answer of GET /workers."""

    workers: tuple[Worker, ...]

    @cached_property
    def by_key(self) -> Mapping[str, tuple[Worker, ...]]:
        """The same by normalised URL: a thousand readers share one list, each to find one worker in it."""
        found: defaultdict[str, list[Worker]] = defaultdict(list)
        for worker in self.workers:
            found[worker.key].append(worker)
        return {key: tuple(workers) for key, workers in found.items()}


class Readiness(Parsed):
    """A replica's own verdict; `reason` is empty when it is ready. Without a ready worker a replica is not."""

    ready: bool
    reason: str = ""
