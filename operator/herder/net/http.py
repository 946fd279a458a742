"""The one way out: every HTTP exchange with an address that a user named.

Guarantees for each exchange: the address policy has judged where it goes, it ends within its deadline (name lookup,
connecting, sending and reading together), at most `max_body_bytes` of an answer are held, and it depends on nothing but
its arguments: no proxy environment, no netrc, no cookies, no redirects, no decompression.
"""

import asyncio
import json as jsonlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from herder.net.address import AddressPolicy, VettingResolver
from herder.net.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    Malformed,
    Redirected,
    Unreachable,
)
from herder.net.failures import net_error
from herder.net.permit import Permit, always, delivering_within, permitted_by
from herder.net.resolver import ThreadsResolver
from herder.net.text import untrusted
from herder.net.tls import SYSTEM_TRUST, Trust, context
from herder.net.urls import GRPC_PORTS

MAX_BODY_BYTES = 1 << 20
_MAX_CONNECTIONS = 512
_NO_TIMEOUTS = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)
_FIXED_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "herder"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status (but a redirect): headers by name in any case, the body in full."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer of any status (but a redirect) whose body is still on its way; `chunks` raises NetError."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]


class Http:
    """HTTP exchanges under one address policy, over its own pooled connections (kept apart by TLS trust) and lookups.

    Use it as an async context manager, or call `close`. It may be made before the event loop runs.

    `permit` is asked before each request that is no GET is sent. What is sent reaches the peer's system within
    `delivery_s` or not at all; None leaves that to this system.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        limit_per_host: int = 32,
        permit: Permit = always,
        delivery_s: float | None = None,
    ) -> None:
        self._policy = policy
        self._limit_per_host = limit_per_host
        self._requests = permitted_by(permit)
        self._sockets = None if delivery_s is None else delivering_within(delivery_s)
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        """By whether their connections are used again."""
        self._resolver: VettingResolver | None = None

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        deadline_s: float,
        max_body_bytes: int = MAX_BODY_BYTES,
        trust: Trust = SYSTEM_TRUST,
    ) -> Answer:
        """Send one request and return the whole answer, of any status outside 3xx.

        `json`, unless None, is sent as a JSON body. Raises NetError, and nothing else for anything that the peer does.
        """
        target = _target(url)
        self._policy.check_literal(target.raw_host or "", target.port)
        sent = _checked({**_FIXED_HEADERS, **(headers or {})})
        body = None if json is None else jsonlib.dumps(json, allow_nan=False).encode()
        if body is not None:
            sent["Content-Type"] = "application/json"
        try:
            async with (
                asyncio.timeout(deadline_s),
                self._session(reuses=True).request(
                    method,
                    target,
                    headers=sent,
                    data=body,
                    ssl=context(trust),
                    server_hostname=trust.server_name,
                    allow_redirects=False,
                ) as response,
            ):
                return await _answer(response, max_body_bytes)
        except TimeoutError as error:
            raise _late(_origin(target), deadline_s) from error
        except (aiohttp.ClientError, OSError) as error:
            raise net_error(error, _origin(target)) from error

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        deadline_s: float,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> AsyncIterator[Stream]:
        """As `request`, for an answer that is read as it comes and given up by leaving the block.

        The deadline holds for the whole exchange, reading included. Each exchange has a connection of its own: a POST
        sent on one that the peer is just closing is lost, and nobody but the caller may send it again.
        """
        target = _target(url)
        self._policy.check_literal(target.raw_host or "", target.port)
        sent = _checked({**headers, **_FIXED_HEADERS})
        origin = _origin(target)
        try:
            response = await self._session(reuses=False).request(
                method,
                target,
                headers=sent,
                data=body or None,
                ssl=context(SYSTEM_TRUST),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=deadline_s),
            )
        except TimeoutError as error:
            raise _late(origin, deadline_s) from error
        except (aiohttp.ClientError, OSError) as error:
            raise net_error(error, origin) from error
        async with response:
            _check_plain(response, origin)
            yield Stream(response.status, response.headers, _chunks(response, max_body_bytes, deadline_s))

    async def vet(self, url: str, *, deadline_s: float) -> None:
        """Judge `url` by the address policy without connecting: for what somebody else will fetch.

        Raises AddressRefused, Unreachable when its name does not resolve here, DeadlineExceeded, Malformed.
        """
        await self.addresses(url, deadline_s=deadline_s)

    async def addresses(self, url: str, *, deadline_s: float) -> tuple[str, ...]:
        """Return the addresses that the host of `url`, of any scheme, stands for; the policy has judged each of them.

        For what connects by other means: to one of these, never to the name. Raises as `vet` does.
        """
        target = _absolute(url)
        host, port = target.raw_host or "", target.port or GRPC_PORTS.get(target.scheme, 0)
        self._policy.check_literal(host, port)
        try:
            async with asyncio.timeout(deadline_s):
                found = await self._resolving().resolve(host, port)
        except TimeoutError as error:
            raise DeadlineExceeded(f"{untrusted(host)} did not resolve within {deadline_s:g} s") from error
        except OSError as error:
            raise Unreachable(f"{untrusted(host)}: the name does not resolve") from error
        return tuple(result["host"] for result in found)

    async def close(self) -> None:
        """Close every connection; a later request opens new ones."""
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()
        resolver, self._resolver = self._resolver, None
        if resolver is not None:
            await resolver.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _resolving(self) -> VettingResolver:
        if self._resolver is None:
            self._resolver = VettingResolver(ThreadsResolver(), self._policy)
        return self._resolver

    def _session(self, *, reuses: bool) -> aiohttp.ClientSession:
        if reuses not in self._sessions:
            self._sessions[reuses] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=self._resolving(),
                    limit=_MAX_CONNECTIONS,
                    limit_per_host=self._limit_per_host,
                    force_close=not reuses,
                    socket_factory=self._sockets,
                ),
                request_class=self._requests,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=_NO_TIMEOUTS,
                auto_decompress=False,
                trust_env=False,
            )
        return self._sessions[reuses]


def _absolute(url: str) -> URL:
    try:
        target = URL(url)
        str(target.origin())  # an IPvFuture host is found out no sooner
    except ValueError as error:
        raise Malformed("the URL is not an absolute one") from error
    return target


def _target(url: str) -> URL:
    target = _absolute(url)
    if target.scheme not in {"http", "https"}:
        raise Malformed("the URL does not start with http:// or https://")
    return target


def _origin(target: URL) -> str:
    return untrusted(str(target.origin()))


def _checked(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not (name + value).isprintable():
            raise Malformed(
                f"the value for header {untrusted(name)} holds a control character; a line break at its end?"
            )
    return headers


def _late(origin: str, deadline_s: float) -> DeadlineExceeded:
    return DeadlineExceeded(f"{origin} did not answer within {deadline_s:g} s")


async def _answer(response: aiohttp.ClientResponse, max_body_bytes: int) -> Answer:
    origin = _origin(response.url)
    _check_plain(response, origin)
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > max_body_bytes:
            raise _too_large(origin, max_body_bytes)
    return Answer(response.status, response.headers, bytes(body))


async def _chunks(response: aiohttp.ClientResponse, max_body_bytes: int, deadline_s: float) -> AsyncIterator[bytes]:
    origin, received = _origin(response.url), 0
    try:
        async for chunk in response.content.iter_any():
            received += len(chunk)
            if received > max_body_bytes:
                raise _too_large(origin, max_body_bytes)
            yield chunk
    except TimeoutError as error:
        raise _late(origin, deadline_s) from error
    except (aiohttp.ClientError, OSError) as error:
        raise net_error(error, origin) from error


def _too_large(origin: str, max_body_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(f"{origin} sent more than {max_body_bytes} bytes")


def _check_plain(response: aiohttp.ClientResponse, origin: str) -> None:
    """Raise for an answer that would have to be followed or unpacked."""
    if 300 <= response.status < 400:  # noqa: PLR2004  the class of redirects
        raise Redirected(f"{origin} answered {response.status}, a redirect, which is not followed: name the final URL")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Malformed(f"{origin} sent a compressed answer that was not asked for")
