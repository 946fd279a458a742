"""What pages tell people to type: the blocks of commands in Markdown, in the order in which they stand, and queries.

    <!-- begins with: nothing -->      a new cluster from here on: with `nothing` in it, or with `herder`
    <!-- not run: why -->              right before a block that the tests leave out

Blocks between two new clusters are one story: each goes on where the one before has left the shell and the cluster.
Pages that belong together can be read as one: a story that is not over at the end of a page goes on in the next one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_MARK: Final = re.compile(r"<!-- (?P<word>begins with|not run): (?P<text>.*?) -->$")
_FENCE: Final = re.compile(r"```(?P<language>\w*)$")
_SHELL: Final = frozenset({"sh", "console", "shell", "bash"})


_TOP: Final = ("README.md", "CONTRIBUTING.md")
_READ_AS_ONE: Final = "docs/runbooks"


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
    """Blocks that are run one after another in a cluster that begins with `beginning` in it. It begins in `page`."""

    page: str
    beginning: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class _Fence:
    """What stands between two lines of back-quotes, from `line` on, with what was marked before it."""

    line: int
    language: str
    text: str
    why_not: str | None


@dataclass(frozen=True, slots=True)
class _Beginning:
    of: str


def books() -> list[tuple[str, ...]]:
    """Every page, by its name from the checkout's root; those that are read as one together, the first page first."""
    found = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("**/*.md"))
    chapters = [page for page in found if page.startswith(f"{_READ_AS_ONE}/") and not page.endswith("/README.md")]
    together = (f"{_READ_AS_ONE}/README.md", *chapters)
    return [*((page,) for page in (*_TOP, *found) if page not in together), together]


def stories(*pages: str) -> list[Story]:
    """The stories of pages, named from the checkout's root and read one after another; none is without a block."""
    told: list[Story] = []
    page, beginning, blocks = pages[0], "nothing", list[Block]()
    for name in pages:
        for part in _parts(name):
            match part:
                case _Beginning(of):
                    told.append(Story(page, beginning, tuple(blocks)))
                    page, beginning, blocks = name, of, []
                case _Fence(line, language, text, why_not) if language in _SHELL:
                    blocks.append(Block(name, line, text, why_not))
    return [story for story in (*told, Story(page, beginning, tuple(blocks))) if story.blocks]


def queries(page: str) -> list[str]:
    """The PromQL of a page: a query a line, which an indented line goes on with."""
    blocks = [part.text for part in _parts(page) if isinstance(part, _Fence) and part.language == "promql"]
    return [query for block in blocks for query in re.split(r"\n(?! )", block)]


def _parts(page: str) -> Iterator[_Fence | _Beginning]:
    """Yield what stands in a page, in order."""
    why_not: str | None = None
    inside: list[str] | None = None
    language = ""
    for number, line in enumerate((ROOT / page).read_text(encoding="utf-8").splitlines(), 1):
        mark, fence = _MARK.match(line), _FENCE.match(line)
        if inside is not None:
            if line != "```":
                inside.append(line)
                continue
            yield _Fence(number - len(inside), language, "\n".join(inside), why_not)
            inside, why_not = None, None
        elif fence:
            inside, language = [], fence["language"]
        elif mark and mark["word"] == "not run":
            why_not = mark["text"]
        elif mark:
            yield _Beginning(mark["text"])
