"""Mock workers in a process of their own, and the hands on them."""

import dataclasses
import json
import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Self

from rig.ports import HOST, reserve_port
from rig.process import Process
from rig.stopping import Stoppable
from rig.web import fetch, is_ok
from rig.workers.script import Script, dump
from rig.workers.server import Received

_READY_WITHIN_S = 120.0
_TESTS = Path(__file__).parents[2]


class MockWorker:
    """One worker of a WorkerProcess; `url` is what one registers."""

    def __init__(self, name: str, script: Script, base_url: str) -> None:
        self.name = name
        self.url = f"{base_url}/w/{name}"
        self._control_url = f"{base_url}/_ctl/{name}"
        self._script = script
        self._call("PUT", dump(script))

    def change(self, **fields: Any) -> None:
        """Replace these fields of its script from the next request on; the counts of canned answers begin anew."""
        self._script = dataclasses.replace(self._script, **fields)
        self._call("PUT", dump(self._script))

    def crash(self) -> None:
        """From now on it drops every connection."""
        self.change(up=False)

    def sicken(self, status: int = 503) -> None:
        """From now on /health answers this."""
        self.change(health_status=status)

    def heal(self) -> None:
        """From now on it is up, healthy, quick and steady."""
        self.change(up=True, health_status=200, health_delay_s=0.0, flap_s=0.0)

    def received(self) -> list[Received]:
        """What it was asked so far, in order."""
        return [Received(**fields) for fields in json.loads(self._call("GET"))]

    def remove(self) -> None:
        """Take it away; its paths answer 404."""
        self._call("DELETE")

    def _call(self, method: str, body: bytes | None = None) -> bytes:
        return fetch(self._control_url, method=method, body=body)


class MockWorkers:
    """The workers that one user of a WorkerProcess has there; a prefix keeps their names apart from other users'."""

    def __init__(self, base_url: str, prefix: str = "") -> None:
        self._base_url = base_url
        self._prefix = prefix
        self._added: list[MockWorker] = []

    def add(self, name: str, script: Script | None = None) -> MockWorker:
        """A worker of this name (letters, digits, dots, dashes): healthy, or what the script says."""
        worker = MockWorker(self._prefix + name, script or Script(), self._base_url)
        self._added.append(worker)
        return worker

    def clear(self) -> None:
        """Remove every worker that was added here."""
        for worker in self._added:
            worker.remove()
        self._added.clear()


class WorkerProcess(Stoppable):
    """The process and its `workers`; a context manager, or stop() it."""

    def __init__(self, process: Process, url: str) -> None:
        self.process = process
        self.url = url
        self.workers = MockWorkers(url)

    @classmethod
    def start(cls, port: int | None = None, log_dir: Path | None = None) -> Self:
        """Start it and wait until it answers. Raises NotReadyError."""
        port = port or reserve_port()
        url = f"http://{HOST}:{port}"
        log = (log_dir or Path(mkdtemp(prefix="herder-workers-"))) / f"workers-{port}.log"
        argv = [sys.executable, "-m", "rig.workers", "--port", str(port)]
        process = Process.start(argv, log, env={"PYTHONPATH": str(_TESTS)})
        process.wait_ready(lambda: is_ok(f"{url}/_ctl"), _READY_WITHIN_S)
        return cls(process, url)

    def stop(self) -> None:
        """End the process and with it every worker: connections are refused then."""
        self.process.kill()
