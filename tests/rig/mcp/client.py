"""An MCP server in a process of its own, and the hands on it."""

import dataclasses
import json
import sys
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import Any, Self

from rig.mcp.script import Script
from rig.ports import HOST, reserve_port
from rig.process import Process
from rig.web import fetch, is_ok

_READY_WITHIN_S = 120.0
_TESTS = Path(__file__).parents[2]


class McpServer:
    """A server; `url` is what one declares. It keeps its address when it is killed and started again."""

    def __init__(self, port: int | None = None, log_dir: Path | None = None) -> None:
        self.port = port or reserve_port()
        self.url = f"http://{HOST}:{self.port}/mcp"
        self._log = (log_dir or Path(mkdtemp(prefix="herder-mcp-"))) / f"mcp-{self.port}.log"
        self._script = Script()
        self._process: Process | None = None

    @classmethod
    def start(cls, port: int | None = None, log_dir: Path | None = None) -> Self:
        """Start one and wait until it answers. Raises NotReadyError."""
        server = cls(port, log_dir)
        server.up()
        return server

    def up(self) -> None:
        """Start it, as its script says."""
        argv = [sys.executable, "-m", "rig.mcp", "--port", str(self.port)]
        self._process = Process.start(argv, self._log, env={"PYTHONPATH": str(_TESTS)})
        self._process.wait_ready(lambda: is_ok(self._control_url), _READY_WITHIN_S)
        self.change()

    def change(self, **fields: Any) -> None:
        """Replace these fields of its script from the next request on."""
        self._script = dataclasses.replace(self._script, **fields)
        body = json.dumps(self._script.as_json()).encode()
        fetch(self._control_url, method="PUT", body=body)

    def received(self) -> list[dict[str, str]]:
        """The method and the headers of each request so far."""
        received: list[dict[str, str]] = json.loads(fetch(self._control_url))
        return received

    def kill(self) -> None:
        """End it: connections are refused."""
        if self._process is not None:
            self._process.kill()

    @property
    def _control_url(self) -> str:
        return f"http://{HOST}:{self.port}/_ctl"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
