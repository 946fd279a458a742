"""Logs: structured, one line each, pretty on a terminal and JSON otherwise. Libraries' own records go the same way.

So do warnings and what ends a thread or the process. Everything passes a scrubber, which blots out each secret that
herder has read: messages, fields and tracebacks alike, whoever logs them.
"""

import logging
import sys
import threading
from types import TracebackType
from typing import Final, TextIO, override

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from herder.net.scrubber import Scrubber

LEVELS: Final = ("debug", "info", "warning", "error")
FORMATS: Final = ("auto", "console", "json")

_WORDY: Final = ("kopf", "kubernetes_asyncio", "aiohttp", "asyncio")
"""Libraries whose debug records show whole objects and patches: they start at warning, whatever level is asked for."""

_ECHOES: Final = ("kopf.activities.probe", "aiohttp.server")
"""What they say of a red health check, twice and with tracebacks, herder says itself in a line."""


def configure(level: str, form: str, scrubber: Scrubber) -> None:
    """Set up all logging of the process, to standard error, without what `scrubber` knows or will know."""
    is_pretty = form == "console" or (form == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = _Handler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _scrubbing(scrubber),
                _rendering(is_pretty),
            ],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _WORDY:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _ECHOES:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.captureWarnings(True)
    _log_what_nobody_catches()


class _Handler(logging.StreamHandler[TextIO]):
    """Writes lines. Of one that can't be rendered it shows nothing: the standard one would print its arguments."""

    @override
    def handleError(self, record: logging.LogRecord) -> None:
        self.stream.write(f'{{"level": "error", "event": "log.unreadable", "logger": "{record.name}"}}\n')


def _scrubbing(scrubber: Scrubber) -> Processor:
    def scrub(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {scrubber.scrub(name): scrubber.scrub_all(value) for name, value in event.items()}

    return scrub


def _rendering(is_pretty: bool) -> Processor:
    if is_pretty:
        return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer()


def _log_what_nobody_catches() -> None:
    """Have an error that ends the process, a thread or a finalizer logged rather than printed past the scrubber."""
    log = structlog.get_logger(__name__)

    def of_process(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            log.critical("process.uncaught", exc_info=(kind, error, trace))

    def of_thread(caught: threading.ExceptHookArgs) -> None:
        log.error("thread.uncaught", exc_info=caught.exc_value)

    def of_finalizer(caught: "sys.UnraisableHookArgs") -> None:
        log.error("finalizer.uncaught", exc_info=caught.exc_value)

    sys.excepthook, threading.excepthook, sys.unraisablehook = of_process, of_thread, of_finalizer
