"""What herder's own log lines may hold: constant events, and fields by names that stand for no content.

A field that is not listed here is one that somebody has to think about: could it ever hold a key, a header or a body?
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import herder

_ROOT = Path(herder.__file__).parent
_METHODS = {"debug", "info", "warning", "error", "critical", "exception", "bind", "log"}
_LOGGERS = {"log", "_log", "logger"}

ALLOWED = frozenset(
    {
        *("key", "namespace", "name", "gateway", "service", "deployment", "server", "worker", "endpoint", "owner"),
        *("instance", "workflow", "step", "subscriber", "id", "sha256", "registry", "installation", "holder", "path"),
        *("attempt", "delay_s", "left_s", "took_s", "epoch", "objects", "workers", "modules", "servers", "entries"),
        *("active", "evicted", "waiting", "status", "action", "reason", "why", "about", "found", "failpoint"),
        *("error", "exc_info", "stack_info"),
    }
)
"""`error` and `exc_info` are words and tracebacks: what was read from a Secret is blotted out of them."""


@dataclass(frozen=True)
class Line:
    """A call that writes a log line."""

    where: str
    event: ast.expr | None
    names: tuple[str, ...]


def _lines(root: Path) -> Iterator[Line]:
    for file in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and _is_logging(node.func):
                names = tuple(keyword.arg or "**" for keyword in node.keywords)
                yield Line(f"{file.relative_to(root)}:{node.lineno}", node.args[0] if node.args else None, names)


def _is_logging(called: ast.expr) -> bool:
    return (
        isinstance(called, ast.Attribute)
        and called.attr in _METHODS
        and isinstance(called.value, ast.Name)
        and called.value.id in _LOGGERS
    )


LINES = tuple(_lines(_ROOT))


def test_the_lines_are_found() -> None:
    assert len(LINES) > 50


def test_no_field_is_written_that_nobody_has_thought_about() -> None:
    unknown = {name: line.where for line in LINES for name in line.names if name not in ALLOWED | {"**"}}

    assert unknown == {}


def test_no_name_is_allowed_that_no_line_has() -> None:
    written = {name for line in LINES for name in line.names} | {"stack_info"}

    assert sorted(ALLOWED - written) == []


def test_an_event_is_put_together_of_nothing() -> None:
    built = [line.where for line in LINES if isinstance(line.event, ast.JoinedStr | ast.BinOp | ast.Call)]

    assert built == []
