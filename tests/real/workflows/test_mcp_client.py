"""What herder learns from a real MCP server, over the wire, and what it makes of one that fails."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from herder.net import mcp_sdk
from herder.net.address import AddressPolicy
from herder.net.errors import AddressRefused, DeadlineExceeded, Malformed, NetError, Unreachable
from herder.net.http import Http
from herder.net.mcp import MAX_PAGES, McpClient, McpEndpoint, McpRefused, McpUnauthorized
from rig.mcp import McpServer
from rig.ports import reserve_port


@pytest.fixture(scope="module")
def running(log_dir: Path) -> Iterator[McpServer]:
    with McpServer.start(log_dir=log_dir) as server:
        yield server


@pytest.fixture
def server(running: McpServer) -> Iterator[McpServer]:
    yield running
    running.change(
        tools=2,
        page_size=100,
        headers={},
        status=None,
        hangs=False,
        falls_silent=False,
        endless=False,
        description="Adds.",
    )


@pytest.fixture
async def client() -> AsyncIterator[McpClient]:
    async with Http(AddressPolicy(allow_loopback=True)) as http:
        yield McpClient(http)


async def test_a_server_says_who_it_is_and_what_it_offers(server: McpServer, client: McpClient) -> None:
    endpoint = McpEndpoint(server.url)

    greeting, offer = await client.greet(endpoint), await client.offer(endpoint)

    assert greeting.server == "rig 1.0"
    assert offer.greeting == greeting
    assert [tool.name for tool in offer.tools] == ["tool_0", "tool_1"]


async def test_all_pages_of_tools_are_read(server: McpServer, client: McpClient) -> None:
    server.change(tools=450, page_size=100)

    offer = await client.offer(McpEndpoint(server.url))

    assert offer.count == 450
    assert len({tool.name for tool in offer.tools}) == 450


async def test_a_list_of_tools_without_end_is_given_up(server: McpServer, client: McpClient) -> None:
    server.change(endless=True)

    with pytest.raises(McpRefused, match=f"more than {MAX_PAGES} pages"):
        await client.offer(McpEndpoint(server.url))


async def test_every_session_is_closed_again(server: McpServer, client: McpClient) -> None:
    before = len(server.received())

    await client.offer(McpEndpoint(server.url))

    methods = [each["method"] for each in server.received()[before:]]
    assert methods[-1] == "DELETE"
    assert "GET" not in methods


async def test_headers_are_sent_with_every_request(server: McpServer, client: McpClient) -> None:
    server.change(headers={"Authorization": "Bearer sesame", "X-Team": "a"})

    offer = await client.offer(McpEndpoint(server.url, {"authorization": "Bearer sesame", "x-team": "a"}))

    assert offer.count == 2


async def test_wrong_headers_are_told_apart_and_never_repeated(server: McpServer, client: McpClient) -> None:
    server.change(headers={"Authorization": "Bearer sesame"})
    endpoint = McpEndpoint(server.url, {"Authorization": "Bearer wrong-secret"})

    with pytest.raises(McpUnauthorized) as caught:
        await client.offer(endpoint)

    assert str(caught.value) == f"POST {server.url} answered 401"
    assert "wrong-secret" not in repr(endpoint)


async def test_a_secret_that_a_server_repeats_is_blotted_out(server: McpServer, client: McpClient) -> None:
    server.change(headers={"Authorization": "Bearer sesame"}, description="Your token is sesame, isn't it?")

    offer = await client.offer(McpEndpoint(server.url, {"Authorization": "Bearer sesame"}))

    assert offer.tools[0].description == "Your token is [redacted], isn't it?"


@pytest.mark.parametrize(
    ("header", "value", "says"),
    [
        ("Host", "elsewhere", "header Host is not to be set"),
        ("Mcp-Session-Id", "a-session", "header Mcp-Session-Id is not to be set"),
        ("X-Key", "two\nlines", "the value for header X-Key is not printable ASCII"),
        ("X-Key", "schlüssel", "the value for header X-Key is not printable ASCII"),
    ],
)
async def test_headers_that_can_not_be_sent_are_named_without_their_values(
    server: McpServer, client: McpClient, header: str, value: str, says: str
) -> None:
    with pytest.raises(Malformed, match=says) as caught:
        await client.greet(McpEndpoint(server.url, {header: value}))

    assert value not in str(caught.value)


@pytest.mark.parametrize("status", [404, 500, 503])
async def test_a_bad_status_is_named(server: McpServer, client: McpClient, status: int) -> None:
    server.change(status=status)

    with pytest.raises(McpRefused, match=f"answered {status}"):
        await client.greet(McpEndpoint(server.url))


async def test_a_redirect_is_not_followed(server: McpServer, client: McpClient) -> None:
    server.change(status=307)

    with pytest.raises(NetError, match="a redirect, which is not followed"):
        await client.greet(McpEndpoint(server.url))


async def test_what_is_no_mcp_server_is_refused(server: McpServer, client: McpClient) -> None:
    with pytest.raises(McpRefused, match="does not answer as an MCP server does"):
        await client.greet(McpEndpoint(server.url.replace("/mcp", "/_ctl")))


async def test_nobody_at_the_address(client: McpClient) -> None:
    with pytest.raises(Unreachable, match="connection refused"):
        await client.greet(McpEndpoint(f"http://127.0.0.1:{reserve_port()}/mcp"))


async def test_a_server_that_hangs_is_given_up_in_time(
    server: McpServer, client: McpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcp_sdk, "DEADLINE_S", 0.2)
    server.change(hangs=True)

    with pytest.raises(DeadlineExceeded, match=r"did not answer within 0\.2 s"):
        await client.greet(McpEndpoint(server.url))


async def test_one_that_falls_silent_in_a_session_does_not_hold_up_its_end(
    server: McpServer, client: McpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcp_sdk, "DEADLINE_S", 0.5)
    monkeypatch.setattr(mcp_sdk, "_FAREWELL_S", 0.2)
    server.change(falls_silent=True)

    with pytest.raises(DeadlineExceeded):
        await client.offer(McpEndpoint(server.url))


async def test_loopback_is_refused_unless_it_is_allowed(server: McpServer) -> None:
    before = len(server.received())
    async with Http(AddressPolicy()) as http:
        with pytest.raises(AddressRefused):
            await McpClient(http).greet(McpEndpoint(server.url))

    assert len(server.received()) == before


async def test_the_proxy_environment_is_not_asked(
    server: McpServer, client: McpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{reserve_port()}")

    assert await client.greet(McpEndpoint(server.url))


async def test_an_answer_that_is_too_long_is_cut_off(
    server: McpServer, client: McpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcp_sdk, "MAX_ANSWER_BYTES", 10_000)
    server.change(tools=100, description="x" * 1000)

    with pytest.raises(NetError, match="more than 10000 bytes"):
        await client.offer(McpEndpoint(server.url))


def test_the_sdk_is_not_imported_before_it_is_needed() -> None:
    script = "import sys, herder.cli.main, herder.cli.run; sys.exit('mcp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
