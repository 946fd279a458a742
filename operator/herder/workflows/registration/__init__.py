"""worker-registration: one worker, from its declaration to Ready on every replica of its gateway.

    classify ─┬─▶ detect_connection ─▶ detect_backend ─┬─▶ discover_metadata ─┬─▶ register ─▶ await_ready ─▶ verify ─┐
              │                                        └─▶ discover_dp ───────┤                                      │
              └─▶ discover_models ────────────────────────────────────────────┘   await_routable, verify_tokenizer ◀─┘

The upper branch is for workers of one's own, the lower one for providers outside; the other one's steps are Skipped,
which lets those after them go on, so that `register` waits for both. Where the replicas are to probe (`probe: Gateway`)
all of them are Skipped, and what the replicas discovered is read back by await_ready. The last two tell what a client
would meet, and undo nothing; verify_tokenizer is for workers that speak gRPC.
"""

from collections.abc import Callable
from functools import lru_cache
from math import ceil
from typing import Final

from herder.engine import (
    ExponentialBackoff,
    FailureAction,
    RetryPolicy,
    StepDefinition,
    WorkflowContext,
    WorkflowDefinition,
)
from herder.workflows.driving import Verify
from herder.workflows.registration.data import Registration
from herder.workflows.registration.probe import (
    Classify,
    DetectBackend,
    DetectConnection,
    DiscoverDataParallel,
    DiscoverMetadata,
    DiscoverModels,
    is_discovered_here,
    is_probed_here,
)
from herder.workflows.registration.register import AwaitReady, Register
from herder.workflows.registration.tokenizer import VerifyTokenizer, speaks_grpc
from herder.workflows.routable import AwaitRoutable
from herder.workflows.step import Step

type Condition = Callable[[WorkflowContext[Registration]], bool]

NAME: Final = "worker-registration"

_SHARE_OF_BUDGET: Final = 0.9
_FEWEST_ATTEMPTS: Final = 3
_LOOKS_IN_A_BUDGET: Final = 60
_SLOWEST_LOOK_S: Final = 5.0
_LOADING_S: Final = 10.0
"""Time in which a gateway has loaded a worker's tokenizer, or has given up: twice what it takes for that."""


def connection_policy(budget_s: float) -> RetryPolicy:
    """Return how often a worker that is down is asked within its startup budget, and how long between.

    As on the gateway, max(3, ceil(0.9 * budget / interval)) attempts; the interval is a sixtieth of the budget, from
    1 s to 5 s, so that a worker that comes up is noticed soon. Unlike there the budget is a time in any case: one that
    accepts and never answers takes an attempt's whole timeout each time, and would be tried twice as long.
    """
    interval_s = min(_SLOWEST_LOOK_S, max(1.0, budget_s / _LOOKS_IN_A_BUDGET))
    attempts = max(_FEWEST_ATTEMPTS, ceil(_SHARE_OF_BUDGET * budget_s / interval_s))
    limit_s = max(budget_s, attempts * interval_s)
    backoff = ExponentialBackoff(base=interval_s, maximum=interval_s, jitter=0.0, max_elapsed=limit_s)
    return RetryPolicy(max_attempts=attempts, backoff=backoff)


def _within(budget_s: float, *, base_s: float, maximum_s: float) -> RetryPolicy:
    backoff = ExponentialBackoff(base=base_s, maximum=maximum_s, max_elapsed=budget_s)
    return RetryPolicy(max_attempts=None, backoff=backoff)


def _policies(budget_s: float) -> dict[str, RetryPolicy]:
    """Return how often each step is tried, by its id."""
    discovery = _within(budget_s, base_s=0.5, maximum_s=5.0)
    return {
        "classify": RetryPolicy(max_attempts=3, backoff=ExponentialBackoff(base=0.25, maximum=1.0)),
        "detect_connection": connection_policy(budget_s),
        "detect_backend": discovery,
        "discover_metadata": discovery,
        "discover_dp": discovery,
        "register": RetryPolicy(max_attempts=6, backoff=ExponentialBackoff(base=0.25, maximum=4.0)),
        "await_ready": _within(budget_s, base_s=0.05, maximum_s=2.0),
        "discover_models": discovery,
        "verify": RetryPolicy(max_attempts=20, backoff=ExponentialBackoff(base=0.1, maximum=1.0)),
        "await_routable": RetryPolicy(max_attempts=5, backoff=ExponentialBackoff(base=0.1, maximum=1.0)),
        "verify_tokenizer": _within(_LOADING_S, base_s=0.1, maximum_s=1.0),
    }


_TIMEOUTS_S: Final = {
    "classify": 15.0,
    "detect_connection": 5.0,
    "detect_backend": 45.0,
    "discover_metadata": 30.0,
    "discover_dp": 30.0,
    "register": 60.0,
    "await_ready": 60.0,
    "discover_models": 15.0,
    "verify": 30.0,
    "await_routable": 30.0,
    "verify_tokenizer": 30.0,
}
"""How long one attempt may take: longer than all that it asks for, one after another."""


def registration_steps(budget_s: int) -> tuple[StepDefinition[Registration], ...]:
    """Return the steps for workers that have `budget_s` seconds to come up."""
    policies = _policies(budget_s)

    def step(
        does: Step[Registration], *after: str, run_if: Condition | None = None, goes_on: bool = False
    ) -> StepDefinition[Registration]:
        return StepDefinition(
            does.id,
            does,
            depends_on=after,
            run_if=run_if,
            retry=policies[does.id],
            timeout=_TIMEOUTS_S[does.id],
            failure_action=FailureAction.CONTINUE_NEXT_STEP if goes_on else FailureAction.FAIL_WORKFLOW,
        )

    return (
        step(Classify()),
        step(DetectConnection(), "classify", run_if=is_probed_here),
        step(DetectBackend(), "detect_connection", run_if=is_probed_here),
        step(DiscoverMetadata(), "detect_backend", run_if=is_probed_here),
        step(DiscoverDataParallel(), "detect_backend", run_if=is_probed_here),
        step(DiscoverModels(), "classify", run_if=is_discovered_here),
        step(Register(), "discover_metadata", "discover_dp", "discover_models"),
        step(AwaitReady(), "register"),
        step(Verify[Registration](), "await_ready"),
        step(AwaitRoutable[Registration](), "verify", goes_on=True),
        step(VerifyTokenizer(), "verify", run_if=speaks_grpc, goes_on=True),
    )


@lru_cache(maxsize=256)
def registration(budget_s: int) -> WorkflowDefinition[Registration]:
    """Return the workflow for workers that have `budget_s` seconds to come up; its id tells budgets apart."""
    return WorkflowDefinition(f"{NAME}/{budget_s}s", registration_steps(budget_s), name=NAME)
