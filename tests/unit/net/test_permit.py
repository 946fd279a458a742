"""Leave to change something: asked when the request is about to go, however long it waited before that."""

import asyncio
import signal
import socket
import subprocess
import sys

import pytest
from aiohttp import web

from herder.net.address import AddressPolicy
from herder.net.errors import NotPermitted
from herder.net.http import Http
from herder.net.permit import delivering_within, never
from unit.net.servers import serving

POLICY = AddressPolicy(allow_loopback=True)


class Server:
    """Counts what reaches it, and holds a request until it is let go."""

    def __init__(self) -> None:
        self.met: list[str] = []
        self.has_met = asyncio.Event()
        self.go_on = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        self.met.append(request.method)
        self.has_met.set()
        await self.go_on.wait()
        return web.Response()


@pytest.mark.parametrize(
    ("method", "is_sent"),
    [("GET", True), ("HEAD", True), ("POST", False), ("PUT", False), ("PATCH", False), ("DELETE", False)],
)
async def test_without_leave_only_reading_is_sent(method: str, is_sent: bool) -> None:
    server = Server()
    server.go_on.set()
    async with serving(server.answer) as url, Http(POLICY, permit=never) as http:
        try:
            await http.request(method, url, deadline_s=60)
        except NotPermitted:
            assert not is_sent

    assert server.met == ([method] if is_sent else [])


async def test_leave_that_is_lost_while_a_request_waits_for_its_connection_is_lost_for_it() -> None:
    server, may = Server(), True

    def permit() -> None:
        if not may:
            raise NotPermitted("lost")

    async with (
        serving(server.answer) as url,
        Http(POLICY, permit=permit, limit_per_host=1) as http,
        asyncio.TaskGroup() as group,
    ):
        first = group.create_task(http.request("POST", url, deadline_s=60))
        await server.has_met.wait()
        second = group.create_task(_sent(http, url))
        await asyncio.sleep(0)
        may = False
        server.go_on.set()

    assert first.result().status == 200
    assert second.result() is False
    assert server.met == ["POST"]


async def _sent(http: Http, url: str) -> bool:
    try:
        await http.request("POST", url, deadline_s=60)
    except NotPermitted:
        return False
    return True


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system has no such option")
def test_what_a_peer_does_not_take_in_time_is_thrown_away() -> None:
    with delivering_within(2.5)((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 1))) as made:
        assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 2500


_SENDS_AND_DIES = """
import os, signal, socket, sys
from herder.net.permit import delivering_within
made = delivering_within(30)((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", int(sys.argv[1]))))
made.connect(("127.0.0.1", int(sys.argv[1])))
made.setblocking(False)
try:
    while True:
        made.send(bytes(1 << 16))
except BlockingIOError:
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="what other systems do is not known")
def test_what_is_still_to_be_sent_when_the_process_is_killed_is_thrown_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        killed = subprocess.run([sys.executable, "-c", _SENDS_AND_DIES, port], check=False, timeout=60)
        peer, _ = server.accept()

    with peer, pytest.raises(ConnectionResetError):
        _read_to_the_end(peer)
    assert killed.returncode == -signal.SIGKILL


def _read_to_the_end(peer: socket.socket) -> None:
    while peer.recv(1 << 20):  # what had arrived by then
        pass


async def test_the_connections_of_an_http_with_a_time_for_delivery_are_made_so(monkeypatch: pytest.MonkeyPatch) -> None:
    server, limits = Server(), list[float]()
    server.go_on.set()
    monkeypatch.setattr("herder.net.sessions.delivering_within", limits.append)
    async with serving(server.answer) as url, Http(POLICY, delivery_s=5.0) as http:
        await http.request("GET", url, deadline_s=60)

    assert limits == [5.0]
