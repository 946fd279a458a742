"""Whether traces are asked for: by the variables of OpenTelemetry's specification, of which none means no."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

from herder.controller.running.listening import RunListener

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL: Final = "http/protobuf"


class CannotTrace(RuntimeError):
    """Traces are asked for and can't be sent; the message says what to do."""


def is_asked_for(environment: Mapping[str, str]) -> bool:
    """Whether somebody says where traces go, and nobody that there are to be none. Raises CannotTrace."""
    is_off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if is_off or environment.get("OTEL_TRACES_EXPORTER", "otlp") == "none":
        return False
    if not any(environment.get(name) for name in _ENDPOINTS):
        return False
    protocol = next((found for name in _PROTOCOLS if (found := environment.get(name))), _PROTOCOL)
    if protocol != _PROTOCOL:
        raise CannotTrace(f"traces are sent by {_PROTOCOL} only, not by {protocol}: unset {' and '.join(_PROTOCOLS)}")
    return True


@asynccontextmanager
async def traced(environment: Mapping[str, str], scrub: Callable[[str], str]) -> AsyncIterator[tuple[RunListener, ...]]:
    """Give what listens to the runs within the block: nothing, unless traces are asked for. Raises CannotTrace.

    `scrub` takes secrets out of text.
    """
    if not is_asked_for(environment):
        yield ()
        return
    try:
        from herder.controller.tracing.spans import RunTraces, exporting  # noqa: PLC0415  (an extra, and slow to import)
    except ImportError as error:
        extra = "pip install 'herder[otel]'"
        raise CannotTrace(
            f"{_ENDPOINTS[1]} is set, but OpenTelemetry is not installed: {extra}, or unset it"
        ) from error
    async with exporting(environment) as export:
        yield (RunTraces(export, scrub),)
