"""GET /metrics."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST


class CannotServe(RuntimeError):
    """The port can't be had; the message says why."""


@asynccontextmanager
async def served(text: Callable[[], bytes], host: str, port: int) -> AsyncIterator[None]:
    """Answer GET /metrics with `text` within the block, unless `port` is 0. Raises CannotServe."""
    if not port:
        yield
        return

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    application.router.add_get("/metrics", answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            why = os.strerror(error.errno).lower() if error.errno else str(error)
            raise CannotServe(f"metrics can't be served on {host}:{port}: {why}") from error
        yield
    finally:
        await runner.cleanup()
