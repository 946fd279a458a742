"""No resource sends herder, or a gateway, where it must not go: each URL is refused before anything is sent."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import IPv4Address

import pytest
from aiohttp import web

from herder.net.address import AddressPolicy
from herder.net.errors import AddressRefused, NetError, Redirected
from herder.net.http import Http
from herder.net.mcp import McpClient, McpEndpoint
from herder.net.urls import InvalidUrl, normalise_url
from herder.workflows.probing import Prober
from unit.net.servers import HOST, serving
from unit.security.urls import API_PORT, API_SERVER, OWN, SPELLINGS, cases

CASES = dict(cases())
POLICY = AddressPolicy(own=frozenset({OWN}), api_servers=frozenset({(API_SERVER, API_PORT)}))
DEADLINE_S = 30.0
LOCAL = ("127.0.0.1", "0.0.0.0")
"""Both lead to what listens on loopback."""


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with Http(POLICY) as opened:
        yield opened


def test_the_table_is_as_long_as_it_claims() -> None:
    assert len(set(CASES.values())) >= 200


@pytest.mark.parametrize("url", CASES.values(), ids=CASES.keys())
async def test_a_url_that_leads_where_it_must_not_is_refused_for_what_it_is(url: str, http: Http) -> None:
    with pytest.raises((InvalidUrl, AddressRefused)):
        await Prober(http).vet(normalise_url(url))


@pytest.mark.parametrize("url", CASES.values(), ids=CASES.keys())
async def test_nothing_is_sent_even_where_a_url_was_not_read_before(
    url: str, http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _ask_nobody)

    with pytest.raises(NetError):
        await http.request("GET", url, headers={"Authorization": "Bearer k"}, deadline_s=DEADLINE_S)


LOOPBACKS = {f"{name} of {host}": spell(IPv4Address(host)) for name, spell in SPELLINGS.items() for host in LOCAL}


@pytest.mark.parametrize("host", [*LOOPBACKS.values(), "localhost", "[::1]"], ids=[*LOOPBACKS, "a name", "IPv6"])
async def test_what_listens_beside_herder_hears_nothing(host: str, http: Http) -> None:
    heard: list[str] = []

    async def canary(request: web.Request) -> web.Response:
        heard.append(request.path)
        return web.Response()

    async with serving(canary) as url:
        target = url.replace(HOST, host)
        with pytest.raises(NetError):
            await http.request("GET", target, deadline_s=DEADLINE_S)
        with pytest.raises(NetError):
            await McpClient(http).greet(McpEndpoint(f"{target}/mcp"))
        with pytest.raises(NetError):
            await Prober(http).list_models(target, "k")

    assert heard == []


def _ask_nobody(host: str, *_args: object, **_kwargs: object) -> list[tuple[object, ...]]:
    """Names of loopback resolve; nothing else does, so that no question leaves this machine."""
    if host.rstrip(".").lower() == "localhost":
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (HOST, 0))]
    raise socket.gaierror(socket.EAI_NONAME, "unknown")


async def test_the_same_node_may_serve_at_another_port(http: Http) -> None:
    await http.vet(f"http://{API_SERVER}:8000", deadline_s=DEADLINE_S)


async def test_what_is_allowed_for_one_machine_does_not_open_the_api_server() -> None:
    async with Http(AddressPolicy(True, POLICY.own, POLICY.api_servers)) as http:
        await http.vet(f"http://{OWN}:8000", deadline_s=DEADLINE_S)
        with pytest.raises(AddressRefused, match="the API server's address"):
            await http.vet(f"https://{API_SERVER}", deadline_s=DEADLINE_S)


async def _of_gateway(http: Http, url: str) -> None:
    await http.request("GET", url, headers={"Authorization": "Bearer k"}, deadline_s=DEADLINE_S)


async def _of_mcp(http: Http, url: str) -> None:
    await McpClient(http).greet(McpEndpoint(f"{url}/mcp", {"Authorization": "Bearer k"}))


@pytest.mark.parametrize("ask", [_of_gateway, _of_mcp], ids=["http", "mcp"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_the_metadata_service_is_an_error_and_not_followed(
    status: int, ask: Callable[[Http, str], Awaitable[None]]
) -> None:
    asked: list[str] = []

    async def redirect(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status, headers={"Location": "http://169.254.169.254/latest/meta-data/"})

    async with serving(redirect) as url, Http(AddressPolicy(allow_loopback=True)) as http:
        with pytest.raises(Redirected, match="not followed"):
            await ask(http, url)

    assert len(asked) == 1
