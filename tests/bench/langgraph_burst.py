"""usage: python langgraph_burst.py INSTANCES: the burst in LangGraph, in memory. Runs in the bench's own environment.

LangGraph has no "any of": there `register` waits for both.
"""

import asyncio
import json
import operator
import sys
import time
from pathlib import Path
from typing import Annotated, TypedDict

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from langgraph.graph import END, START, StateGraph  # type: ignore[import-not-found]  # not in herder's environment

from bench.shape import ALL_OF, ANY_OF, STEPS


class State(TypedDict):
    """What the steps alter."""

    count: Annotated[int, operator.add]


async def step(state: State) -> State:
    """Do next to nothing."""
    return {"count": 1}


async def burst(instances: int) -> dict[str, float]:
    """Time all instances together."""
    graph = StateGraph(State)
    for step_id in ALL_OF:
        graph.add_node(step_id, step)
    for step_id, all_of in ALL_OF.items():
        waits_for = [*all_of, *ANY_OF.get(step_id, ())]
        graph.add_edge(waits_for if len(waits_for) > 1 else (waits_for or [START])[0], step_id)
    graph.add_edge("activate", END)
    compiled = graph.compile()
    begin_s = time.perf_counter()
    await asyncio.gather(*(compiled.ainvoke({"count": 0}) for _ in range(instances)))
    return {"steps_per_s": instances * STEPS / (time.perf_counter() - begin_s)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(burst(int(sys.argv[1])))))
