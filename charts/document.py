"""Renders docs/values.md from the chart's values.yaml: `python charts/document.py > docs/values.md`.

A value's comment is what stands right above it. A section with a comment of its own gets a row without a default.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

VALUES: Final = Path(__file__).parent / "herder" / "values.yaml"
_HEAD: Final = """\
# The chart's values

Rendered from `charts/herder/values.yaml` by `charts/document.py`. Change that, not this file.

What is not in this table is refused by the chart's schema, with its name, before anything is installed.

| value | default | what it says |
|---|---|---|
"""
_KEY: Final = re.compile(r"^(?P<indent> *)(?P<name>[A-Za-z]\w*):(?P<rest>.*)$")
_INDENT: Final = 2
type Tree = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Line:
    """A key of the file: its path, and the comment right above it."""

    path: tuple[str, ...]
    comment: str


def lines_of(text: str) -> Iterator[Line]:
    """Read each key that a value or a section has; what belongs to a default is read, too."""
    path: list[str] = []
    comment: list[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("#"):
            comment.append(stripped.removeprefix("#").strip())
            continue
        if found := _KEY.match(line):
            path = [*path[: len(found["indent"]) // _INDENT], found["name"]]
            yield Line(tuple(path), " ".join(comment))
        comment = []


def rows_of(text: str) -> Iterator[str]:
    """Return a row for each key that has a comment of its own."""
    values: Tree = yaml.safe_load(text)
    commented = [line for line in lines_of(text) if line.comment]
    for line in commented:
        is_section = any(each.path[:-1] == line.path for each in commented)
        default = "" if is_section else f"`{json.dumps(_value(values, line.path))}`"
        yield f"| `{'.'.join(line.path)}` | {default} | {line.comment.replace('|', '\\|')} |"


def _value(values: Tree, path: tuple[str, ...]) -> object:
    found: object = values
    for name in path:
        found = found[name] if isinstance(found, Mapping) else None
    return found


def page(text: str) -> str:
    """Return the whole page."""
    return _HEAD + "\n".join(rows_of(text)) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page(VALUES.read_text(encoding="utf-8")))
