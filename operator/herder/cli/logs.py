"""Logs: structured, one line each, pretty on a terminal and JSON otherwise. Libraries' own records go the same way."""

import logging
import sys
from typing import Final

import structlog
from structlog.typing import Processor

LEVELS: Final = ("debug", "info", "warning", "error")
FORMATS: Final = ("auto", "console", "json")

_WORDY: Final = ("kopf", "kubernetes_asyncio", "aiohttp", "asyncio")
"""Libraries whose debug records show whole objects and patches: they start at warning, whatever level is asked for."""

_ECHOES: Final = ("kopf.activities.probe", "aiohttp.server")
"""What they say of a red health check, twice and with tracebacks, herder says itself in a line."""


def configure(level: str, form: str) -> None:
    """Set up all logging of the process, to standard error."""
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
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(is_pretty)],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _WORDY:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _ECHOES:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _rendering(is_pretty: bool) -> list[Processor]:
    if is_pretty:
        return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
