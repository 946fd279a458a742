"""usage: python -m bench.herder_burst INSTANCES asyncio|uvloop [heard]: start them all together, then wait for each."""

import asyncio
import gc
import json
import sys
import time
from pathlib import Path

import uvloop

from bench.shape import ALL_OF, ANY_OF, STEPS
from herder.engine import Event, StepDefinition, WorkflowContext, WorkflowDefinition, WorkflowEngine

type Data = dict[str, object]


async def step(context: WorkflowContext[Data]) -> None:
    """Do next to nothing."""
    context.data["step"] = context.step_id


class Listener:
    """Counts what it hears."""

    def __init__(self) -> None:
        self.heard = 0

    async def on_event(self, event: Event) -> None:
        self.heard += 1


def resident_bytes() -> int:
    """Return how much memory the process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


async def burst(instances: int, *, is_heard: bool) -> dict[str, float]:
    """Time the burst, and weigh what is kept of it."""
    engine = WorkflowEngine()
    if is_heard:
        engine.event_bus.subscribe(Listener())
    steps = [
        StepDefinition(step_id, step, depends_on=all_of, depends_on_any=ANY_OF.get(step_id, ()))
        for step_id, all_of in ALL_OF.items()
    ]
    engine.register_workflow(WorkflowDefinition("register_worker", steps))
    gc.collect()
    before_bytes = resident_bytes()

    begin_s = time.perf_counter()
    ids = [
        await engine.start_workflow("register_worker", {"url": f"http://w{n}:8000", "labels": ["a=b"] * 4})
        for n in range(instances)
    ]
    outcomes = [await engine.wait_for_completion(instance_id, 300) for instance_id in ids]
    took_s = time.perf_counter() - begin_s

    assert all(outcome.ok for outcome in outcomes)
    gc.collect()
    return {
        "steps_per_s": instances * STEPS / took_s,
        "bytes_per_instance": (resident_bytes() - before_bytes) / instances,
    }


def main() -> None:
    """Print one line of JSON."""
    instances, loop, *options = sys.argv[1:]
    run = uvloop.run if loop == "uvloop" else asyncio.run
    print(json.dumps(run(burst(int(instances), is_heard="heard" in options))))


if __name__ == "__main__":
    main()
