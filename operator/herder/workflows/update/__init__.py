"""worker-update: a worker that every replica holds already becomes what is declared now, without leaving any of them.

    check ─▶ apply ─▶ await_applied ─▶ verify ─▶ await_routable

Each replica gets a PATCH where that suffices, else a PUT; requests under way go on through both. The ranks of a
data-parallel worker, which the gateway puts not, are drained and registered anew where a PATCH does not do. A replica
that turns out to lack the worker gets it, too. A changed URL is no update but a `worker-move`.
"""

from functools import lru_cache
from typing import Final

from herder.engine import ExponentialBackoff, FailureAction, RetryPolicy, StepDefinition, WorkflowDefinition
from herder.workflows.driving import Verify
from herder.workflows.routable import AwaitRoutable
from herder.workflows.update.data import Update
from herder.workflows.update.steps import Apply, AwaitApplied, Check

__all__ = ["NAME", "Update", "update"]

NAME: Final = "worker-update"


@lru_cache(maxsize=256)
def update(budget_s: int) -> WorkflowDefinition[Update]:
    """Return the workflow for workers that have `budget_s` seconds to come up; its id tells budgets apart."""
    once = RetryPolicy(max_attempts=3, backoff=ExponentialBackoff(base=0.25, maximum=1.0))
    send = RetryPolicy(max_attempts=6, backoff=ExponentialBackoff(base=0.25, maximum=4.0))
    until = RetryPolicy(max_attempts=None, backoff=ExponentialBackoff(base=0.05, maximum=2.0, max_elapsed=budget_s))
    few = RetryPolicy(max_attempts=20, backoff=ExponentialBackoff(base=0.1, maximum=1.0))
    offered = RetryPolicy(max_attempts=5, backoff=ExponentialBackoff(base=0.1, maximum=1.0))
    steps = (
        StepDefinition("check", Check(), retry=once, timeout=15.0),
        StepDefinition("apply", Apply(), depends_on=["check"], retry=send, timeout=60.0),
        StepDefinition("await_applied", AwaitApplied(), depends_on=["apply"], retry=until, timeout=60.0),
        StepDefinition("verify", Verify[Update](), depends_on=["await_applied"], retry=few, timeout=30.0),
        StepDefinition(
            "await_routable",
            AwaitRoutable[Update](),
            depends_on=["verify"],
            retry=offered,
            timeout=30.0,
            failure_action=FailureAction.CONTINUE_NEXT_STEP,
        ),
    )
    return WorkflowDefinition(f"{NAME}/{budget_s}s", steps, name=NAME)
