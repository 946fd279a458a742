"""The operator as a process: `herder run` from this environment, against a control plane of the rig.

The file is not called operator.py: a script started in this folder would take it for the standard library's.
"""

import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from rig import nursery
from rig.control_plane.cluster import Cluster
from rig.ports import HOST, reserve_port
from rig.process import Process
from rig.web import is_ok

_READY_WITHIN_S = 120.0
_NAMES = Path(__file__).with_name("names")


class Operator:
    """One run of the operator; to restart it, kill or stop it and start another."""

    def __init__(self, process: Process, health_url: str, metrics_url: str) -> None:
        self.process = process
        self.health_url = health_url
        self.metrics_url = metrics_url
        self.log = process.log

    @classmethod
    def start(
        cls,
        cluster: Cluster,
        *args: str,
        log_dir: Path | None = None,
        kubeconfig: Path | None = None,
        failpoint: str | None = None,
        preloaded: Mapping[str, str] | None = None,
    ) -> Self:
        """Start it, for all namespaces unless `args` name some; as the administrator unless `kubeconfig` says who.

        It has no rivals unless `args` say --leader-elect: where one was killed, no Lease has to run out. It kills
        itself at the `failpoint`, if one is given. `preloaded` is an environment that counts from a program's very
        start. It does not wait: see `wait_healthy`.
        """
        port, metrics_port = reserve_port(), reserve_port()
        log = (log_dir or Path(tempfile.mkdtemp(prefix="herder-operator-"))) / f"operator-{port}.log"
        names_namespaces = any(word.partition("=")[0] in {"--namespace", "--all-namespaces"} for word in args)
        argv = [
            "run",
            *("--kubeconfig", str(kubeconfig or cluster.kubeconfig)),
            *("--health-port", str(port)),
            *("--metrics-port", str(metrics_port)),
            *(() if "--leader-elect" in args else ("--no-leader-elect",)),
            "--allow-loopback",
            *(() if names_namespaces else ("--all-namespaces",)),
            *args,
        ]
        python_path = os.pathsep.join([str(_NAMES), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {} if failpoint is None else {"HERDER_FAILPOINT": failpoint}
        launch = _launched if preloaded is None else _started
        process = launch(argv, log, {**environment, **(preloaded or {})}, python_path)
        base = f"http://{HOST}"
        return cls(process, f"{base}:{port}/healthz", f"{base}:{metrics_port}/metrics")

    def wait_healthy(self, timeout_s: float = _READY_WITHIN_S) -> Self:
        """Block until its health URL says 200. Raises NotReadyError with the end of its log."""
        self.process.wait_ready(self.is_healthy, timeout_s)
        return self

    def is_healthy(self, timeout_s: float = 60.0) -> bool:
        """Whether its health URL says 200 now, in time."""
        return is_ok(self.health_url, timeout_s=timeout_s)

    @property
    def was_killed(self) -> bool:
        """Whether it has ended, and by SIGKILL."""
        return self.process.returncode == -signal.SIGKILL

    def kill(self) -> None:
        """SIGKILL: what it was doing stays as it is."""
        self.process.kill()

    def stop(self, timeout_s: float = 15.0) -> int:
        """SIGTERM, and wait for its end (SIGKILL after `timeout_s`); returns the exit code."""
        return self.process.stop(timeout_s)


def _launched(argv: Sequence[str], log: Path, env: Mapping[str, str], python_path: str) -> Process:
    if nursery.IS_AVAILABLE:
        return Process.fork(argv, log, env=env, python_path=python_path)
    return _started(argv, log, env, python_path)


def _started(argv: Sequence[str], log: Path, env: Mapping[str, str], python_path: str) -> Process:
    words = [sys.executable, "-m", "herder.cli", *argv]
    return Process.start(words, log, env={**env, "PYTHONPATH": python_path})
