"""tokenizer-registration and tokenizer-removal: one tokenizer, loaded by every replica of its gateway, and unloaded.

    find ─▶ load ─▶ await_loaded ─▶ replace ─▶ verify            find ─▶ unload ─▶ confirm

A name is taken by one tokenizer at a time, and nothing of a tokenizer can be changed but by loading it anew. So another
source, or another chat template, is a replacement: the replica is without the tokenizer for the moment between its
unloading and its loading. Replicas are replaced one after the other, so that not all of them lack it at once, and after
those that lacked it anyway; where the new one can't be loaded the former one is put back, the run ends and says so, and
the replicas that were not reached yet keep what they have. replace is Skipped where there is nothing to replace, unload
where no replica lists the tokenizer.

plan, ports    what is declared, what is asked of a replica     data         what a run works on
compare        whose a listed tokenizer is, and what differs    converge     the next move
advance        a look, and a call                               follow       a loading to its end
steps          the registration's steps                         removal      the removal's moves and steps
"""

from functools import lru_cache
from typing import Final

from herder.engine import ExponentialBackoff, RetryPolicy, StepDefinition, WorkflowDefinition
from herder.workflows.step import Step
from herder.workflows.tokenizer.compare import look, unsure
from herder.workflows.tokenizer.converge import LONGEST_LOADING_S
from herder.workflows.tokenizer.data import TokenizerRegistration, TokenizerRemoval, shown
from herder.workflows.tokenizer.plan import Content, TokenizerPlan
from herder.workflows.tokenizer.removal import Confirm, Unload, is_listed_anywhere
from herder.workflows.tokenizer.removal import Find as FindToRemove
from herder.workflows.tokenizer.steps import AwaitLoaded, Find, LoadMissing, Replace, Verify

__all__ = [
    "REGISTRATION",
    "REMOVAL",
    "Content",
    "TokenizerPlan",
    "TokenizerRegistration",
    "TokenizerRemoval",
    "look",
    "registration",
    "removal",
    "shown",
    "unsure",
]

REGISTRATION: Final = "tokenizer-registration"
REMOVAL: Final = "tokenizer-removal"

_LONGEST_REPLACEMENT_S: Final = 3600.0

_SHORTEST_REMOVAL_S: Final = 15.0
"""Time that a removal has at least: one look is not enough, whatever is declared, and a lost loading is watched."""

_TIMEOUT_S: Final = 60.0
"""How long one attempt of a step may take: longer than all that it asks for, one after another."""

_LOOK: Final = RetryPolicy(max_attempts=3, backoff=ExponentialBackoff(base=0.25, maximum=1.0))
_CHECK: Final = RetryPolicy(max_attempts=20, backoff=ExponentialBackoff(base=0.1, maximum=1.0))
_SEND: Final = RetryPolicy(max_attempts=6, backoff=ExponentialBackoff(base=0.25, maximum=4.0))


def _poll(budget_s: float, *, base_s: float, maximum_s: float) -> RetryPolicy:
    backoff = ExponentialBackoff(base=base_s, maximum=maximum_s, max_elapsed=budget_s)
    return RetryPolicy(max_attempts=None, backoff=backoff)


def _policies(budget_s: float) -> dict[str, RetryPolicy]:
    """Return how often each step is tried, by its id."""
    return {
        "find": _LOOK,
        "load": _SEND,
        "await_loaded": _poll(budget_s + LONGEST_LOADING_S, base_s=0.05, maximum_s=2.0),
        "replace": _poll(budget_s + _LONGEST_REPLACEMENT_S, base_s=0.05, maximum_s=0.5),
        "verify": _CHECK,
    }


@lru_cache(maxsize=256)
def registration(budget_s: int) -> WorkflowDefinition[TokenizerRegistration]:
    """Return the workflow for tokenizers whose source may fail to load for `budget_s` seconds; its id tells them apart.

    A loading that goes on, such as a download, is waited for as long as the gateway lets it.
    """
    policies = _policies(budget_s)

    def step(does: Step[TokenizerRegistration], *after: str) -> StepDefinition[TokenizerRegistration]:
        return StepDefinition(does.id, does, depends_on=after, retry=policies[does.id], timeout=_TIMEOUT_S)

    steps = (
        step(Find()),
        step(LoadMissing(), "find"),
        step(AwaitLoaded(budget_s), "load"),
        step(Replace(budget_s), "await_loaded"),
        step(Verify(), "replace"),
    )
    return WorkflowDefinition(f"{REGISTRATION}/{budget_s}s", steps, name=REGISTRATION)


@lru_cache(maxsize=256)
def removal(timeout_s: int) -> WorkflowDefinition[TokenizerRemoval]:
    """Return the workflow for removals that every replica must have confirmed within `timeout_s` seconds."""
    insist = _poll(max(_SHORTEST_REMOVAL_S, timeout_s), base_s=0.1, maximum_s=1.0)
    steps = (
        StepDefinition("find", FindToRemove(), retry=_LOOK, timeout=_TIMEOUT_S),
        StepDefinition(
            "unload", Unload(), depends_on=["find"], run_if=is_listed_anywhere, retry=_LOOK, timeout=_TIMEOUT_S
        ),
        StepDefinition("confirm", Confirm(), depends_on=["unload"], retry=insist, timeout=_TIMEOUT_S),
    )
    return WorkflowDefinition(f"{REMOVAL}/{timeout_s}s", steps, name=REMOVAL)
