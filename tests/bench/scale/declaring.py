"""The same by resources: a flood of declarations, and a replica that comes back with nothing."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import aiohttp

from bench.scale import raw
from bench.scale.world import Usage, World
from rig.gateway import Smg
from rig.heals import Heals
from rig.operator_process import Operator

_POLL_S = 0.5
RESYNC_S = 2


@dataclass(frozen=True, slots=True)
class Flood:
    """One flood of `count` declarations. Seconds are counted from the first declaration on."""

    count: int
    raw_s: float
    declared_s: float
    ready_s: float
    usage: Usage
    replicas_cpu_s: float
    """What the replicas used from the first declaration on."""
    writes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Heal:
    """One restart of a replica. `back_s` is counted from the moment that it answers again, noticing it included."""

    count: int
    raw_s: float
    back_s: float
    heal_s: float
    """As the operator itself tells it: from the reading that found the replica without anything, until all is seen."""
    usage: Usage


async def flood(world: World, urls: Sequence[str]) -> Flood:
    """Post the workers by hand to fresh replicas, then declare them for fresh replicas."""
    endpoints = [replica.url for replica in world.replicas]
    world.restart_replicas()
    raw_s = await raw.post_all(endpoints, urls)
    world.restart_replicas()
    world.declared.gateway(world.replicas, resyncSeconds=RESYNC_S)
    before = world.writes()
    with world.operator() as operator:
        idle, idle_replicas_s = Usage.of(operator.process.pid), world.replicas_cpu_s()
        began_s = time.monotonic()
        await asyncio.to_thread(world.declare, urls)
        declared_s = time.monotonic() - began_s
        await _until(lambda: world.are_ready(operator, len(urls)))
        ready_s = time.monotonic() - began_s
        used, replicas_s = Usage.of(operator.process.pid), world.replicas_cpu_s() - idle_replicas_s
        async with aiohttp.ClientSession() as session:
            for endpoint in endpoints:  # none is missing anywhere, and none is there twice
                await raw.all_ready(session, endpoint, urls)
    usage = Usage(used.cpu_s - idle.cpu_s, used.peak_mib)
    writes = {kind: number - before[kind] for kind, number in world.writes().items()}
    return Flood(len(urls), raw_s, declared_s, ready_s, usage, replicas_s, writes)


async def heal(world: World, urls: Sequence[str], rounds: int) -> list[Heal]:
    """Have them declared and Ready; then, again and again, restart a replica, and be it by hand for comparison."""
    lost = world.replicas[-1]
    raw_s = []
    for _ in range(rounds):
        lost.restart()
        raw_s.append(await raw.post_all([lost.url], urls))
    world.restart_replicas()
    world.declared.gateway(world.replicas, resyncSeconds=RESYNC_S)
    with world.operator() as operator:
        await asyncio.to_thread(world.declare, urls)
        await _until(lambda: world.are_ready(operator, len(urls)))
        return [await _heal_once(operator, lost, urls, each_s) for each_s in raw_s]


async def _heal_once(operator: Operator, lost: Smg, urls: Sequence[str], raw_s: float) -> Heal:
    await asyncio.sleep(5 * RESYNC_S)  # so that nothing is under way
    before, healed = Usage.of(operator.process.pid), Heals.of(operator)
    await asyncio.to_thread(lost.restart)
    began_s = time.monotonic()
    async with aiohttp.ClientSession() as session:
        await raw.all_ready(session, lost.url, urls)
    back_s, used = time.monotonic() - began_s, Usage.of(operator.process.pid)
    await _until(lambda: Heals.of(operator).count > healed.count)
    usage = Usage(used.cpu_s - before.cpu_s, used.peak_mib)
    return Heal(len(urls), raw_s, back_s, Heals.of(operator).total_s - healed.total_s, usage)


async def _until(is_so: Callable[[], bool]) -> None:
    while not await asyncio.to_thread(is_so):  # noqa: ASYNC110  (of what other processes do nobody tells)
        await asyncio.sleep(_POLL_S)
