"""MCP servers, asked with the official SDK over streamable HTTP: who they are and which tools they offer.

The SDK speaks the protocol; the connections are those of `net.http`, so that the address policy, the caps and the
deadlines hold as everywhere. Each question opens a session, as the gateway does (initialize), and closes it again.

    NetError
    └── McpError
        ├── McpUnauthorized   401 or 403: the headers are missing or wrong
        └── McpRefused        it answers, but not as an MCP server should

The SDK is heavy (0.7 s to import on a quick machine), so it is imported with the first question, in a thread.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import ModuleType
from typing import Final, Protocol

from herder.net.errors import DeadlineExceeded, NetError, Unreachable
from herder.net.http import Http

MAX_PAGES: Final = 64
MAX_ANSWER_BYTES: Final = 8 << 20
"""Of one answer; a page of tools with their schemas can be long."""
DEADLINE_S: Final = 10.0
"""Of one exchange, which is also what the gateway gives a connection (measured on smg 1.13.0)."""
SESSION_DEADLINE_S: Final = 25.0
"""Of a whole session, all pages of tools included."""


class McpError(NetError):
    """A server that answered, but not with what was asked for."""


class McpUnauthorized(McpError):
    """The server wants other headers."""


class McpRefused(McpError):
    """What answers is not an MCP server, or not one that can be used."""


@dataclass(frozen=True, slots=True)
class McpEndpoint:
    """Where a server answers, and the headers that it asks for; repr never shows them."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What nothing that is shown may repeat, though the server may well: the headers, and tokens within them."""
        values = self.headers.values()
        return (*values, *(value.partition(" ")[2] for value in values if " " in value))


@dataclass(frozen=True, slots=True)
class Greeting:
    """How a server presents itself, in words that are fit for a status."""

    server: str | None
    protocol_version: str


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool, in words that are fit for a status; no two of an offer have the same name."""

    name: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server offers. `tools` are in the server's own order, `count` is how many it listed."""

    greeting: Greeting
    tools: tuple[Tool, ...]
    count: int


class Asker(Protocol):
    """What answers for MCP servers: `McpClient`, and so does a fake in a test. Each call raises NetError."""

    async def greet(self, endpoint: McpEndpoint) -> Greeting:
        """Connect to the server once, and leave it again."""
        ...

    async def offer(self, endpoint: McpEndpoint) -> Offer:
        """List the server's tools, all pages of them."""
        ...

    async def vet(self, url: str) -> None:
        """Raise AddressRefused for a URL whose address nobody may be sent to."""
        ...


class McpClient:
    """Asks MCP servers. It holds no connection of its own beside those of `http`."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def greet(self, endpoint: McpEndpoint) -> Greeting:
        """Connect to the server once, and leave it again. Raises NetError."""
        sdk = await asyncio.to_thread(_sdk)
        greeting: Greeting = await sdk.greet(self._http, endpoint)
        return greeting

    async def offer(self, endpoint: McpEndpoint) -> Offer:
        """List the server's tools, all pages of them. Raises NetError."""
        sdk = await asyncio.to_thread(_sdk)
        offer: Offer = await sdk.offer(self._http, endpoint)
        return offer

    async def vet(self, url: str) -> None:
        """Refuse a URL whose address nobody may be sent to, neither herder nor, on its word, a gateway.

        Raises AddressRefused. A name that can't be looked up here may be known where the gateway is.
        """
        with suppress(DeadlineExceeded, Unreachable):
            await self._http.vet(url, deadline_s=DEADLINE_S)


def _sdk() -> ModuleType:
    from herder.net import mcp_sdk  # noqa: PLC0415  (who needs no MCP server must not pay for the SDK)

    return mcp_sdk
