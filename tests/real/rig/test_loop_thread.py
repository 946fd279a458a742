"""A loop in a thread of its own leaves nothing behind, which would fail whatever test happens to clear it up."""

import asyncio
import gc
import socket

from rig.loop_thread import LoopThread
from rig.ports import HOST


def test_a_connection_that_is_open_and_a_task_that_waits_end_with_it() -> None:
    ended = list[str]()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("task")

    class Peer(asyncio.Protocol):
        def connection_lost(self, error: Exception | None) -> None:
            ended.append("connection")

    async def listen() -> tuple[asyncio.Server, asyncio.Task[None]]:
        return await asyncio.get_running_loop().create_server(Peer, HOST, 0), asyncio.create_task(wait())

    async def stop_listening(server: asyncio.Server) -> None:
        server.close()

    with socket.socket() as client:
        client.settimeout(30)
        with LoopThread("test") as thread:
            server, task = thread.run(listen())
            client.connect(server.sockets[0].getsockname())
            thread.run(asyncio.sleep(0.1))
            thread.run(stop_listening(server))
        assert client.recv(1) == b""

    gc.collect()
    assert sorted(ended) == ["connection", "task"]
    assert task.cancelled()
