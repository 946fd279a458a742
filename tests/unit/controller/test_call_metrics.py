"""Calls as they are counted: what they were about and what came of them, by few words of which none is a user's."""

import asyncio
from typing import Final

import pytest
from aiohttp import web
from kubernetes_asyncio.client import Configuration

from herder.controller.cluster.errors import KubeError
from herder.controller.cluster.kube import Kube
from herder.controller.metrics.calls import code_of, route_of, verb_and_resource
from herder.gateway.errors import GatewayError
from herder.gateway.replica import Replica
from herder.net.address import AddressPolicy
from herder.net.http import Http
from unit.net.servers import serving, serving_raw

ROUTES: Final = {
    "/workers": "/workers",
    "/workers/3fa85f64-5717-4562-b3fc-2c963f66afa6": "/workers/{id}",
    "/workers/http%3A%2F%2Fuser%3Asecret%40host": "/workers/{id}",
    "/v1/tokenizers": "/v1/tokenizers",
    "/v1/tokenizers/llama/status": "/v1/tokenizers/{id}/status",
    "/wasm/1?force=true": "/wasm/{id}",
    "/readiness": "/readiness",
    "/v1/models": "/v1/models",
    "/": "/{id}",
}

_HERDER: Final = "/apis/herder.dev/v1alpha1"
REQUESTS: Final = {
    ("GET", f"{_HERDER}/workerregistrations"): ("list", "workerregistrations"),
    ("GET", f"{_HERDER}/namespaces/ns/workerregistrations"): ("list", "workerregistrations"),
    ("GET", f"{_HERDER}/namespaces/ns/workerregistrations/a"): ("get", "workerregistrations"),
    ("PATCH", f"{_HERDER}/namespaces/ns/workerregistrations/a"): ("patch", "workerregistrations"),
    ("PATCH", f"{_HERDER}/namespaces/ns/workerregistrations/a/status"): ("patch", "workerregistrations/status"),
    ("GET", "/api/v1/namespaces/ns/secrets/key"): ("get", "secrets"),
    ("GET", "/api/v1/namespaces/kube-system"): ("get", "namespaces"),
    ("GET", "/api/v1/namespaces"): ("list", "namespaces"),
    ("POST", "/api/v1/namespaces/ns/events"): ("create", "events"),
    ("PATCH", "/api/v1/namespaces/ns/configmaps/c?fieldManager=herder&force=true"): ("patch", "configmaps"),
    ("PUT", "/apis/coordination.k8s.io/v1/namespaces/ns/leases/herder"): ("update", "leases"),
    ("POST", "/apis/authentication.k8s.io/v1/tokenreviews"): ("create", "tokenreviews"),
    ("GET", "/apis/discovery.k8s.io/v1/namespaces/ns/endpointslices?labelSelector=a%3Db"): ("list", "endpointslices"),
    ("WATCH", "/apis/discovery.k8s.io/v1/namespaces/ns/endpointslices"): ("watch", "endpointslices"),
}


@pytest.mark.parametrize(("path", "route"), ROUTES.items(), ids=ROUTES)
def test_a_route_has_nothing_of_an_entry(path: str, route: str) -> None:
    assert route_of(path) == route


@pytest.mark.parametrize(("request_", "said"), REQUESTS.items(), ids=[" ".join(key) for key in REQUESTS])
def test_a_request_on_the_api_server_is_named_as_its_right_is(request_: tuple[str, str], said: tuple[str, str]) -> None:
    assert verb_and_resource(*request_) == said


@pytest.mark.parametrize(("status", "code"), [(200, "200"), (503, "503"), (599, "5xx"), (942, "9xx")])
def test_a_status_that_nobody_knows_is_one_of_its_class(status: int, code: str) -> None:
    assert code_of(status) == code


class Heard:
    """What is told of calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, object]] = []

    def __call__(self, method: str, path: str, result: object, took_s: float) -> None:
        assert took_s >= 0
        self.calls.append((method, path, result))


async def teapot(_request: web.Request) -> web.Response:
    return web.json_response({}, status=418)


async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def test_a_call_on_the_api_server_is_told_with_its_status_or_with_none() -> None:
    heard = Heard()

    async def ask(url: str) -> None:
        async with Kube(Configuration(host=url), heard=heard) as kube:
            with pytest.raises(KubeError):
                await kube.get("/api/v1/namespaces/ns/secrets/s")

    async with serving(teapot) as url:
        await ask(url)
    async with serving_raw(hang_up) as url:
        await ask(url)

    path = "/api/v1/namespaces/ns/secrets/s"
    assert heard.calls == [("GET", path, 418), ("GET", path, None)]


async def test_a_call_on_a_replica_is_told_with_its_status_or_with_what_kept_it_from_one() -> None:
    heard = Heard()

    async def ask(url: str, *, deadline_s: float = 30.0) -> None:
        async with Http(AddressPolicy(allow_loopback=True)) as http:
            replica = Replica(f"{url}/behind/a/prefix", http, call_deadline_s=deadline_s, heard=heard)
            with pytest.raises(GatewayError):
                await replica.readiness()

    async with serving(teapot) as url:
        await ask(url)
    async with serving_raw(hang_up) as url:
        await ask(url)
    async with serving_raw(hang) as url:
        await ask(url, deadline_s=0.05)

    assert [call[2] for call in heard.calls] == [418, "Unreachable", "DeadlineExceeded"]
    assert {call[:2] for call in heard.calls} == {("GET", "/readiness")}


async def test_a_call_that_nobody_waits_for_any_more_is_no_failure_of_the_replica() -> None:
    heard, asked = Heard(), asyncio.Event()

    async def take(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read(1)
        await reader.read()

    async with serving_raw(take) as url, Http(AddressPolicy(allow_loopback=True)) as http:
        call = asyncio.create_task(_readiness(Replica(url, http, heard=heard)))
        await asked.wait()
        call.cancel()
        await asyncio.wait({call})

    assert [result for *_, result in heard.calls] == ["GivenUp"]


async def _readiness(replica: Replica) -> None:
    await replica.readiness()
