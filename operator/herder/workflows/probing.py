"""What a worker itself tells over HTTP: the same questions, in the same order, as the gateway asks.

Each question is one GET with its own deadline. A worker that asks for a key it is not given is an error that no retry
mends, and finding it out here matters: posted to a gateway, a keyed worker without its key looks lost for 50 s and then
appears anyway, under another id and an unknown model (measured on smg 1.13.0).
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from herder.net.errors import DeadlineExceeded, Unreachable
from herder.net.http import Answer, Http
from herder.workflows.answers import count, key_remedy, model_id, shown_line
from herder.workflows.errors import Permanent, Transient

if TYPE_CHECKING:
    from herder.workflows.grpc_probing import GrpcProber

_HEALTH_DEADLINE_S: Final = 2.0
_DEADLINE_S: Final = 10.0
_ANTHROPIC: Final = "anthropic.com"
_KEY_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model that the worker serves; `context_length` in tokens."""

    id: str
    owned_by: str = ""
    context_length: int | None = None


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What SGLang tells of itself; None is not told."""

    dp_size: int | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The worker that is asked, which engine it is declared to be (None: whichever it is), and with which key."""

    url: str
    runtime: str | None = None
    api_key: str | None = field(default=None, repr=False)

    @property
    def metadata(self) -> Mapping[str, str]:
        """Return what goes with each call."""
        return {} if self.api_key is None else {"authorization": f"Bearer {self.api_key}"}


class Prober:
    """Asks workers about themselves. Raises Transient, Permanent, or an error of `herder.net`."""

    def __init__(self, http: Http) -> None:
        self._http = http

    @cached_property
    def grpc(self) -> "GrpcProber":
        """The one that asks workers that speak gRPC."""
        from herder.workflows.grpc_probing import GrpcProber  # noqa: PLC0415  (27 MB that no HTTP worker needs)

        return GrpcProber(self._http.addresses)

    async def vet(self, url: str) -> None:
        """Refuse a URL whose address nobody may be sent to, neither herder nor, on its word, a gateway.

        Raises AddressRefused. A name that can't be looked up here may be known where the gateway is.
        """
        with suppress(DeadlineExceeded, Unreachable):
            await self._http.vet(url, deadline_s=_DEADLINE_S)

    async def check_health(self, url: str) -> None:
        """Return when GET /health answers 2xx; no key is sent, as the gateway sends none."""
        answer = await self._http.request("GET", f"{url}/health", deadline_s=_HEALTH_DEADLINE_S)
        if not _ok(answer):
            is_elsewhere = answer.status == HTTPStatus.NOT_FOUND
            is_base = is_elsewhere and url.endswith("/v1")
            hint = ": leave out the /v1 of spec.url, which is for clients" if is_base else ""
            reason = "BadAnswer" if is_elsewhere else "WorkerNotHealthy"
            raise Transient(reason, f"GET {url}/health answered {answer.status}{hint}")

    async def list_models(self, url: str, api_key: str | None) -> tuple[ServedModel, ...]:
        """Return the models of GET /v1/models. Their ids are the worker's own words, which may repeat the key.

        Anthropic's API takes the key in a header of its own.
        """
        body = await self._json(url, "/v1/models", api_key)
        data = body.get("data") if body is not None else None
        if not isinstance(data, list):
            raise Transient("BadAnswer", f"GET {url}/v1/models did not answer with a list of models")
        return tuple(model for item in data if isinstance(item, dict) and (model := _model(item)) is not None)

    async def version(self, url: str, api_key: str | None) -> str | None:
        """Return the version of GET /version, None where there is no such endpoint."""
        body = await self._json(url, "/version", api_key)
        version = body.get("version") if body is not None else None
        return shown_line(version, api_key)

    async def server_info(self, url: str, api_key: str | None) -> ServerInfo | None:
        """Return what GET /server_info tells, or its older name /get_server_info; None where there is neither."""
        body = await self._json(url, "/server_info", api_key)
        if body is None:
            body = await self._json(url, "/get_server_info", api_key)
        if body is None:
            return None
        return ServerInfo(count(body.get("dp_size")), shown_line(body.get("version"), api_key))

    async def _json(self, url: str, path: str, api_key: str | None) -> dict[str, object] | None:
        headers = _headers(url, api_key)
        answer = await self._http.request("GET", url + path, headers=headers, deadline_s=_DEADLINE_S)
        if answer.status in _KEY_REFUSED:
            raise _key_refused(url, path, answer.status, has_key=api_key is not None)
        if answer.status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
            return None
        if not _ok(answer):
            raise Transient("WorkerError", f"GET {url}{path} answered {answer.status}")
        try:
            body = json.loads(answer.body)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise Transient("BadAnswer", f"GET {url}{path} did not answer with a JSON object")
        return body


def _headers(url: str, api_key: str | None) -> dict[str, str]:
    if api_key is None:
        return {}
    host = urlsplit(url).hostname or ""
    if host == _ANTHROPIC or host.endswith(f".{_ANTHROPIC}"):
        return {"x-api-key": api_key, "anthropic-version": "2023-06-01"}
    return {"Authorization": f"Bearer {api_key}"}


def _ok(answer: Answer) -> bool:
    return HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES


def _model(item: Mapping[str, object]) -> ServedModel | None:
    name, owned_by = model_id(item.get("id")), item.get("owned_by")
    if name is None:
        return None
    return ServedModel(
        id=name,
        owned_by=owned_by if isinstance(owned_by, str) else "",
        context_length=count(item.get("max_model_len")),
    )


def _key_refused(url: str, path: str, status: int, *, has_key: bool) -> Permanent:
    return Permanent("WorkerUnauthorized", f"GET {url}{path} answered {status}: {key_remedy(has_key=has_key)}")
