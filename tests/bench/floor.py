"""usage: python -m bench.floor INSTANCES asyncio|uvloop task|inline: what asyncio itself takes for as many steps."""

import asyncio
import json
import sys
import time

import uvloop

from bench.shape import STEPS


async def step(count: list[int]) -> None:
    """Do next to nothing."""
    count[0] += 1


async def task_per_step(count: list[int]) -> None:
    """Run an instance's steps one after another, each in a task."""
    for _ in range(STEPS):
        await asyncio.create_task(step(count))


async def inline(count: list[int]) -> None:
    """Run an instance's steps one after another, in the instance's own task."""
    for _ in range(STEPS):
        await step(count)


async def burst(instances: int, *, is_inline: bool) -> dict[str, float]:
    """Time all instances together."""
    count = [0]
    run = inline if is_inline else task_per_step
    begin_s = time.perf_counter()
    await asyncio.gather(*(run(count) for _ in range(instances)))
    return {"steps_per_s": count[0] / (time.perf_counter() - begin_s)}


def main() -> None:
    """Print one line of JSON."""
    instances, loop, kind = sys.argv[1:]
    run = uvloop.run if loop == "uvloop" else asyncio.run
    print(json.dumps(run(burst(int(instances), is_inline=kind == "inline"))))


if __name__ == "__main__":
    main()
