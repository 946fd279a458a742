"""Which scenario shows a workflow killed at a boundary.

A workflow without a scenario fails the sweep, and so does a step that its scenario never comes to: a new one can't be
forgotten.
"""

from collections.abc import Mapping
from typing import Final

from herder.controller.running.failpoints import END, Failpoint, Moment
from real.controller import kill_mcp as mcp
from real.controller import kill_tokenizers as tokenizers
from real.controller import kill_wasm as wasm
from real.controller import kill_workers as workers
from real.controller.kill_scenario import Scenario

SCENARIOS: Final[Mapping[str, type[Scenario]]] = {
    "worker-registration": workers.Registered,
    "worker-update": workers.Updated,
    "worker-move": workers.Moved,
    "worker-removal": workers.Deleted,
    "wasm-registration": wasm.Replaced,
    "wasm-removal": wasm.Removed,
    "tokenizer-registration": tokenizers.LoadedInPlaceOfAnothers,
    "tokenizer-removal": tokenizers.Unloaded,
    "mcp-registration": mcp.Published,
    "mcp-removal": mcp.Unpublished,
}
_OF_A_STEP: Final[Mapping[tuple[str, str], type[Scenario]]] = {
    ("worker-registration", "discover_models"): workers.Provider,
    ("worker-registration", "verify_tokenizer"): workers.OverGrpc,
    ("worker-move", "discover_models"): workers.MovedProvider,
    ("worker-move", "verify_tokenizer"): workers.MovedOverGrpc,
}
"""The steps that are Skipped in the scenario of their workflow."""

_WRITTEN_ONCE: Final[Mapping[str, type[Scenario]]] = {"wasm-registration": wasm.Added}
"""Where the second run of a case is meant, but its status is written more than once in each."""

_UNWRITTEN: Final[Mapping[str, tuple[frozenset[str], type[Scenario]]]] = {
    "worker-removal": (frozenset({"find", "drain", "remove", "confirm", END}), workers.Transferred),
    "wasm-removal": (frozenset({"find", "remove", "confirm", END}), wasm.Transferred),
    "tokenizer-removal": (frozenset({"find", "unload", "confirm", END}), tokenizers.Renamed),
    "mcp-removal": (frozenset({"unpublish", "roll", "confirm", END}), mcp.Transferred),
}
"""The steps whose end is not written of a resource that goes, for it is gone by then; and where it is written."""


def scenario_of(failpoint: Failpoint) -> type[Scenario]:
    """Return the scenario in which the failpoint is reached. Raises KeyError for a workflow that has none."""
    steps, instead = _UNWRITTEN.get(failpoint.workflow, (frozenset(), None))
    if failpoint.moment is Moment.WRITTEN:
        if instead is not None and failpoint.step in steps:
            return instead
        if failpoint.workflow in _WRITTEN_ONCE:
            return _WRITTEN_ONCE[failpoint.workflow]
    return _OF_A_STEP.get((failpoint.workflow, failpoint.step), SCENARIOS[failpoint.workflow])
