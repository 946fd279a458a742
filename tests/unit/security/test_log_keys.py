"""What herder's own log lines may hold: constant events, and fields by names that stand for no content.

A field that is not listed here is one that somebody has to think about: could it ever hold a key, a header or a body?
"""

import ast
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import herder
from herder.engine import events

_ROOT = Path(herder.__file__).parent
_METHODS = {"debug", "info", "warning", "error", "critical", "exception", "bind", "log"}
_HANDS_ON = {"engine/bus.py", "engine/log.py"}
"""They write what they are handed: the words of who calls `Listener.log`, and the fields of the engine's events."""

ALLOWED = frozenset(
    {
        *("key", "namespace", "name", "gateway", "service", "deployment", "server", "worker", "endpoint", "owner"),
        *("instance", "workflow", "step", "subscriber", "id", "sha256", "registry", "installation", "holder", "path"),
        *("attempt", "delay_s", "left_s", "took_s", "timeout_s", "epoch", "objects", "workers", "modules", "servers"),
        *("entries", "active", "evicted", "waiting", "status", "action", "reason", "why", "about", "found"),
        *("failpoint", "error", "exc_info", "stack_info"),
        *("definition_id", "instance_id", "step_id", "failed_step", "duration_s"),
    }
)
"""`error` and `exc_info` are words and tracebacks: what was read from a Secret is blotted out of them."""


@dataclass(frozen=True)
class Line:
    """A call that writes a log line."""

    where: str
    words: tuple[ast.expr, ...]
    names: tuple[str, ...]

    @property
    def hands_on(self) -> bool:
        """Whether it stands where a file may write what it is handed."""
        return self.where.partition(":")[0] in _HANDS_ON


def _lines(tree: ast.AST, where: str = "made-up.py") -> Iterator[Line]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_logging(node.func):
            names = tuple(keyword.arg or "**" for keyword in node.keywords)
            yield Line(f"{where}:{node.lineno}", tuple(node.args), names)


def _is_logging(called: ast.expr) -> bool:
    """Whether this is a method of what is called a log, or `Listener.log`."""
    match called:
        case ast.Attribute(value=ast.Name(id="log") | ast.Attribute(attr="log"), attr=method):
            return method in _METHODS
        case ast.Attribute(attr="log"):
            return True
    return False


def _hidden(tree: ast.AST) -> Iterator[int]:
    """Yield where a logger, or a method of one, has another name than `log`, or where it is not structlog's."""
    made = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Assign) and _names_log(node)}
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="structlog"), attr=name)) if name.startswith("get_"):
                if id(node) not in made:
                    yield node.lineno
            case ast.Attribute(value=ast.Call(func=ast.Attribute(attr="getLogger")), attr=method) if method in _METHODS:
                yield node.lineno
            case ast.Attribute(value=ast.Name(id="logging"), attr=method) if method in _METHODS:
                yield node.lineno
            case ast.Attribute(value=ast.Name(id="log"), attr=method) if method in _METHODS and id(node) not in called:
                yield node.lineno
            case ast.Assign(value=ast.Name(id="log") | ast.Call(func=ast.Attribute(attr="getLogger"))):
                yield node.lineno
            case ast.ImportFrom(module="structlog" | "logging"):
                yield node.lineno


def _names_log(node: ast.Assign) -> bool:
    return [target.id for target in node.targets if isinstance(target, ast.Name)] == ["log"]


TREES = {str(file.relative_to(_ROOT)): ast.parse(file.read_text()) for file in sorted(_ROOT.rglob("*.py"))}
LINES = tuple(line for where, tree in TREES.items() for line in _lines(tree, where))
FIELDS = {
    field.name
    for event in vars(events).values()
    if dataclasses.is_dataclass(event)
    for field in dataclasses.fields(event)
}
"""What the engine's events hold."""


def test_the_lines_are_found() -> None:
    assert len(LINES) > 50
    assert len(FIELDS) > 5


def test_no_field_is_written_that_nobody_has_thought_about() -> None:
    written = {name: line.where for line in LINES for name in line.names if name != "**"}
    written |= dict.fromkeys(FIELDS, "an event")

    assert {name: where for name, where in written.items() if name not in ALLOWED} == {}


def test_no_name_is_allowed_that_no_line_has() -> None:
    written = {name for line in LINES for name in line.names} | FIELDS | {"stack_info"}

    assert sorted(ALLOWED - written) == []


def test_an_event_is_a_constant_and_the_rest_has_names() -> None:
    odd = [line.where for line in LINES if not (_is_constant(line) and "**" not in line.names) and not line.hands_on]

    assert odd == []


def test_no_logger_goes_by_another_name() -> None:
    trees = {where: tree for where, tree in TREES.items() if where not in _HANDS_ON}
    hidden = [f"{where}:{number}" for where, tree in trees.items() for number in _hidden(tree)]

    assert hidden == []


@pytest.mark.parametrize(
    "line",
    [
        'log.info(f"run.{key}")',
        'log.info("run.%s" % key)',
        'log.info("run.{}".format(key))',
        "log.info(key)",
        'log.info("run.begun %s", key)',
        'log.info("run.begun", **headers)',
        'self.log.info("run.begun", **headers)',
        'self._listener.log("run.begun", event, **headers)',
    ],
)
def test_a_line_that_could_say_anything_is_found(line: str) -> None:
    [found] = _lines(ast.parse(line))

    assert not _is_constant(found) or "**" in found.names


@pytest.mark.parametrize(
    "line",
    [
        'structlog.get_logger().info("x", token=token)',
        "logger = structlog.get_logger(__name__)",
        "writer = structlog.get_logger(__name__)",
        'logging.getLogger(__name__).info("x %s", token)',
        'logging.info("x %s", token)',
        "writer = logging.getLogger(__name__)",
        "writer = log",
        "write = log.info",
        "from structlog import get_logger",
    ],
)
def test_a_logger_by_another_name_is_found(line: str) -> None:
    assert list(_hidden(ast.parse(line))) != []


def _is_constant(line: Line) -> bool:
    """Whether the event is a constant word, with nothing that would be put into it."""
    return [type(word) for word in line.words] == [ast.Constant]
