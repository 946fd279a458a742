"""worker-move: a worker whose URL was changed, on every replica under the new one before it leaves any under the old.

    the steps of worker-registration ─┬─▶ await_serving ──────┐
                                      ├─▶ await_routable ─────┼─▶ retire_former
                                      └─▶ verify_tokenizer ───┘

The gateway takes both URLs at once, for to it they are two workers. So a URL with a typo, or one that is somebody
else's, takes nothing out of service: the run fails before retire_former, and the former URL stays. What that step does
not get done in its time is done by another run, or given up, as `spec.drain` says.
"""

from functools import lru_cache
from typing import Final

from herder.engine import ExponentialBackoff, FailureAction, RetryPolicy, StepDefinition, WorkflowDefinition
from herder.workflows.move.steps import AwaitServing, RetireFormer
from herder.workflows.registration import registration_steps
from herder.workflows.registration.data import Registration
from herder.workflows.removal import SHORTEST_S

__all__ = ["NAME", "RetireFormer", "move"]

NAME: Final = "worker-move"


@lru_cache(maxsize=256)
def move(budget_s: int, drain_s: int) -> WorkflowDefinition[Registration]:
    """Return the workflow for workers that have `budget_s` seconds to come up and, before, `drain_s` to be drained."""
    serving = ExponentialBackoff(base=0.1, maximum=2.0, max_elapsed=budget_s)
    retiring = ExponentialBackoff(base=0.1, maximum=1.0, max_elapsed=max(SHORTEST_S, drain_s))
    steps = (
        *registration_steps(budget_s),
        StepDefinition(
            AwaitServing.id,
            AwaitServing(),
            depends_on=["verify"],
            retry=RetryPolicy(max_attempts=None, backoff=serving),
            timeout=60.0,
        ),
        StepDefinition(
            RetireFormer.id,
            RetireFormer(),
            depends_on=["await_serving", "await_routable", "verify_tokenizer"],
            retry=RetryPolicy(max_attempts=None, backoff=retiring),
            timeout=60.0,
            failure_action=FailureAction.CONTINUE_NEXT_STEP,
        ),
    )
    return WorkflowDefinition(f"{NAME}/{budget_s}s/{drain_s}s", steps, name=NAME)
