"""Posting workers to replicas by hand, as fast as they take them: what herder is measured against."""

import asyncio
import time
from collections.abc import Sequence

import aiohttp

_PARALLEL = 32
_POLL_S = 0.05


async def post_all(replicas: Sequence[str], urls: Sequence[str]) -> float:
    """Post every worker to every replica; seconds until each lists all of them as ready, once."""
    connector = aiohttp.TCPConnector(limit_per_host=_PARALLEL)
    async with aiohttp.ClientSession(connector=connector) as session:
        began_s = time.monotonic()
        await asyncio.gather(*(_post_to(session, replica, urls) for replica in replicas))
        return time.monotonic() - began_s


async def _post_to(session: aiohttp.ClientSession, replica: str, urls: Sequence[str]) -> None:
    await asyncio.gather(*(_post(session, replica, url) for url in urls))
    await all_ready(session, replica, urls)


async def _post(session: aiohttp.ClientSession, replica: str, url: str) -> None:
    async with session.post(f"{replica}/workers", json={"url": url}) as answer:
        answer.raise_for_status()


async def all_ready(session: aiohttp.ClientSession, replica: str, urls: Sequence[str]) -> None:
    """Wait until a replica lists all of these, and nothing else, as ready. Raises AssertionError for a double."""
    wanted = sorted(urls)
    while True:
        listed = await ready_of(session, replica)
        assert len(listed) == len(set(listed)), f"{replica} lists a worker twice"
        if sorted(listed) == wanted:
            return
        await asyncio.sleep(_POLL_S)


async def ready_of(session: aiohttp.ClientSession, replica: str) -> list[str]:
    """Return the URLs that a replica lists as ready."""
    async with session.get(f"{replica}/workers") as answer:
        workers = (await answer.json())["workers"]
    return [worker["url"] for worker in workers if worker["status"] == "ready"]
