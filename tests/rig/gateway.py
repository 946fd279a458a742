"""A real gateway replica: `smg launch` from the wheel in this environment, on 127.0.0.1."""

import json
import ssl
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from rig.ports import HOST, reserve_port
from rig.process import Process
from rig.web import fetch, is_ok

_READY_WITHIN_S = 120.0
_STARTUP_TIMEOUT_S = 20


class Smg:
    """One replica. It keeps its address over restarts; its registry is in memory, so a restarted one knows nothing."""

    def __init__(
        self, argv: list[str], url: str, log: Path, api_key: str | None, tls: ssl.SSLContext | None = None
    ) -> None:
        self.url = url
        self.log = log
        self._argv = argv
        self._api_key = api_key
        self._tls = tls
        self.process = self._launch()

    @classmethod
    def start(
        cls,
        *extra_args: str,
        port: int | None = None,
        startup_timeout_s: int = _STARTUP_TIMEOUT_S,
        check_interval_s: int = 1,
        api_key: str | None = None,
        log_dir: Path | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> Self:
        """Start a replica and wait until its /health answers.

        `startup_timeout_s` is how long it tries to reach a new worker, `check_interval_s` how often it does. A worker
        that turns sick shows within two seconds (a check each second, two failures). `tls` is what trusts its
        certificate, where the arguments name one. Raises NotReadyError.
        """
        port = port or reserve_port()
        log = (log_dir or Path(tempfile.mkdtemp(prefix="herder-smg-"))) / f"smg-{port}.log"
        options = {
            "--host": HOST,
            "--port": port,
            "--prometheus-host": HOST,
            "--prometheus-port": reserve_port(),
            "--worker-startup-timeout-secs": startup_timeout_s,
            "--worker-startup-check-interval": check_interval_s,
            "--health-check-interval-secs": 1,
            "--health-check-timeout-secs": 5,  # a well worker of a busy machine may take a while
            "--health-failure-threshold": 2,
            "--health-success-threshold": 1,
            "--log-level": "info",  # the reason of a failed registration is in the log and nowhere else
        }
        if api_key:
            options["--api-key"] = api_key
        words = [str(word) for option in options.items() for word in option]
        smg = str(Path(sys.executable).with_name("smg"))
        argv = [smg, "launch", "--enable-igw", *words, *extra_args]
        scheme = "http" if tls is None else "https"
        return cls(argv, f"{scheme}://{HOST}:{port}", log, api_key, tls)

    def workers(self) -> list[dict[str, Any]]:
        """What GET /workers lists now, as it stands there. Workers that are still being registered are not in it."""
        listed: list[dict[str, Any]] = json.loads(self._get("/workers"))["workers"]
        return listed

    def kill(self) -> None:
        """SIGKILL: its registry is gone."""
        self.process.kill()

    def stop(self) -> None:
        """SIGTERM; it takes 5 s to end by itself, so this ends it after 1."""
        self.process.stop(timeout_s=1)

    def restart(self) -> None:
        """Kill it, if it runs, and start it anew at the same address."""
        self.process.kill()
        self.process = self._launch()

    def pause(self) -> None:
        """SIGSTOP: connections are accepted by the kernel and never answered."""
        self.process.pause()

    def resume(self) -> None:
        """SIGCONT."""
        self.process.resume()

    def _get(self, path: str) -> bytes:
        return fetch(f"{self.url}{path}", token=self._api_key, tls=self._tls)

    def _launch(self) -> Process:
        process = Process.start(self._argv, self.log, env={"NO_COLOR": "1"})
        process.wait_ready(lambda: is_ok(f"{self.url}/health", tls=self._tls), _READY_WITHIN_S)
        return process


@contextmanager
def running(
    count: int, *extra_args: str, log_dir: Path | None = None, startup_timeout_s: int = _STARTUP_TIMEOUT_S
) -> Iterator[tuple[Smg, ...]]:
    """Give a block that many fresh replicas, started at the same time; see `Smg.start`."""

    def start(_: int) -> Smg:
        return Smg.start(*extra_args, startup_timeout_s=startup_timeout_s, log_dir=log_dir)

    with ThreadPoolExecutor() as pool:
        smgs = tuple(pool.map(start, range(count)))
    try:
        yield smgs
    finally:
        for smg in smgs:
            smg.kill()
