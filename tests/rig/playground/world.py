"""Everything that the samples speak of, started part by part, ended together.

FOLDER/control-plane/    its programs, kubeconfig and logs
FOLDER/logs/             the gateway replicas', the workers' and the operator's
"""

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from rig.control_plane.control_plane import ControlPlane
from rig.crds import apply_crds
from rig.gateway import Smg
from rig.mcp import McpServer
from rig.operator_process import Operator
from rig.playground.files import remove_files, write_files
from rig.playground.samples import Samples
from rig.process import Process
from rig.stopping import Stoppable
from rig.workers import MockWorker, Script, WorkerProcess

SCRIPTS: Final[Mapping[str, Script]] = {
    "llama-a": Script(models=("llama-3.3-70b",)),
    "llama-b": Script(models=("llama-3.3-70b",)),
    "qwen-a": Script(runtime="vllm", models=("qwen3-32b",)),
}
"""What each worker of the samples is while it is healthy."""

SICK_STATUS: Final = 503

type Stage = Callable[[str], AbstractContextManager[None]]
"""Tells a person what is being started; the block is the time that it takes."""


@dataclass(frozen=True, slots=True)
class World(Stoppable):
    """The running parts; a context manager, or call stop(). Everything dies with this process anyway."""

    folder: Path
    samples: Samples
    control_plane: ControlPlane
    replicas: tuple[Smg, ...]
    workers: Mapping[str, MockWorker]
    worker_process: WorkerProcess
    operator: Operator
    _parts: ExitStack

    @classmethod
    def start(cls, samples: Samples, folder: Path, stage: Stage, *, sick: Collection[str] = ()) -> Self:
        """Start all parts; the workers named in `sick` answer their health check with 503.

        The samples are not applied yet. Raises NotReadyError with the end of the log of what did not come up, and
        PortTakenError before anything is started.
        """
        samples.check_ports()
        logs = folder / "logs"
        with ExitStack() as parts:
            with stage("a Kubernetes control plane: etcd, kube-apiserver, kube-controller-manager"):
                control_plane = parts.enter_context(ControlPlane.start(folder / "control-plane"))
                apply_crds(control_plane)
            with stage(f"{len(samples.gateway_ports)} replicas of the gateway (smg)"):
                replicas = tuple(_start_replica(port, logs, parts) for port in samples.gateway_ports)
            with stage(f"{len(samples.worker_urls)} inference workers (mocks: they answer as SGLang and vLLM do)"):
                process = parts.enter_context(WorkerProcess.start(samples.worker_port, logs))
                workers = {name: process.workers.add(name, _script(name, sick)) for name in samples.worker_urls}
            with stage("a server of tools (the official MCP SDK), a module and a tokenizer"):
                for port in samples.mcp_ports:
                    parts.callback(McpServer.start(port, logs).kill)
                parts.callback(remove_files, samples)
                write_files(samples)
            with stage("the operator: herder run"):
                operator = Operator.start(control_plane, log_dir=logs)
                parts.callback(operator.kill)
                operator.wait_healthy()
            return cls(folder, samples, control_plane, replicas, workers, process, operator, parts.pop_all())

    def apply_samples(self) -> None:
        """`kubectl apply -f samples/`. Raises KubectlError."""
        self.control_plane.kubectl("apply", "-f", str(self.samples.folder))

    def delete(self, name: str) -> None:
        """`kubectl delete` a worker, without waiting for its end. Raises KubectlError."""
        self.control_plane.kubectl("delete", "workerregistration", name, "--wait=false")

    def ended(self) -> tuple[Process, ...]:
        """The parts that have ended though nobody ended them here."""
        parts = (*(replica.process for replica in self.replicas), self.worker_process.process, self.operator.process)
        return tuple(part for part in parts if part.returncode is not None)

    def stop(self) -> None:
        """End all parts, the last one started first; their logs stay."""
        self._parts.close()


def _start_replica(port: int, logs: Path, parts: ExitStack) -> Smg:
    replica = Smg.start("--enable-wasm", port=port, log_dir=logs)
    parts.callback(replica.kill)
    return replica


def _script(name: str, sick: Collection[str]) -> Script:
    healthy = SCRIPTS.get(name, Script())
    return replace(healthy, health_status=SICK_STATUS) if name in sick else healthy
