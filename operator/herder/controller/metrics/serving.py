"""GET /metrics."""

import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST


class CannotServe(RuntimeError):
    """The port can't be had; the message says why."""


type Judge = Callable[[str | None], Awaitable[HTTPStatus]]
"""Returns the status for whoever sends this Authorization: OK for who may read."""


@asynccontextmanager
async def served(
    text: Callable[[], bytes], host: str, port: int, *, judge: Judge | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[None]:
    """Answer GET /metrics with `text` within the block, unless `port` is 0. Raises CannotServe.

    Everybody may read, or whom `judge` lets. Over HTTPS with `tls`.
    """
    if not port:
        yield
        return

    async def answer(request: web.Request) -> web.Response:
        verdict = HTTPStatus.OK if judge is None else await judge(request.headers.get("Authorization"))
        if verdict is not HTTPStatus.OK:
            return web.Response(status=verdict, headers={"WWW-Authenticate": "Bearer"})
        return web.Response(body=text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    application.router.add_get("/metrics", answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port, ssl_context=tls).start()
        except OSError as error:
            why = os.strerror(error.errno).lower() if error.errno else str(error)
            raise CannotServe(f"metrics can't be served on {host}:{port}: {why}") from error
        yield
    finally:
        await runner.cleanup()
