"""A collector of traces: OpenTelemetry's protocol over HTTP, read by its own definitions."""

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from rig.ports import HOST


@dataclass(frozen=True)
class SentSpan:
    """A span as it arrived. `events` are names with their attributes, `error` the status's message if it is one."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, Any]
    events: list[tuple[str, dict[str, Any]]]
    error: str | None
    began_ns: int
    ended_ns: int
    service: str


@dataclass
class Collector:
    """Listens on 127.0.0.1 within its block; `url` is what OTEL_EXPORTER_OTLP_ENDPOINT is to be."""

    bodies: list[bytes] = field(default_factory=list)

    def __enter__(self) -> Self:
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200 if self.path == "/v1/traces" else 404)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self._server.server_port}"

    @property
    def spans(self) -> list[SentSpan]:
        """What has arrived so far."""
        requests = [ExportTraceServiceRequest.FromString(body) for body in tuple(self.bodies)]
        return [
            _span(span, _values(resource.resource.attributes)["service.name"])
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


def _span(span: Any, service: str) -> SentSpan:
    is_error = span.status.code == span.status.STATUS_CODE_ERROR
    return SentSpan(
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        attributes=_values(span.attributes),
        events=[(event.name, _values(event.attributes)) for event in span.events],
        error=span.status.message if is_error else None,
        began_ns=span.start_time_unix_nano,
        ended_ns=span.end_time_unix_nano,
        service=service,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
