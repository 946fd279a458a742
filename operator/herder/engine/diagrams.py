"""The state machines as Mermaid diagrams, read off the tables, and the page that shows them.

The page marks where a diagram goes with `<!-- diagram: NAME -->` and `<!-- end of diagram -->`; what stands between is
written by `refreshed`. usage: python -m herder.engine.diagrams PAGE
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path

from herder.engine.status import ALL_STEP_MOVES, ALL_WORKFLOW_MOVES, Move, StepStatus, WorkflowStatus

_BLOCK = re.compile(r"(<!-- diagram: (\w+) -->\n).*?(<!-- end of diagram -->)", re.DOTALL)


def diagrams() -> Mapping[str, str]:
    """Return the diagrams by name."""
    return {
        "step": "\n".join(_lines(StepStatus.PENDING, ALL_STEP_MOVES)),
        "workflow": "\n".join(_lines(WorkflowStatus.PENDING, ALL_WORKFLOW_MOVES)),
    }


def refreshed(page: str) -> str:
    """Return a page with the diagrams as they are now: a fresh page as it is. Raises KeyError for an unknown name."""
    drawn = diagrams()
    return _BLOCK.sub(lambda block: f"{block[1]}```mermaid\n{drawn[block[2]]}\n```\n{block[3]}", page)


def _lines[S: StrEnum](first: S, moves: Iterable[Move[S]]) -> Iterator[str]:
    left = {status for move in moves for status in move}
    reached = {status for move in moves for status in move.values()}
    yield "stateDiagram-v2"
    yield f"    [*] --> {first}"
    for move in moves:
        for status, onward in move.items():
            yield f"    {status} --> {onward}: {move.name}"
    for end in sorted(reached - left):
        yield f"    {end} --> [*]"


if __name__ == "__main__":
    _page = Path(sys.argv[1])
    _page.write_text(refreshed(_page.read_text()))
