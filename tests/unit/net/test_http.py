"""Http against peers that misbehave in every way a peer can: each ends in time, in bounds and in a typed error."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from herder.net.address import AddressPolicy
from herder.net.errors import (
    AddressRefused,
    BodyTooLarge,
    DeadlineExceeded,
    Malformed,
    NetError,
    Redirected,
    Unreachable,
)
from herder.net.http import Http
from unit.net.servers import HOST, Handler, RawHandler, saying, serving, serving_raw

DEADLINE_S = 60.0
NOBODY_WAITS_SO_LONG_S = 3600.0


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with Http(AddressPolicy(allow_loopback=True)) as opened:
        yield opened


async def _echo(request: web.Request) -> web.Response:
    headers = {"x-got": request.headers.get("Authorization", ""), "x-type": request.content_type}
    return web.Response(status=418, headers=headers, body=await request.read())


async def test_an_answer_of_any_status_comes_back_whole(http: Http) -> None:
    async with serving(_echo) as url:
        answer = await http.request(
            "PUT", f"{url}/x", headers={"Authorization": "Bearer k"}, json={"a": [1]}, deadline_s=DEADLINE_S
        )

    assert (answer.status, answer.body) == (418, b'{"a": [1]}')
    assert (answer.headers["X-Got"], answer.headers["x-type"]) == ("Bearer k", "application/json")


async def test_an_http_can_be_closed_and_used_again(http: Http) -> None:
    async with serving(_echo) as url:
        await http.request("GET", url, deadline_s=DEADLINE_S)
        await http.close()

        answer = await http.request("GET", url, deadline_s=DEADLINE_S)

    assert answer.status == 418


async def _hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def _trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("handler", [_hang, _trickle], ids=["says nothing", "a byte now and then"])
async def test_the_deadline_holds_for_the_whole_exchange(http: Http, handler: RawHandler) -> None:
    async with serving_raw(handler) as url, asyncio.timeout(DEADLINE_S):
        with pytest.raises(DeadlineExceeded, match=rf"^{url} did not answer within 0\.05 s$"):
            await http.request("GET", url, deadline_s=0.05)


async def _endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 65536)


async def _announced(request: web.Request) -> web.StreamResponse:
    return web.Response(body=b"x" * 1001)


@pytest.mark.parametrize("handler", [_endless, _announced], ids=["endless", "one byte too many"])
async def test_a_body_is_read_up_to_its_cap(http: Http, handler: Handler) -> None:
    async with serving(handler) as url:
        with pytest.raises(BodyTooLarge, match="more than 1000 bytes"):
            await http.request("GET", url, deadline_s=NOBODY_WAITS_SO_LONG_S, max_body_bytes=1000)


async def test_a_body_as_long_as_its_cap_is_read(http: Http) -> None:
    async with serving(_announced) as url:
        answer = await http.request("GET", url, deadline_s=DEADLINE_S, max_body_bytes=1001)

    assert len(answer.body) == 1001


async def test_a_compressed_body_is_refused_unread(http: Http) -> None:
    async def bomb(request: web.Request) -> web.StreamResponse:
        assert request.headers["Accept-Encoding"] == "identity"
        return web.Response(body=gzip.compress(b"0" * 1_000_000), headers={"Content-Encoding": "gzip"})

    async with serving(bomb) as url:
        with pytest.raises(Malformed, match="compressed"):
            await http.request("GET", url, deadline_s=DEADLINE_S)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_error_and_its_target_is_not_called(http: Http, status: int) -> None:
    calls: list[str] = []

    async def redirect(request: web.Request) -> web.StreamResponse:
        calls.append(request.path)
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    async with serving(redirect) as url:
        with pytest.raises(Redirected, match=f"answered {status}"):
            await http.request("GET", f"{url}/here", headers={"Authorization": "Bearer k"}, deadline_s=DEADLINE_S)

    assert calls == ["/here"]


async def test_cookies_are_not_kept(http: Http) -> None:
    seen: list[str | None] = []

    async def baker(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Cookie"))
        return web.Response(headers={"Set-Cookie": "session=1"})

    async with serving(baker) as url:
        for _ in range(2):
            await http.request("GET", url.replace(HOST, "localhost"), deadline_s=DEADLINE_S)

    assert seen == [None, None]


async def test_the_proxy_environment_and_netrc_are_ignored(
    http: Http, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text(f"machine {HOST} login somebody password s3cr3t\n")
    proxied: list[str] = []

    async def proxy(request: web.Request) -> web.StreamResponse:
        proxied.append(request.path)
        return web.Response(status=502)

    async with serving(proxy) as proxy_url, serving(_echo) as url:
        monkeypatch.setenv("NETRC", str(netrc))
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy_url)
        answer = await http.request("GET", url, deadline_s=DEADLINE_S)

    assert (answer.status, answer.headers["x-got"], proxied) == (418, "", [])


async def _reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()


BROKEN: dict[str, tuple[RawHandler, type[NetError]]] = {
    "closed without an answer": (saying(b""), Unreachable),
    "reset": (_reset, Unreachable),
    "broken off in the headers": (saying(b"HTTP/1.1 200 OK\r\ncontent-le"), Unreachable),
    "broken off in the body": (saying(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"), Unreachable),
    "not HTTP": (saying(b"220 mail.example ESMTP\r\n"), Malformed),
    "a header without end": (saying(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000), Malformed),
    "two lengths": (saying(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"), Malformed),
}


async def test_a_streamed_exchange_waits_for_no_connection_that_its_peer_closes(http: Http) -> None:
    async def one_answer_a_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await reader.read(1)  # keeps it open, and hangs up on whatever comes next

    async with serving_raw(one_answer_a_connection) as base:
        for _ in range(2):
            async with http.stream("POST", base, headers={}, body=b"", deadline_s=60) as answer:
                assert [chunk async for chunk in answer.chunks] == [b"ok"]


@pytest.mark.parametrize(("handler", "kind"), BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_answer_is_a_typed_error(http: Http, handler: RawHandler, kind: type[NetError]) -> None:
    async with serving_raw(handler) as url:
        with pytest.raises(kind, match=f"^{url}") as caught:
            await http.request("POST", url, json={}, deadline_s=DEADLINE_S)

    assert str(caught.value).isprintable()


async def test_a_closed_port_is_unreachable_in_plain_words(http: Http) -> None:
    with socket.socket() as unused:
        unused.bind((HOST, 0))
        url = f"http://{HOST}:{unused.getsockname()[1]}"
        with pytest.raises(Unreachable, match=f"^{url}: connection refused$"):
            await http.request("GET", url, deadline_s=DEADLINE_S)


async def test_a_name_that_does_not_resolve_is_unreachable(http: Http) -> None:
    with pytest.raises(Unreachable, match=r"^http://nobody\.invalid: the name does not resolve$"):
        await http.request("GET", "http://nobody.invalid/x", deadline_s=DEADLINE_S)


@pytest.mark.parametrize("url", ["127.0.0.1:80", "/workers", "ftp://h/x", "http://", "http://h:99999", "http://[::1"])
async def test_what_is_no_http_url_is_malformed(http: Http, url: str) -> None:
    with pytest.raises(Malformed):
        await http.request("GET", url, deadline_s=DEADLINE_S)


async def test_no_message_repeats_user_info(http: Http) -> None:
    with pytest.raises(NetError) as caught:
        await http.request("GET", "http://somebody:s3cr3t@nobody.invalid", deadline_s=DEADLINE_S)

    assert "s3cr3t" not in str(caught.value)


async def test_a_header_that_holds_a_line_break_is_refused_without_its_value(http: Http) -> None:
    with pytest.raises(Malformed, match="Authorization holds a control character") as caught:
        await http.request("GET", f"http://{HOST}:9", headers={"Authorization": "s3cr3t\n"}, deadline_s=DEADLINE_S)

    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f000001", "①27.0.0.1"])
async def test_a_refused_address_is_never_connected_to(host: str) -> None:
    calls: list[str] = []

    async def canary(request: web.Request) -> web.StreamResponse:
        calls.append(request.path)
        return web.Response()

    async with serving(canary) as url, Http(AddressPolicy()) as http:
        target = url.replace(HOST, host)
        with pytest.raises(AddressRefused, match="--allow-loopback"):
            await http.request("GET", target, deadline_s=DEADLINE_S)
        with pytest.raises(AddressRefused, match="--allow-loopback"):
            await http.vet(target, deadline_s=DEADLINE_S)

    assert calls == []


async def test_a_connection_goes_to_the_address_that_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the first answer is harmless, and there must be no second question."""
    loop = asyncio.get_running_loop()
    asked: list[str] = []

    def rebinding(host: str, port: object, **kwargs: object) -> list[tuple[object, ...]]:
        asked.append(host)
        address = "192.0.2.1" if len(asked) == 1 else HOST
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    connected: list[object] = []

    async def connect(sock: socket.socket, address: object) -> None:
        connected.append(address)
        raise ConnectionRefusedError(111, "refused")

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(loop, "sock_connect", connect)

    async with Http(AddressPolicy()) as http:
        with pytest.raises(Unreachable):
            await http.request("GET", "http://rebind.example:8000", deadline_s=DEADLINE_S)

    assert asked == ["rebind.example"]
    assert connected == [("192.0.2.1", 8000)]


async def test_vetting_a_name_that_does_not_resolve_says_so(http: Http) -> None:
    with pytest.raises(Unreachable, match=r"nobody\.invalid: the name does not resolve"):
        await http.vet("http://nobody.invalid", deadline_s=DEADLINE_S)


async def test_connections_to_one_host_are_limited() -> None:
    release = asyncio.Event()
    two_arrived = asyncio.Event()
    now, peak = 0, 0

    async def slow(request: web.Request) -> web.StreamResponse:
        nonlocal now, peak
        now += 1
        peak = max(peak, now)
        if now == 2:
            two_arrived.set()
        await release.wait()
        now -= 1
        return web.Response()

    async with (
        serving(slow) as url,
        Http(AddressPolicy(allow_loopback=True), limit_per_host=2) as http,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(6):
            group.create_task(http.request("GET", url, deadline_s=DEADLINE_S))
        await two_arrived.wait()
        release.set()

    assert peak == 2
