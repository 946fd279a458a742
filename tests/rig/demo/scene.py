"""What there is to see at one moment, read from the API server and from each replica of the gateway."""

import urllib.error
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Self

from herder.api.base import parse
from herder.api.conditions import Condition, ConditionType
from herder.api.status import Step, StepStatus
from herder.api.worker import WorkerRegistrationStatus
from rig.control_plane.cluster import Cluster
from rig.gateway import Smg

_NAMESPACE: Final = "/apis/herder.dev/v1alpha1/namespaces/default"
WORKERS_PATH: Final = f"{_NAMESPACE}/workerregistrations"
OTHERS: Final = tuple(f"{_NAMESPACE}/{kind}" for kind in ("wasmmodules", "mcpservers", "tokenizers"))


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One WorkerRegistration; `ready` is the status of its condition Ready, "" while it has none."""

    name: str
    url: str
    is_deleting: bool
    status: WorkerRegistrationStatus

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """Parse an object as the API server gives it."""
        metadata, status = body["metadata"], parse(WorkerRegistrationStatus, body.get("status", {}), at="status")
        return cls(metadata["name"], body["spec"]["url"], "deletionTimestamp" in metadata, status)

    @property
    def condition(self) -> Condition | None:
        """The one that sums up."""
        return next((one for one in self.status.conditions if one.type == ConditionType.READY), None)

    @property
    def ready(self) -> str:
        """True, False or Unknown; empty before herder has seen the resource."""
        return self.condition.status.value if self.condition else ""

    @property
    def model(self) -> str:
        """The first model that was discovered."""
        worker = self.status.worker
        return worker.models[0] if worker and worker.models else ""

    @property
    def retried(self) -> Step | None:
        """The step that waits for its next attempt, with the reason why."""
        steps = self.status.workflow.steps if self.status.workflow else ()
        return next((step for step in steps if step.status is StepStatus.RETRYING and step.message), None)

    @property
    def is_ready_everywhere(self) -> bool:
        """Whether it is Ready, as it was declared last, on every replica."""
        done, _, of = (self.status.registered or "").partition("/")
        return self.ready == "True" and done == of and not self.is_deleting


@dataclass(frozen=True, slots=True)
class ReplicaRow:
    """One replica of the gateway; `listed` is what its own GET /workers says, state by worker, None without answer."""

    address: str
    listed: Mapping[str, str] | None

    @classmethod
    def of(cls, replica: Smg) -> Self:
        """Ask the replica."""
        address = replica.url.removeprefix("http://")
        try:
            workers = replica.workers()
        except urllib.error.URLError:
            return cls(address, None)
        return cls(address, {worker["url"].rpartition("/")[2]: worker["status"] for worker in workers})

    @property
    def summary(self) -> str:
        """What it says, in one line."""
        if self.listed is None:
            return "does not answer"
        return "lists " + (", ".join(f"{name} {state}" for name, state in sorted(self.listed.items())) or "nothing")

    def lists_ready(self, name: str) -> bool:
        """Whether it would send requests to the worker."""
        return self.listed is not None and self.listed.get(name) == "ready"


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything at `at`; workers by name."""

    workers: Mapping[str, WorkerRow]
    replicas: tuple[ReplicaRow, ...]
    at: datetime
    others: Mapping[str, str] = field(default_factory=dict)
    """Whether each resource of another kind is Ready, by name: True, False or Unknown, empty before herder saw it."""

    @classmethod
    def take(cls, cluster: Cluster, replicas: tuple[Smg, ...]) -> Self:
        """Look at everything now, at once: two looks apart would not fit. Raises OSError without an API server."""
        with ThreadPoolExecutor() as pool:
            listed = pool.map(ReplicaRow.of, replicas)
            rows = map(WorkerRow.of, _items(cluster, WORKERS_PATH))
            others = {each["metadata"]["name"]: _ready(each) for path in OTHERS for each in _items(cluster, path)}
            return cls({row.name: row for row in rows}, tuple(listed), datetime.now(UTC), others)

    def is_ready(self, *names: str) -> bool:
        """Whether herder says of all these that they are Ready, and every replica lists them so."""
        return all(
            name in self.workers
            and self.workers[name].is_ready_everywhere
            and all(replica.lists_ready(name) for replica in self.replicas)
            for name in names
        )

    def is_gone(self, name: str) -> bool:
        """Whether there is no such resource any more, and no replica that answers lists the worker."""
        return name not in self.workers and not any(name in (replica.listed or {}) for replica in self.replicas)


def _items(cluster: Cluster, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (cluster.get(path) or {"items": []})["items"]
    return found


def _ready(body: Mapping[str, Any]) -> str:
    conditions = body.get("status", {}).get("conditions", ())
    return next((str(each["status"]) for each in conditions if each["type"] == ConditionType.READY), "")
