"""Logs: one line each, structured, without the objects that libraries would show."""

import json
import logging
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
import structlog

from herder.cli import logs


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
    level, wordy = root.level, {name: logging.getLogger(name).level for name in logs._WORDY}

    def set_up(level: str = "info", form: str = "auto", *, is_terminal: bool = False) -> Stream:
        stream = Stream(is_terminal=is_terminal)
        monkeypatch.setattr(sys, "stderr", stream)
        root.handlers = []
        logs.configure(level, form)
        return stream

    yield set_up
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
