"""usage: python -m bench.herder_wait WAITS STEP_S: how late a waiter returns after a step of STEP_S seconds."""

import asyncio
import json
import sys
import time

import uvloop

from herder.engine import StepDefinition, WorkflowContext, WorkflowDefinition, WorkflowEngine


async def lateness_ms(waits: int, step_s: float) -> list[float]:
    """Return for each wait how long after the step's end it returned, in milliseconds."""
    ended_s: list[float] = []

    async def step(context: WorkflowContext[None]) -> None:
        await asyncio.sleep(step_s)
        ended_s.append(time.perf_counter())

    engine = WorkflowEngine()
    engine.register_workflow(WorkflowDefinition("sleep", [StepDefinition("sleep", step)]))
    late_ms = []
    for _ in range(waits):
        await engine.start_and_wait("sleep", None, timeout=60)
        late_ms.append((time.perf_counter() - ended_s[-1]) * 1e3)
    return late_ms


def main() -> None:
    """Print one line of JSON."""
    waits, step_s = sys.argv[1:]
    print(json.dumps({"late_ms": uvloop.run(lateness_ms(int(waits), float(step_s)))}))


if __name__ == "__main__":
    main()
