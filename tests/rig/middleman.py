"""A middleman between herder and a server: it passes requests on, notes who sent them and when, and can swallow some.

It runs in a thread of its own, so that a test which blocks holds nothing up.
"""

import asyncio
import os
import ssl
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import aiohttp
from aiohttp import web

from rig.control_plane.access import write_kubeconfig
from rig.control_plane.cluster import Cluster
from rig.loop_thread import LoopThread
from rig.ports import HOST, reserve_port

_HOP_BY_HOP: Final = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "host"}
_READS: Final = {"GET", "HEAD"}


@dataclass(frozen=True, slots=True)
class Passed:
    """A request as it arrived. `client` is the pid of whoever sent it, 0 if that is not known; `at_s` is monotonic."""

    method: str
    path: str
    client: int
    at_s: float

    @property
    def changes(self) -> bool:
        """Whether it is one that may change something."""
        return self.method not in _READS


class Middleman:
    """Listens on loopback for the server at `upstream`, a URL. Use it as a context manager."""

    def __init__(
        self, upstream: str, *, serves: ssl.SSLContext | None = None, trusts: ssl.SSLContext | None = None
    ) -> None:
        self._upstream = upstream
        self._serves = serves
        self._trusts = trusts
        self._port = reserve_port()
        self.passed: list[Passed] = []
        self.swallows: Callable[[str], bool] = lambda _path: False
        """Says of a path whether requests for it vanish: they are taken, go nowhere, and get no answer."""
        self.clients: Iterable[int] = ()
        """The pids that a request is looked up among."""
        self._closing = asyncio.Event()
        self._thread = LoopThread("middleman")

    @classmethod
    def before(cls, cluster: Cluster) -> Self:
        """Return one for an API server; it shows the API server's own certificate."""
        serves = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        serves.load_cert_chain(cluster.ca_file, cluster.ca_file.with_suffix(".key"))
        return cls(cluster.server, serves=serves, trusts=ssl.create_default_context(cafile=str(cluster.ca_file)))

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http{'s' if self._serves else ''}://{HOST}:{self._port}"

    def kubeconfig(self, cluster: Cluster, folder: Path) -> Path:
        """Write a kubeconfig of the administrator's that leads here."""
        path = folder / f"kubeconfig-{self._port}"
        write_kubeconfig(path, server=self.url, ca_file=cluster.ca_file, token=cluster.token)
        return path

    def changes(self, *, client: int | None = None, since_s: float = 0.0) -> list[Passed]:
        """What may have changed something, of all or of one client, from a monotonic moment on."""
        return [p for p in tuple(self.passed) if p.changes and client in {None, p.client} and p.at_s >= since_s]

    def __enter__(self) -> Self:
        self._thread.__enter__()
        self._thread.run(self._open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.run(self._close())
        self._thread.__exit__(kind, error, trace)

    async def _open(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._trusts or True),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            trust_env=False,
        )
        application = web.Application(client_max_size=1 << 26)
        application.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)  # 0: for ever
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self._port, ssl_context=self._serves).start()

    async def _close(self) -> None:
        self._closing.set()
        await self._session.close()  # ends what is being passed on
        await self._runner.cleanup()
        await asyncio.sleep(0.1)  # TLS connections say goodbye, and nobody tells when they have

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        self.passed.append(Passed(request.method, request.path_qs, self._client_of(request), time.monotonic()))
        body = await request.read()
        if self._closing.is_set() or self.swallows(request.path):
            await self._closing.wait()
            raise web.HTTPServiceUnavailable
        try:
            return await self._passed_on(request, body)
        except aiohttp.ClientError as error:
            raise web.HTTPBadGateway from error

    async def _passed_on(self, request: web.Request, body: bytes) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        async with self._session.request(
            request.method,
            self._upstream + request.path_qs,
            headers=headers,
            data=body or None,
            skip_auto_headers=("Content-Type", "Accept", "User-Agent"),
            allow_redirects=False,
        ) as found:
            kept = {name: value for name, value in found.headers.items() if name.lower() not in _HOP_BY_HOP}
            answer = web.StreamResponse(status=found.status, headers=kept)
            with suppress(ConnectionError, aiohttp.ClientError):  # one of the two has hung up
                await answer.prepare(request)
                async for chunk in found.content.iter_any():
                    await answer.write(chunk)
                await answer.write_eof()
            return answer

    def _client_of(self, request: web.Request) -> int:
        peer = request.transport.get_extra_info("peername") if request.transport is not None else None
        return _owner_of(peer[1], self._port, tuple(self.clients)) if peer else 0


def _owner_of(port: int, to: int, pids: Iterable[int]) -> int:
    """Return which process has the connection from one port of this machine to another, 0 if none of these has.

    A port may be that of several connections, which lead to different places. Linux only.
    """
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if [int(each.rpartition(":")[2], 16) for each in fields[1:3]] == [port, to]:
            socket = f"socket:[{fields[9]}]"
            return next((pid for pid in pids if socket in _sockets(pid)), 0)
    return 0


def _sockets(pid: int) -> set[str]:
    found = set()
    with suppress(OSError):  # it has ended, or closed one meanwhile
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            found.add(os.readlink(descriptor))  # noqa: PTH115  (what it names is no path)
    return found
