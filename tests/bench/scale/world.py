"""The real parts: a control plane, gateway replicas, mock workers, and the operator for as long as it is needed."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from herder.api.meta import WORKER_REGISTRATION
from rig.control_plane.control_plane import ControlPlane
from rig.crds import apply_crds
from rig.declared import Declared
from rig.gateway import Smg
from rig.metrics import sum_of
from rig.operator_process import Operator
from rig.workers import WorkerProcess

NAMESPACE = "default"
_PARALLEL = 8
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used so far."""

    cpu_s: float
    peak_mib: float

    @classmethod
    def of(cls, pid: int) -> Self:
        """Read it from the system."""
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        status = Path(f"/proc/{pid}/status").read_text().splitlines()
        peak = next(line.split()[1] for line in status if line.startswith("VmHWM"))
        return cls((int(fields[11]) + int(fields[12])) / _TICKS_PER_S, int(peak) / 1024)


@dataclass(frozen=True)
class World:
    """What runs all the time."""

    folder: Path
    control_plane: ControlPlane
    replicas: tuple[Smg, ...]
    workers: WorkerProcess

    @classmethod
    @contextmanager
    def running(cls, folder: Path, replicas: int) -> Iterator[Self]:
        """Start it for as long as the block takes."""
        with ExitStack() as parts:
            control_plane = parts.enter_context(ControlPlane.start(folder / "control-plane"))
            apply_crds(control_plane)
            workers = parts.enter_context(WorkerProcess.start(log_dir=folder))
            started = tuple(_replica(folder, parts) for _ in range(replicas))
            yield cls(folder, control_plane, started, workers)

    @property
    def declared(self) -> Declared:
        """Where everything is declared."""
        return Declared(self.control_plane, NAMESPACE)

    def urls(self, count: int) -> list[str]:
        """Have that many healthy workers; their URLs."""
        with ThreadPoolExecutor(_PARALLEL) as pool:
            return [worker.url for worker in pool.map(self.workers.workers.add, (f"w{n:04}" for n in range(count)))]

    def restart_replicas(self) -> None:
        """Have all replicas forget everything."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(Smg.restart, self.replicas))

    @contextmanager
    def operator(self) -> Iterator[Operator]:
        """An operator at work, for as long as the block takes."""
        operator = Operator.start(self.control_plane, log_dir=self.folder)
        try:
            yield operator.wait_healthy()
        finally:
            operator.kill()

    def declare(self, urls: Sequence[str]) -> None:
        """Declare the workers, as fast as the API server takes them."""
        with ThreadPoolExecutor(_PARALLEL) as pool:
            list(pool.map(self._declare, range(len(urls)), urls))

    def _declare(self, number: int, url: str) -> None:
        self.declared.worker(f"w{number:04}", url)

    def forget(self) -> None:
        """Take every declaration away without anything being removed: no operator may be at work."""
        for body in self.listed():
            path = self.declared.path(body["metadata"]["name"])
            self.control_plane.merge_patch(path, {"metadata": {"finalizers": None}})
            self.control_plane.delete(path)

    def listed(self) -> list[dict[str, Any]]:
        """All declared workers."""
        found = self.control_plane.get(self.declared.path("").rstrip("/"))
        items: list[dict[str, Any]] = (found or {})["items"]
        return items

    def are_ready(self, operator: Operator, count: int) -> bool:
        """Whether that many are declared and all of them Ready.

        The operator is asked first: to list a thousand resources again and again is a flood of its own.
        """
        try:
            told = sum_of(operator, "herder_resources", kind=WORKER_REGISTRATION.kind, ready="True")
            return told == count and sum(_is_ready(body) for body in self.listed()) == count
        except TimeoutError:
            return False

    def replicas_cpu_s(self) -> float:
        """What all replicas have used so far, since each was started last."""
        return sum(Usage.of(replica.process.pid).cpu_s for replica in self.replicas)

    def writes(self) -> dict[str, int]:
        """How many writes the API server has answered so far, by kind of write."""
        seen = self.control_plane.requests(resource="workerregistrations")
        return {
            "status": sum(r.verb == "patch" and r.subresource == "status" for r in seen),
            "other": sum(r.verb == "patch" and not r.subresource for r in seen),
            "refused": sum(r.code == 409 for r in seen),
            "events": sum(r.verb == "create" for r in self.control_plane.requests(resource="events")),
        }


def _replica(folder: Path, parts: ExitStack) -> Smg:
    replica = Smg.start(log_dir=folder)
    parts.callback(replica.kill)
    return replica


def _is_ready(body: dict[str, Any]) -> bool:
    conditions = body.get("status", {}).get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
