"""The environment names a proxy, and nothing that herder sends goes there: neither calls nor what they hold."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from rig.control_plane.cluster import Cluster
from rig.declared import Declared
from rig.gateway import Smg
from rig.mcp import McpServer
from rig.operator_process import Operator
from rig.ports import HOST
from rig.waiting import wait_for_condition
from rig.workers import MockWorkers
from rig.workers.grpc_worker import GrpcWorker

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "grpc_proxy", "ws_proxy", "wss_proxy")


class Proxy:
    """Takes connections, counts them and drops them. `url` is where."""

    def __init__(self, server: socket.socket) -> None:
        self.url = f"http://{HOST}:{server.getsockname()[1]}"
        self.connections = 0
        self._server = server

    def serve(self) -> None:
        """Count until the socket is closed."""
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            connection.close()


@contextmanager
def _proxy() -> Iterator[Proxy]:
    with socket.create_server((HOST, 0)) as server:
        proxy = Proxy(server)
        thread = threading.Thread(target=proxy.serve, daemon=True)
        thread.start()
        yield proxy
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy that each variable of the environment names, for what is started from now on."""
    with _proxy() as started:
        for name in VARIABLES:
            monkeypatch.setenv(name, started.url)
            monkeypatch.setenv(name.upper(), started.url)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        yield started


async def test_no_call_of_any_kind_goes_through_the_proxy_of_the_environment(
    declared: Declared,
    control_plane: Cluster,
    smg_pair: tuple[Smg, Smg],
    mock_workers: MockWorkers,
    proxy: Proxy,
    start_operator: Callable[..., Operator],
) -> None:
    operator = start_operator().wait_healthy()
    declared.gateway(smg_pair)
    with McpServer.start() as server, GrpcWorker(engine="vllm", model="m") as spoken_to:
        spec = {"gatewayRef": {"name": "gw"}, "transport": {"url": server.url}, "required": True}
        declared.apply("McpServer", "tools", spec)
        declared.worker("http", mock_workers.add("a").url)
        declared.worker("grpc", spoken_to.url)

        await wait_for_condition(control_plane, declared.path("tools", "mcpservers"), "Reachable", timeout_s=15)
        await declared.until("http", reason="Registered", timeout_s=15)
        await declared.until("grpc", reason="Registered", timeout_s=15)

    assert operator.is_healthy()
    assert proxy.connections == 0
