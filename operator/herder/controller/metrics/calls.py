"""Counts calls on the API server and on gateways' replicas, by labels out of small fixed sets."""

from functools import cache, lru_cache
from http import HTTPStatus
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from herder.controller.metrics import catalog

_ROUTE_WORDS: Final = frozenset({"workers", "v1", "tokenizers", "status", "wasm", "readiness", "models"})
"""What a path on a gateway is made of; all else is somebody's name or id."""
_VERBS: Final = {
    "GET": "get",
    "WATCH": "watch",
    "POST": "create",
    "PATCH": "patch",
    "PUT": "update",
    "DELETE": "delete",
}
_CODES: Final = frozenset(int(status) for status in HTTPStatus)
_KNOWN_PATHS: Final = 4096


def route_of(path: str) -> str:
    """Return a gateway's route without what is one entry's: `/workers/{id}`."""
    parts = path.partition("?")[0].strip("/").split("/")
    return "/" + "/".join(part if part in _ROUTE_WORDS else "{id}" for part in parts)


@lru_cache(_KNOWN_PATHS)
def verb_and_resource(method: str, path: str) -> tuple[str, str]:
    """Return what Kubernetes calls a request when it gives rights: `("patch", "workerregistrations/status")`."""
    parts = path.partition("?")[0].strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    if parts[:1] == ["namespaces"] and len(parts) > 2:  # noqa: PLR2004  (/namespaces/NAMESPACE/resource)
        parts = parts[2:]
    resource, *rest = parts or ["other"]
    verb = _VERBS.get(method, "other")
    if verb == "get" and not rest:
        verb = "list"
    return verb, "/".join((resource, *rest[1:2]))


def code_of(status: int) -> str:
    """Return a status as a label: a server may send any number, but only those that are defined are told apart."""
    return str(status) if status in _CODES else f"{status // 100}xx"


class ApiCalls:
    """Counts calls on the API server."""

    def __init__(self, registry: CollectorRegistry) -> None:
        requests, duration = catalog.API_REQUESTS.made(registry), catalog.API_REQUEST_DURATION.made(registry)

        @cache
        def counter(verb: str, resource: str, status: int | None) -> Counter:
            return requests.labels(verb, resource, str(status) if status is None else code_of(status))

        @cache
        def histogram(verb: str, resource: str) -> Histogram:
            return duration.labels(verb, resource)

        self._counter, self._histogram = counter, histogram

    def heard(self, method: str, path: str, status: int | None, took_s: float) -> None:
        """Count a call; `status` is None where no answer came."""
        verb, resource = verb_and_resource(method, path)
        self._counter(verb, resource, status).inc()
        if verb != "watch":
            self._histogram(verb, resource).observe(took_s)


class GatewayCalls:
    """Counts calls on gateways' replicas."""

    def __init__(self, registry: CollectorRegistry) -> None:
        requests, duration = catalog.GATEWAY_REQUESTS.made(registry), catalog.GATEWAY_REQUEST_DURATION.made(registry)

        @cache
        def counter(method: str, route: str, result: str) -> Counter:
            return requests.labels(method, route, result)

        @cache
        def histogram(method: str, route: str) -> Histogram:
            return duration.labels(method, route)

        self._counter, self._histogram = counter, histogram

    def heard(self, method: str, path: str, result: int | str, took_s: float) -> None:
        """Count a call; `result` is the status, or a word for what kept an answer from coming."""
        route = route_of(path)
        self._counter(method, route, code_of(result) if isinstance(result, int) else result).inc()
        self._histogram(method, route).observe(took_s)
