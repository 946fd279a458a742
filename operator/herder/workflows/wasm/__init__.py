"""wasm-registration: one module, from its declaration to verified on every replica of its gateway. Its steps are the
gateway's own, with what that leaves out: the lookup of what is listed, and the end of what was registered before.

                            ┌─▶ calculate_hash ─────┐
    validate_descriptor ─┬──┴─▶ validate_component ─┴──▶ check_duplicates ─▶ register ─▶ verify ─▶ retire_former

calculate_hash and validate_component are Skipped where the file does not lie on herder's own disk, retire_former where
nothing was registered before.

wasm-removal: all modules of one resource, off every replica, with proof.

    find ─▶ remove ─▶ confirm

remove is Skipped where no replica lists one.

naming, plan      what is declared, and the name that says whose it is
sight, converge   what a replica lists of it, and the next move: pure
advance, checks, steps, removal   doing it
files             the module's file, where herder has it, too
"""

from functools import lru_cache
from typing import Final

from herder.engine import ExponentialBackoff, RetryPolicy, StepDefinition, WorkflowDefinition
from herder.gateway.wasm import ADD_DEADLINE_S
from herder.workflows.step import Step
from herder.workflows.wasm.checks import CalculateHash, CheckDuplicates, ValidateComponent, ValidateDescriptor
from herder.workflows.wasm.data import WasmRegistration, WasmRemoval, shown
from herder.workflows.wasm.naming import ModuleName, content_key, listing_keys, place_key
from herder.workflows.wasm.plan import WasmPlan
from herder.workflows.wasm.removal import Confirm, Find, Remove, is_listed_anywhere
from herder.workflows.wasm.sight import look
from herder.workflows.wasm.steps import Register, RetireFormer, Verify

__all__ = [
    "REGISTRATION",
    "REMOVAL",
    "ModuleName",
    "WasmPlan",
    "WasmRegistration",
    "WasmRemoval",
    "content_key",
    "listing_keys",
    "look",
    "place_key",
    "registration",
    "removal",
    "shown",
]

REGISTRATION: Final = "wasm-registration"
REMOVAL: Final = "wasm-removal"

_FILE_BUDGET_S: Final = 120.0
"""How long a file that is missing is waited for: a volume may still be mounted, the file be copied."""

_SHORTEST_REMOVAL_S: Final = 10.0
"""Time that a removal has at least: one that looks for a lost addition needs five seconds."""


def _within(budget_s: float, *, base_s: float, maximum_s: float) -> RetryPolicy:
    backoff = ExponentialBackoff(base=base_s, maximum=maximum_s, max_elapsed=budget_s)
    return RetryPolicy(max_attempts=None, backoff=backoff)


_QUICK: Final = RetryPolicy(max_attempts=3, backoff=ExponentialBackoff(base=0.25, maximum=1.0))
_PATIENT: Final = RetryPolicy(max_attempts=6, backoff=ExponentialBackoff(base=0.25, maximum=4.0))
_POLICIES: Final = {
    "validate_descriptor": _QUICK,
    "calculate_hash": _within(_FILE_BUDGET_S, base_s=0.5, maximum_s=5.0),
    "validate_component": _QUICK,
    "check_duplicates": _PATIENT,
    "register": _within(_FILE_BUDGET_S, base_s=0.25, maximum_s=5.0),
    "verify": RetryPolicy(max_attempts=20, backoff=ExponentialBackoff(base=0.1, maximum=1.0)),
    "retire_former": _PATIENT,
}
"""How often each step is tried, by its id."""

_TIMEOUTS_S: Final = {
    "validate_descriptor": 15.0,
    "calculate_hash": 30.0,
    "validate_component": 60.0,
    "check_duplicates": 30.0,
    "register": 3 * ADD_DEADLINE_S,
    "verify": 2 * ADD_DEADLINE_S,
    "retire_former": 60.0,
}
"""How long one attempt may take: longer than all that it asks for, one after another."""


@lru_cache(maxsize=1)
def registration() -> WorkflowDefinition[WasmRegistration]:
    """Return the workflow for all modules."""

    def step(does: Step[WasmRegistration], *after: str) -> StepDefinition[WasmRegistration]:
        return StepDefinition(does.id, does, depends_on=after, retry=_POLICIES[does.id], timeout=_TIMEOUTS_S[does.id])

    steps = (
        step(ValidateDescriptor()),
        step(CalculateHash(), "validate_descriptor"),
        step(ValidateComponent(), "validate_descriptor"),
        step(CheckDuplicates(), "calculate_hash", "validate_component"),
        step(Register(), "check_duplicates"),
        step(Verify(), "register"),
        step(RetireFormer(), "verify"),
    )
    return WorkflowDefinition(REGISTRATION, steps, name=REGISTRATION)


@lru_cache(maxsize=256)
def removal(timeout_s: int) -> WorkflowDefinition[WasmRemoval]:
    """Return the workflow for removals that every replica must have confirmed within `timeout_s` seconds."""
    until = ExponentialBackoff(base=0.1, maximum=1.0, max_elapsed=max(_SHORTEST_REMOVAL_S, timeout_s))
    wait = RetryPolicy(max_attempts=None, backoff=until)
    steps = (
        StepDefinition("find", Find(), retry=_QUICK, timeout=30.0),
        StepDefinition("remove", Remove(), depends_on=["find"], run_if=is_listed_anywhere, retry=_QUICK, timeout=30.0),
        StepDefinition("confirm", Confirm(), depends_on=["remove"], retry=wait, timeout=30.0),
    )
    return WorkflowDefinition(f"{REMOVAL}/{timeout_s}s", steps, name=REMOVAL)
