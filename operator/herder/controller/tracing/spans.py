"""Makes spans of what the runs tell, and sends them in the background, by a thread of the SDK's own.

A run's own span is sent when it has ended, with the id that its steps have named all along as that of their parent. One
that was stopped, and goes on one day, sends it twice, the second time with all of its time in it.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, StatusCode, TraceFlags, set_span_in_context

from herder import __version__
from herder.controller.running.line import Turn
from herder.controller.running.listening import Ending
from herder.controller.running.runs import Run
from herder.controller.tracing.identity import TraceIdentity, identity_of
from herder.engine import StepEvent, StepFailed, StepRetrying, StepSkipped, StepStarted, StepStatus, StepSucceeded

_FLUSH_WITHIN_S: Final = 2.0
"""What has not been sent by then when the process ends is lost: it is to end in time."""

_OUTCOMES: Final = {
    StepSucceeded: StepStatus.SUCCEEDED,
    StepFailed: StepStatus.FAILED,
    StepSkipped: StepStatus.SKIPPED,
}


class _Ids(RandomIdGenerator):
    """Random ids, but for the span that is made within `fixed`."""

    def __init__(self) -> None:
        super().__init__()
        self._fixed: TraceIdentity | None = None

    @contextmanager
    def fixed(self, identity: TraceIdentity) -> Iterator[None]:
        self._fixed = identity
        try:
            yield
        finally:
            self._fixed = None

    def generate_trace_id(self) -> int:
        return super().generate_trace_id() if self._fixed is None else self._fixed.trace_id

    def generate_span_id(self) -> int:
        return super().generate_span_id() if self._fixed is None else self._fixed.root_span_id


@dataclass(frozen=True)
class Export:
    """Where spans are made; what is made here goes on its way by itself."""

    provider: TracerProvider
    ids: _Ids

    @classmethod
    def to(cls, processor: BatchSpanProcessor, environment: Mapping[str, str]) -> "Export":
        """Return one that hands spans to a processor. The SDK reads which are sampled from its own variables."""
        ids = _Ids()
        service = {SERVICE_NAME: environment.get("OTEL_SERVICE_NAME", "herder"), SERVICE_VERSION: __version__}
        provider = TracerProvider(resource=Resource.create(service), id_generator=ids, shutdown_on_exit=False)
        provider.add_span_processor(processor)
        return cls(provider, ids)


@asynccontextmanager
async def exporting(environment: Mapping[str, str]) -> AsyncIterator[Export]:
    """Send spans to where the environment says within the block, and what is left at its end for a moment more."""
    export = Export.to(BatchSpanProcessor(OTLPSpanExporter()), environment)
    try:
        yield export
    finally:
        await _soon(export.provider.shutdown)


async def _soon(act: Callable[[], None]) -> None:
    """Wait a little for something that can take long, and leave it behind then."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def work() -> None:
        act()
        with suppress(RuntimeError):  # nobody waits any more, the loop is closed
            loop.call_soon_threadsafe(done.set)

    threading.Thread(target=work, name="last traces", daemon=True).start()
    try:
        async with asyncio.timeout(_FLUSH_WITHIN_S):
            await done.wait()
    except TimeoutError:
        return


@dataclass(slots=True)
class _Live:
    """A run in progress: what its spans are children of, and have in common, and those of steps that go on."""

    identity: TraceIdentity
    parent: Context
    attributes: dict[str, str]
    steps: dict[str, Span] = field(default_factory=dict)


class RunTraces:
    """Listens to the runs. `scrub` takes secrets out of text."""

    def __init__(self, export: Export, scrub: Callable[[str], str]) -> None:
        self._export = export
        self._scrub = scrub
        self._tracer = export.provider.get_tracer("herder", __version__)
        self._live: dict[str, _Live] = {}

    def begun(self, run: Run, turn: Turn) -> None:
        """Begin, or go on with, the trace of a run, if it is among those that are sampled."""
        instance_id = run.state.instance_id
        identity = identity_of(run.uid, instance_id)
        sampled = self._export.provider.sampler.should_sample(Context(), identity.trace_id, run.name)
        if sampled.decision is not Decision.RECORD_AND_SAMPLE:
            return
        flags = TraceFlags(TraceFlags.SAMPLED)
        root = SpanContext(identity.trace_id, identity.root_span_id, is_remote=True, trace_flags=flags)
        parent = set_span_in_context(NonRecordingSpan(root), Context())
        self._live[instance_id] = _Live(identity, parent, _attributes(run, turn))

    def on_step(self, _run: Run, event: StepEvent) -> None:
        """Begin a step's span, note an attempt in it, or end it."""
        live = self._live.get(event.instance_id)
        if live is None:
            return
        if isinstance(event, StepStarted):
            span = live.steps.get(event.step_id) or self._begin_step(live, event.step_id)
            span.add_event("attempt", {"herder.attempt": event.attempt})
            return
        if isinstance(event, StepRetrying):
            retry = {"herder.attempt": event.attempt, "herder.delay_s": event.delay_s}
            said = {"exception.message": self._scrub(event.error)}
            if (waiting := live.steps.get(event.step_id)) is not None:
                waiting.add_event("retry", {**retry, **said})
            return
        ended = live.steps.pop(event.step_id, None)
        if ended is not None:
            error = event.error if isinstance(event, StepFailed) else None
            self._end(ended, _OUTCOMES[type(event)], error)

    def over(self, run: Run, ending: Ending) -> None:
        """End what goes on of a run, and send its own span if it has come to an end."""
        live = self._live.pop(run.state.instance_id, None)
        if live is None:
            return
        for span in live.steps.values():
            self._end(span, ending, None)
        if ending is Ending.LEFT:
            return
        began_ns = int(run.state.created_at.timestamp() * 1e9)
        with self._export.ids.fixed(live.identity):
            root = self._tracer.start_span(run.name, Context(), attributes=live.attributes, start_time=began_ns)
        error = run.outcome.error or "" if run.outcome is not None and ending is Ending.FAILED else None
        self._end(root, ending, error)

    def _begin_step(self, live: _Live, step_id: str) -> Span:
        attributes = {**live.attributes, "herder.step": step_id}
        span = live.steps[step_id] = self._tracer.start_span(step_id, live.parent, attributes=attributes)
        return span

    def _end(self, span: Span, outcome: str, error: str | None) -> None:
        span.set_attribute("herder.outcome", str(outcome))
        if error is not None:
            span.set_status(StatusCode.ERROR, self._scrub(error))
        span.end(time.time_ns())


def _attributes(run: Run, turn: Turn) -> dict[str, str]:
    attributes = {
        "herder.kind": run.key.kind,
        "herder.namespace": run.key.namespace,
        "herder.name": run.key.name,
        "herder.workflow": run.name,
        "herder.instance": run.state.instance_id,
    }
    return attributes if turn.gateway is None else {**attributes, "herder.gateway": turn.gateway.name}
