"""What is done again and again in the background, as long as the process lives."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from herder.controller.cluster.errors import KubeError

log = structlog.get_logger(__name__)


async def every(interval_s: float, act: Callable[[], Awaitable[None]]) -> None:
    """Do `act` each time that `interval_s` seconds have passed, until cancelled.

    What it raises is logged: the next round may go well, and one object that nobody foresaw must not end the operator.
    """
    while True:
        await asyncio.sleep(interval_s)
        try:
            await act()
        except KubeError as error:
            log.warning("round.failed", error=str(error))
        except Exception:
            log.exception("round.defect")
