"""The only module that imports the MCP SDK: a session over the connections of `net.http`.

The SDK hides how an exchange failed ("Server returned an error response"), and lets what a transport raises surface as
a group, or only as a stream that was closed. So the transport below notes the first failure, and that is what counts.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import Final, override

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import Implementation

from herder import __version__
from herder.net.errors import DeadlineExceeded, Malformed, NetError
from herder.net.http import Http, Stream
from herder.net.mcp import (
    DEADLINE_S,
    MAX_ANSWER_BYTES,
    MAX_PAGES,
    SESSION_DEADLINE_S,
    Greeting,
    McpEndpoint,
    McpError,
    McpRefused,
    McpUnauthorized,
    Offer,
    Tool,
)
from herder.net.text import untrusted

_OURS: Final = frozenset({"host", "connection", "user-agent", "accept-encoding", "content-length"})
"""Headers that httpx2 adds and that `Http` sees to itself."""
_NOT_TO_BE_SET: Final = _OURS | {
    *("accept", "content-type", "transfer-encoding", "mcp-session-id", "mcp-protocol-version")
}
"""Headers that belong to the exchange itself."""
_NAME_CHARS: Final = 128
_VERSION_CHARS: Final = 64
_FAREWELL_S: Final = 2.0

# It logs every failed exchange with a traceback; what failed is an error of ours, said by whoever asked.
logging.getLogger("mcp").setLevel(logging.CRITICAL)


async def greet(http: Http, endpoint: McpEndpoint) -> Greeting:
    """Initialize a session and close it. Raises NetError."""

    async def ask(client: Client) -> Greeting:
        return _greeting(client, endpoint)

    return await _in_session(http, endpoint, ask)


async def offer(http: Http, endpoint: McpEndpoint) -> Offer:
    """Initialize a session, list all tools and close it. Raises NetError."""

    async def ask(client: Client) -> Offer:
        tools: dict[str, Tool] = {}
        count, cursor = 0, None
        for _ in range(MAX_PAGES):
            page = await client.list_tools(cursor=cursor)
            for each in page.tools:
                count += 1
                tool = _tool(each.name, each.description, endpoint)
                tools.setdefault(tool.name, tool)
            cursor = page.next_cursor
            if cursor is None:
                return Offer(_greeting(client, endpoint), tuple(tools.values()), count)
        raise McpRefused(f"{endpoint.url} lists its tools on more than {MAX_PAGES} pages")

    return await _in_session(http, endpoint, ask)


async def _in_session[T](http: Http, endpoint: McpEndpoint, ask: Callable[[Client], Awaitable[T]]) -> T:
    _check_headers(endpoint)
    wire = _Wire(http, endpoint)
    try:
        async with asyncio.timeout(SESSION_DEADLINE_S), _session(wire, endpoint) as client:
            try:
                return await ask(client)
            except (MCPError, NetError) as error:  # on its way out it would be put into a group
                wire.note(_refused(error, endpoint))
                raise
    except TimeoutError as error:
        raise wire.failure or DeadlineExceeded(_late(endpoint)) from error
    except Exception as error:
        raise wire.failure or _refused(error, endpoint) from error


@asynccontextmanager
async def _session(wire: "_Wire", endpoint: McpEndpoint) -> AsyncIterator[Client]:
    me = Implementation(name="herder", version=__version__)
    async with httpx2.AsyncClient(
        transport=wire, headers=dict(endpoint.headers), trust_env=False, timeout=None
    ) as connection:
        transport = streamable_http_client(endpoint.url, http_client=connection, max_sse_event_size=MAX_ANSWER_BYTES)
        # The handshake that the gateway does: what it could not use must not look usable here.
        async with Client(transport, mode="legacy", client_info=me, cache=None) as client:
            yield client


def _check_headers(endpoint: McpEndpoint) -> None:
    for name, value in endpoint.headers.items():
        if name.lower() in _NOT_TO_BE_SET:
            raise Malformed(f"header {untrusted(name)} is not to be set: it belongs to the exchange itself")
        if not (value.isascii() and value.isprintable()):
            raise Malformed(f"the value for header {untrusted(name)} is not printable ASCII in one line")


def _late(endpoint: McpEndpoint) -> str:
    return f"{endpoint.url} did not come to an end within {SESSION_DEADLINE_S:g} s"


class _Wire(httpx2.AsyncBaseTransport):
    """Sends what the SDK wants sent, by `http`, and notes what first went wrong."""

    def __init__(self, http: Http, endpoint: McpEndpoint) -> None:
        self._http = http
        self._endpoint = endpoint
        self.failure: NetError | None = None

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":  # a stream for what a server says unasked: nobody here listens
            return httpx2.Response(HTTPStatus.METHOD_NOT_ALLOWED, request=request)
        headers = {name: value for name, value in request.headers.items() if name not in _OURS}
        stack = AsyncExitStack()
        try:
            answer = await stack.enter_async_context(
                self._http.stream(
                    request.method,
                    str(request.url),
                    headers=headers,
                    body=await request.aread(),
                    deadline_s=_FAREWELL_S if request.method == "DELETE" else DEADLINE_S,
                    max_body_bytes=MAX_ANSWER_BYTES,
                )
            )
        except NetError as error:
            raise self.noted(error) from error
        if request.method == "POST" and answer.status >= HTTPStatus.BAD_REQUEST:
            self.note(_bad_status(answer.status, self._endpoint))
        return httpx2.Response(
            answer.status, headers=list(answer.headers.items()), stream=_Body(stack, answer, self), request=request
        )

    def note(self, failure: NetError) -> None:
        """Keep what went wrong, if it is the first thing."""
        self.failure = self.failure or failure

    def noted(self, error: NetError) -> httpx2.TransportError:
        """Keep what went wrong, and return what the SDK expects to be raised."""
        self.note(error)
        return httpx2.TransportError(type(error).__name__)


class _Body(httpx2.AsyncByteStream):
    """The rest of an answer."""

    def __init__(self, stack: AsyncExitStack, answer: Stream, wire: _Wire) -> None:
        self._stack = stack
        self._answer = answer
        self._wire = wire

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._answer.chunks:
                yield chunk
        except NetError as error:
            raise self._wire.noted(error) from error

    @override
    async def aclose(self) -> None:
        await self._stack.aclose()


def _bad_status(status: int, endpoint: McpEndpoint) -> McpError:
    text = f"POST {endpoint.url} answered {status}"
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return McpUnauthorized(text)
    return McpRefused(text)


def _refused(error: Exception, endpoint: McpEndpoint) -> NetError:
    if isinstance(error, NetError):
        return error
    said = f": {untrusted(error.message, secrets=endpoint.secrets)}" if isinstance(error, MCPError) else ""
    return McpRefused(f"{endpoint.url} does not answer as an MCP server does{said}")


def _greeting(client: Client, endpoint: McpEndpoint) -> Greeting:
    server = client.server_info
    words = " ".join(word for word in (server.name, server.version) if word) if server is not None else ""
    name = untrusted(words, limit=_NAME_CHARS, secrets=endpoint.secrets)
    version = untrusted(client.protocol_version, limit=_VERSION_CHARS, secrets=endpoint.secrets)
    return Greeting(name or None, version)


def _tool(name: str, description: str | None, endpoint: McpEndpoint) -> Tool:
    shown = untrusted(description, limit=_NAME_CHARS, secrets=endpoint.secrets) if description else None
    return Tool(untrusted(name, limit=_NAME_CHARS, secrets=endpoint.secrets), shown or None)
