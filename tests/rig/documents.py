"""What pages tell people to type: the blocks of commands in Markdown, in the order in which they stand.

    <!-- begins with: nothing -->      a new cluster from here on: with `nothing` in it, or with `herder`
    <!-- not run: why -->              right before a block that the tests leave out

Blocks between two new clusters are one story: each goes on where the one before has left the shell and the cluster.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_MARK: Final = re.compile(r"<!-- (?P<word>begins with|not run): (?P<text>.*?) -->$")
_FENCE: Final = re.compile(r"```(?P<language>\w*)$")
_SHELL: Final = frozenset({"sh", "console", "shell", "bash"})


@dataclass(frozen=True, slots=True)
class Block:
    """Commands that stand at `line` of a page; `why_not` says why they are not run."""

    page: str
    line: int
    text: str
    why_not: str | None = None

    @property
    def first(self) -> str:
        """The first line, by which a person finds it."""
        return self.text.partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Story:
    """Blocks that are run one after another in a cluster that begins with `beginning` in it."""

    page: str
    beginning: str
    blocks: tuple[Block, ...]


def stories(page: str) -> list[Story]:
    """The stories of a page, named from the checkout's root. Those without a block are left out."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    told: list[Story] = []
    beginning, blocks = "nothing", list[Block]()
    for number, mark, block in _parts(page, lines):
        if mark is not None:
            told.append(Story(page, beginning, tuple(blocks)))
            beginning, blocks = mark, []
        elif block is not None:
            blocks.append(Block(page, number, block[0], block[1]))
    return [story for story in (*told, Story(page, beginning, tuple(blocks))) if story.blocks]


def _parts(page: str, lines: Sequence[str]) -> Iterator[tuple[int, str | None, tuple[str, str | None] | None]]:
    """Yield, with its line, each new beginning or each block and why it is not run."""
    why_not: str | None = None
    inside: list[str] | None = None
    is_shell = False
    for number, line in enumerate(lines, 1):
        mark, fence = _MARK.match(line), _FENCE.match(line)
        if inside is not None:
            if line != "```":
                inside.append(line)
                continue
            if is_shell:
                yield number - len(inside), None, ("\n".join(inside), why_not)
            inside, why_not = None, None
        elif fence:
            inside, is_shell = [], fence["language"] in _SHELL
        elif mark and mark["word"] == "not run":
            why_not = mark["text"]
        elif mark:
            yield number, mark["text"], None
