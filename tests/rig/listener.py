"""A peer that answers any request alike and remembers all that it was sent: what a tenant would have herder call."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web

from rig.loop_thread import LoopThread
from rig.ports import HOST


@dataclass
class Listener:
    """`url` is where it answers; `requests` holds the path, the headers and the body of each request, as text.

    With `echoes` the answer repeats them. Whoever asks for its health is told that it is well.
    """

    status: int = 200
    echoes: bool = False
    requests: list[str] = field(default_factory=list)
    url: str = ""

    def heard(self, text: str) -> bool:
        """Whether anything that it was sent holds `text`."""
        return any(text in request for request in self.requests)

    async def answer(self, request: web.Request) -> web.Response:
        """Take a request."""
        body = await request.text()
        headers = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
        self.requests.append(f"{request.method} {request.path_qs}\n{headers}\n\n{body}")
        nothing: dict[str, object] = {"workers": [], "data": []}
        echo: dict[str, object] = {"error": {"code": "ECHO", "message": self.requests[-1]}}
        status = 200 if request.path.endswith("/health") else self.status
        return web.json_response(echo if self.echoes else nothing, status=status)


@contextmanager
def listening(listener: Listener, tls: ssl.SSLContext | None = None) -> Iterator[Listener]:
    """Let it answer within the block, in a thread of its own, so that tests may block."""
    runner = web.AppRunner(_application(listener), access_log=None, shutdown_timeout=0)

    async def start() -> None:
        await runner.setup()
        await web.TCPSite(runner, HOST, 0, ssl_context=tls).start()
        listener.url = f"http{'s' if tls else ''}://{HOST}:{runner.addresses[0][1]}"

    with LoopThread("listener") as thread:
        thread.run(start())
        try:
            yield listener
        finally:
            thread.run(runner.cleanup())


def _application(listener: Listener) -> web.Application:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", listener.answer)
    return application
