"""A replica that hangs: how long the others then take to have what is declared, beside how long it takes otherwise."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

from bench.scale import raw
from bench.scale.declaring import RESYNC_S
from bench.scale.world import World
from rig.gateway import Smg

_EVERY_S = 0.25
_POLL_S = 0.02
_HUNDREDTHS = 100


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds from a declaration until all the other replicas list it as ready, one for each, in order of size."""

    all_s: tuple[float, ...]

    @property
    def median_s(self) -> float:
        """Half of them took no longer."""
        return statistics.median(self.all_s)

    @property
    def p99_s(self) -> float:
        """The 99th percentile."""
        return statistics.quantiles(self.all_s, n=_HUNDREDTHS, method="inclusive")[-1]


@dataclass(frozen=True, slots=True)
class Hang:
    """As many workers declared while all replicas answer as from the first moment of a hang on."""

    count: int
    all_well: Delays
    one_hung: Delays


async def hang(world: World, urls: Sequence[str]) -> Hang:
    """Declare half of the workers while all is well, and half from the moment on that a replica hangs."""
    world.restart_replicas()
    world.declared.gateway(world.replicas, resyncSeconds=RESYNC_S)
    half = len(urls) // 2
    *others, hung = world.replicas
    with world.operator():
        await asyncio.sleep(2 * RESYNC_S)  # so that all have been read
        all_well = await _declared(world, others, dict(enumerate(urls[:half])))
        hung.process.pause()
        try:
            one_hung = await _declared(world, others, dict(enumerate(urls[half:], half)))
        finally:
            hung.process.resume()
    return Hang(half, all_well, one_hung)


async def _declared(world: World, replicas: Sequence[Smg], urls: dict[int, str]) -> Delays:
    declared_s: dict[str, float] = {}
    watching = asyncio.create_task(_seen(replicas, set(urls.values())))
    for number, url in urls.items():
        declared_s[url] = time.monotonic()
        await asyncio.to_thread(world.declared.worker, f"h{number:04}", url)
        await asyncio.sleep(_EVERY_S)
    seen_s = await watching
    return Delays(tuple(sorted(seen_s[url] - declared_s[url] for url in urls.values())))


async def _seen(replicas: Sequence[Smg], urls: set[str]) -> dict[str, float]:
    """When all of the replicas listed each of the URLs as ready."""
    seen_s: dict[str, float] = {}
    async with aiohttp.ClientSession() as session:
        while len(seen_s) < len(urls):
            lists = await asyncio.gather(*(raw.ready_of(session, replica.url) for replica in replicas))
            now_s = time.monotonic()
            for url in urls.intersection(*lists) - seen_s.keys():
                seen_s[url] = now_s
            await asyncio.sleep(_POLL_S)
    return seen_s
