"""worker-removal: one worker, drained and off every replica of its gateway, with proof.

    find ─▶ drain ─▶ remove ─▶ confirm

drain and remove are Skipped where no replica lists the worker. The first three see to the replicas that answer and do
not fail of the others; confirm insists on all of them, and is what a finalizer waits for.
"""

from functools import lru_cache
from typing import Final

from herder.engine import ExponentialBackoff, RetryPolicy, StepDefinition, WorkflowDefinition
from herder.workflows.removal.data import Removal
from herder.workflows.removal.steps import Confirm, Drain, Find, Remove, is_listed_anywhere

NAME: Final = "worker-removal"

SHORTEST_S: Final = 5.0
"""Time that a removal has at least: one look is not enough, whatever is declared."""


@lru_cache(maxsize=256)
def removal(timeout_s: int) -> WorkflowDefinition[Removal]:
    """Return the workflow for removals that every replica must have confirmed within `timeout_s` seconds."""
    look = RetryPolicy(max_attempts=3, backoff=ExponentialBackoff(base=0.25, maximum=1.0))
    until = ExponentialBackoff(base=0.1, maximum=1.0, max_elapsed=max(SHORTEST_S, timeout_s))
    wait = RetryPolicy(max_attempts=None, backoff=until)
    steps = (
        StepDefinition("find", Find(), retry=look, timeout=30.0),
        StepDefinition("drain", Drain(), depends_on=["find"], run_if=is_listed_anywhere, retry=look, timeout=30.0),
        StepDefinition("remove", Remove(), depends_on=["drain"], run_if=is_listed_anywhere, retry=wait, timeout=30.0),
        StepDefinition("confirm", Confirm(), depends_on=["remove"], retry=wait, timeout=30.0),
    )
    return WorkflowDefinition(f"{NAME}/{timeout_s}s", steps, name=NAME)
