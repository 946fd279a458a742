"""Logs: one line each, structured, without the objects that libraries would show."""

import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
import structlog

from herder.cli import logs
from herder.net.scrubber import Scrubber

SCRUBBER = Scrubber()
SCRUBBER.learn(["sesame-77aa", "Bearer sesame-5f0e", '{"quoted": "sesame-q"}'])


class Stream(StringIO):
    """Standard error, a terminal or not."""

    def __init__(self, *, is_terminal: bool = False) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


type Configure = Callable[..., Stream]


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Configure]:
    """Set up logging to a stream; everything is as it was afterwards."""
    root, before, settings = logging.getLogger(), logging.getLogger().handlers[:], structlog.get_config()
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    level, wordy = root.level, {name: logging.getLogger(name).level for name in logs._WORDY}

    def set_up(level: str = "info", form: str = "auto", *, is_terminal: bool = False) -> Stream:
        stream = Stream(is_terminal=is_terminal)
        monkeypatch.setattr(sys, "stderr", stream)
        root.handlers = []
        logs.configure(level, form, SCRUBBER)
        return stream

    yield set_up
    logging.captureWarnings(False)
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    structlog.configure(**settings)
    root.handlers, root.level = before, level
    for name, former in wordy.items():
        logging.getLogger(name).setLevel(former)


def lines(stream: Stream) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


FORMS = [("auto", False, True), ("auto", True, False), ("json", True, True), ("console", False, False)]


@pytest.mark.parametrize(("form", "is_terminal", "is_json"), FORMS, ids=["no terminal", "terminal", "json", "console"])
def test_how_a_line_looks(form: str, is_terminal: bool, is_json: bool, configure: Configure) -> None:
    stream = configure(form=form, is_terminal=is_terminal)

    structlog.get_logger("herder.x").info("step.retrying", attempt=2)

    (line,) = stream.getvalue().splitlines()
    assert line.startswith("{") is is_json
    assert "step.retrying" in line


def test_a_line_says_when_who_how_bad_and_what(configure: Configure) -> None:
    stream = configure()

    structlog.get_logger("herder.x").warning("step.retrying", attempt=2)

    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"logger": "herder.x", "level": "warning", "event": "step.retrying", "attempt": 2}


def test_a_library_s_line_has_the_same_shape_and_none_of_the_objects_that_come_with_it(configure: Configure) -> None:
    stream = configure("debug")

    logging.getLogger("kopf.objects").warning("Broken: %s", "why", extra={"k8s_ref": {"canary": 1}})
    logging.getLogger("kopf.objects").debug("Creation is in progress: canary")
    logging.getLogger("kubernetes_asyncio.client").info("canary")

    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"logger": "kopf.objects", "level": "warning", "event": "Broken: why"}


def test_an_error_is_shown_with_its_traceback_in_one_line_and_without_values(configure: Configure) -> None:
    stream = configure()

    try:
        _break("can" + "ary")
    except ValueError:
        structlog.get_logger("herder.x").exception("defect")

    (line,) = lines(stream)
    assert "ValueError: 6" in line["exception"]
    assert "canary" not in stream.getvalue()


class Shy:
    """An object that shows its secret."""

    def __repr__(self) -> str:
        return "Shy(sesame-77aa)"


class Sick:
    """An object that can't be shown."""

    def __repr__(self) -> str:
        raise ValueError("sesame-77aa")


def _raise(text: str) -> None:
    raise ValueError(text)


def _logged(text: str, name: str) -> None:
    try:
        _raise(text)
    except ValueError:
        logging.getLogger(name).exception("failed: %s", text)


def _in_a_thread(text: str) -> None:
    thread = threading.Thread(target=_raise, args=(text,), name=text)
    thread.start()
    thread.join()


def _uncaught(text: str) -> None:
    error = ValueError(text)
    sys.excepthook(ValueError, error, None)


WAYS_OUT: dict[str, Callable[[str], None]] = {
    "a field": lambda text: structlog.get_logger("x").info("e", error=text),
    "a field's name": lambda text: structlog.get_logger("x").info("e", **{text: 1}),
    "the event": lambda text: structlog.get_logger("x").info(text),
    "deep in a field": lambda text: structlog.get_logger("x").info("e", seen={"a": [{text: (text,)}]}),
    "an object": lambda text: structlog.get_logger("x").info("e", thing=Shy()),
    "a bound value": lambda text: structlog.get_logger("x").bind(key=text).info("e"),
    "bytes": lambda text: structlog.get_logger("x").info("e", body=text.encode()),
    "a header": lambda text: logging.getLogger("aiohttp.client").warning("sent %r", {"Key": f"Bearer {text}"}),
    "json": lambda text: logging.getLogger("kubernetes_asyncio.rest").warning(json.dumps({"data": text})),
    "a library's words": lambda text: logging.getLogger("kopf.objects").error("Broken: %s", text),
    "a library's object": lambda text: logging.getLogger("kopf.objects").error("Broken: %s", Shy()),
    "a traceback": lambda text: _logged(text, "herder.x"),
    "a library's traceback": lambda text: _logged(text, "aiohttp.server"),
    "asyncio": lambda text: logging.getLogger("asyncio").error("Task exception: %r", ValueError(text)),
    "a warning": lambda text: warnings.warn(text, stacklevel=1),
    "a thread": _in_a_thread,
    "the end": _uncaught,
    "what can't be shown": lambda text: logging.getLogger("x").info("%s %s", text, Sick()),
    "too few arguments": lambda text: logging.getLogger("x").info("%s %s", text),  # noqa: PLE1206  (on purpose)
    "a stack": lambda text: structlog.get_logger("x").info("e", stack_info=True, text=text),
}


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("way", WAYS_OUT.values(), ids=WAYS_OUT.keys())
@pytest.mark.filterwarnings("default")
def test_a_secret_that_was_read_is_in_no_line_whoever_writes_it(
    way: Callable[[str], None], form: str, configure: Configure
) -> None:
    stream = configure("debug", form)
    logging.getLogger("aiohttp.server").setLevel(logging.ERROR)

    way("sesame-77aa")

    assert stream.getvalue()
    assert "sesame" not in stream.getvalue()


def test_a_secret_within_quotes_leaves_the_line_readable(configure: Configure) -> None:
    stream = configure(form="json")

    structlog.get_logger("x").info("e", said='he said: {"quoted": "sesame-q"}!')

    (line,) = lines(stream)
    assert line["said"] == "he said: [redacted]!"


def _break(secret: str) -> None:
    raise ValueError(len(secret))


@pytest.mark.parametrize(("level", "count"), [("debug", 3), ("info", 2), ("warning", 1), ("error", 0)])
def test_the_least_level_that_is_logged(level: str, count: int, configure: Configure) -> None:
    stream = configure(level)
    log = structlog.get_logger("herder.x")

    log.debug("one")
    log.info("two")
    log.warning("three")

    assert len(lines(stream)) == count
