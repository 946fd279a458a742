"""The Kubernetes API on the wire: errors by what can be done about them, deadlines, no detours."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from kubernetes_asyncio.client import Configuration
from structlog.testing import capture_logs

from herder.controller.cluster import kube as kube_module
from herder.controller.cluster.errors import Conflicted, Forbidden, KubeError, NotFound, Rejected, Unreached
from herder.controller.cluster.kube import Kube, installation_of, patiently
from herder.net.permit import never
from unit.engine.kit import virtual_time
from unit.net.servers import Handler, saying, serving, serving_raw


@asynccontextmanager
async def asking(url: str, token: str | None = None) -> AsyncIterator[Kube]:
    configuration = Configuration(host=f"{url}/")
    if token is not None:
        configuration.api_key["BearerToken"] = f"Bearer {token}"
    async with Kube(configuration) as kube:
        yield kube


def answering(status: int, body: object = None, **headers: str) -> Handler:
    async def handler(_request: web.Request) -> web.Response:
        return web.json_response(body, status=status, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return handler


ERRORS: dict[str, tuple[int, type[KubeError]]] = {
    "400": (400, Rejected),
    "401, an expired token": (401, Unreached),
    "403": (403, Forbidden),
    "404": (404, NotFound),
    "409": (409, Conflicted),
    "413": (413, Rejected),
    "422": (422, Rejected),
    "429": (429, Unreached),
    "500": (500, Unreached),
    "503": (503, Unreached),
    "a redirect": (307, Unreached),
}


@pytest.mark.parametrize(("status", "kind"), ERRORS.values(), ids=ERRORS)
async def test_an_error_says_what_can_be_done_about_it(status: int, kind: type[KubeError]) -> None:
    body = {"kind": "Status", "message": "the reason\x1b[31m"}
    async with serving(answering(status, body, Location="/elsewhere")) as url, asking(url) as kube:
        with pytest.raises(KubeError) as caught:
            await kube.get("/apis/x")

    assert type(caught.value) is kind
    assert str(caught.value) == f"GET /apis/x: {status} the reason[31m"


@pytest.mark.parametrize(
    ("said", "seconds"), [("7", 7.0), ("", 0.0), ("soon", 0.0), ("-1", 0.0), ("86400", 60.0)], ids=str
)
async def test_when_to_come_back_is_heard_within_reason(said: str, seconds: float) -> None:
    async with serving(answering(429, Retry_After=said)) as url, asking(url) as kube:
        with pytest.raises(Unreached) as caught:
            await kube.get("/apis/x")

    assert caught.value.retry_after_s == seconds


PEERS = {
    "closes": b"",
    "speaks something else": b"SSH-2.0\r\n\r\n",
    "breaks off": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{",
}


@pytest.mark.parametrize("said", PEERS.values(), ids=PEERS)
async def test_a_server_that_does_not_answer_is_unreached(said: bytes) -> None:
    async with serving_raw(saying(said)) as url, asking(url) as kube:
        with pytest.raises(Unreached):
            await kube.get("/apis/x")


@pytest.mark.parametrize("text", ["<html>", "[]", ""], ids=["html", "a list", "nothing"])
async def test_an_answer_that_is_no_object_is_unreached(text: str) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(text=text)

    async with serving(handler) as url, asking(url) as kube:
        with pytest.raises(Unreached):
            await kube.get("/apis/x")


async def test_a_server_that_hangs_is_waited_for_no_longer_than_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube_module, "_DEADLINE", aiohttp.ClientTimeout(total=0.05))
    hangs = asyncio.Event()

    async def handler(_request: web.Request) -> web.Response:
        await hangs.wait()
        return web.Response()

    async with serving(handler) as url, asking(url) as kube:
        with pytest.raises(Unreached):
            await kube.get("/apis/x")
        hangs.set()


type Use = Callable[[Kube], Awaitable[object]]
CALLS: dict[str, tuple[Use, str, str, str]] = {
    "get": (lambda kube: kube.get("/apis/x"), "GET", "application/json", ""),
    "list": (lambda kube: kube.list_items("/apis/x"), "GET", "application/json", ""),
    "create": (lambda kube: kube.create("/apis/x", {"a": 1}), "POST", "application/json", '{"a": 1}'),
    "patch": (
        lambda kube: kube.merge_patch("/apis/x", {"a": None}),
        "PATCH",
        "application/merge-patch+json",
        '{"a": null}',
    ),
}


@pytest.mark.parametrize(("use", "method", "kind", "body"), CALLS.values(), ids=CALLS)
async def test_what_is_sent(use: Use, method: str, kind: str, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    sent: list[tuple[str, str, str, str]] = []

    async def handler(request: web.Request) -> web.Response:
        headers = request.headers
        sent.append((request.method, headers["Content-Type"], headers["Authorization"], await request.text()))
        return web.json_response({"items": []})

    async with serving(handler) as url, asking(url, token="canary") as kube:
        await use(kube)

    assert sent == [(method, kind, "Bearer canary", body)]


async def test_credentials_that_can_not_be_read_for_the_moment_are_as_good_as_no_answer() -> None:
    async with serving(answering(200, {})) as url, asking(url) as kube:

        def gone(_configuration: Configuration) -> None:
            raise FileNotFoundError("token")

        kube.configuration.refresh_api_key_hook = gone
        with pytest.raises(Unreached):
            await kube.get("/apis/x")


async def test_names_alone_can_be_asked_for() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"items": [{"accept": request.headers["Accept"]}]})

    async with serving(handler) as url, asking(url) as kube:
        (item,) = await kube.list_items("/apis/x", metadata_only=True)

    assert "PartialObjectMetadataList" in item["accept"]


async def test_no_token_is_shown() -> None:
    async with serving(answering(403, {"message": "no"})) as url, asking(url, token="canary") as kube:
        with pytest.raises(Forbidden) as caught:
            await kube.get("/apis/x")

        assert "canary" not in f"{caught.value!r} {kube!r} {json.dumps(str(caught.value))}"


async def test_the_cluster_is_known_by_its_oldest_namespace() -> None:
    async with serving(answering(200, {"metadata": {"uid": "uid-1"}})) as url, asking(url) as kube:
        assert await installation_of(kube) == "uid-1"


async def test_where_it_may_not_be_read_the_remedy_is_named() -> None:
    async with serving(answering(403, {"message": "no"})) as url, asking(url) as kube:
        with pytest.raises(Forbidden, match="--installation"):
            await installation_of(kube)


@virtual_time
async def test_a_server_that_is_starting_is_waited_for_and_one_that_refuses_is_not() -> None:
    answers = iter([Unreached("starting"), Unreached("starting"), None, Rejected("no")])
    asked = 0

    async def call() -> str:
        nonlocal asked
        asked += 1
        error = next(answers)
        if error is not None:
            raise error
        return "answer"

    answer = await patiently(call)
    with pytest.raises(Rejected):
        await patiently(call)

    assert (answer, asked) == ("answer", 4)


@virtual_time
async def test_an_api_server_that_stays_away_is_told_of_once_and_given_up_in_the_end() -> None:
    async def call() -> str:
        raise Unreached("GET /x: connection refused")

    with capture_logs() as logs, pytest.raises(Unreached):
        await patiently(call)

    assert [(line["event"], line["error"]) for line in logs] == [("kube.awaited", "GET /x: connection refused")]


async def test_a_kube_that_was_not_entered_says_so() -> None:
    with pytest.raises(RuntimeError, match="enter"):
        await Kube(Configuration()).get("/apis/x")


@pytest.mark.parametrize(
    ("which", "sent"),
    [
        pytest.param({"selector": "a/b=c"}, {"labelSelector": "a/b=c"}, id="by labels"),
        pytest.param({"fields": "metadata.name=a"}, {"fieldSelector": "metadata.name=a"}, id="by its name"),
    ],
)
async def test_a_watch_says_when_something_changes_until_the_server_has_had_enough(
    which: dict[str, str], sent: dict[str, str]
) -> None:
    asked: list[dict[str, str]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.append(dict(request.query))
        response = web.StreamResponse()
        await response.prepare(request)
        for number in range(3):
            await response.write(f'{{"type": "ADDED", "object": {number}}}\n'.encode())
            await asyncio.sleep(0.01)
        return response

    async with serving(handler) as url, asking(url) as kube:
        said = [None async for _ in kube.changes("/apis/x", **which)]

    assert 1 <= len(said) <= 3
    assert asked == [{"watch": "1", **sent, "timeoutSeconds": "60"}]


async def test_a_watch_that_is_refused_or_breaks_is_an_error() -> None:
    async with serving(answering(403, {"message": "no"})) as url, asking(url) as kube:
        with pytest.raises(Forbidden):
            await anext(kube.changes("/apis/x", selector=""))

    broken = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}")
    async with serving_raw(broken) as url, asking(url) as kube:
        with pytest.raises(Unreached):
            async for _ in kube.changes("/apis/x", selector=""):
                pass


async def test_a_watch_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube_module, "_WATCH_DEADLINE", aiohttp.ClientTimeout(sock_read=0.05))

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.sleep(5)
        return response

    async with serving(handler) as url, asking(url) as kube:
        with pytest.raises(Unreached):
            await anext(kube.changes("/apis/x", selector=""))


async def test_however_many_watches_are_open_calls_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube_module, "_MAX_CONNECTIONS", 1)

    async def handler(request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            return web.json_response({})
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"{}\n")
        await asyncio.sleep(5)
        return response

    async with serving(handler) as url, asking(url) as kube:
        watches = [kube.changes("/apis/x", selector="") for _ in range(5)]
        for watch in watches:
            await anext(watch)

        assert await kube.get("/apis/x") == {}


async def test_a_collection_can_be_narrowed_down_by_labels() -> None:
    asked: list[dict[str, str]] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(dict(request.query))
        return web.json_response({"items": []})

    async with serving(handler) as url, asking(url) as kube:
        await kube.list_items("/apis/x", selector="kubernetes.io/service-name=gw")

    assert asked == [{"labelSelector": "kubernetes.io/service-name=gw"}]


@pytest.mark.parametrize(("method", "is_sent"), [("get", True), ("create", False), ("merge_patch", False)])
async def test_without_leave_only_reading_reaches_the_api_server(method: str, is_sent: bool) -> None:
    met: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        met.append(request.method)
        return web.json_response({})

    async with serving(handler) as url, Kube(Configuration(host=url), permit=never) as kube:
        call = kube.get("/x") if method == "get" else getattr(kube, method)("/x", {})
        if is_sent:
            await call
        else:
            with pytest.raises(Unreached, match="only for reading"):
                await call

    assert met == (["GET"] if is_sent else [])
