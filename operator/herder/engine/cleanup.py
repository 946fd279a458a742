"""Evicts at intervals what ended long ago."""

import asyncio
import contextlib

import structlog

from herder.engine.store import StateStore

log = structlog.get_logger(__name__)


async def clean_up(store: StateStore, ttl_s: float, interval_s: float, shut_down: asyncio.Event) -> None:
    """Evict now and every `interval_s` seconds what ended `ttl_s` seconds ago or earlier, until `shut_down`."""
    while not shut_down.is_set():
        try:
            evicted = await store.cleanup_old_workflows(ttl_s)
        except Exception as error:  # a store may raise anything; the next round may go well
            log.warning("engine.cleanup_failed", exc_info=error)
        else:
            log.debug("engine.cleaned_up", evicted=evicted)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(interval_s):
                await shut_down.wait()
