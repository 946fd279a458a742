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

from herder.net.address import AddressPolicy
from herder.net.bodies import check_plain, chunks, whole
from herder.net.errors import DeadlineExceeded, Unreachable
from herder.net.failures import late, net_error
from herder.net.outgoing import absolute, checked, http_target, origin_of
from herder.net.permit import Permit, always
from herder.net.sessions import Sessions
from herder.net.text import untrusted
from herder.net.tls import SYSTEM_TRUST, Trust, context
from herder.net.urls import GRPC_PORTS

MAX_BODY_BYTES = 1 << 20
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
    `delivery_s`, and before its connection is closed, if only by this process' end, or not at all; None leaves that to
    this system.
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
        self._sessions = Sessions(policy, limit_per_host, permit, delivery_s)

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
        target = self._target(url)
        sent = checked({**_FIXED_HEADERS, **(headers or {})})
        body = None if json is None else jsonlib.dumps(json, allow_nan=False).encode()
        if body is not None:
            sent["Content-Type"] = "application/json"
        try:
            async with (
                asyncio.timeout(deadline_s),
                self._sessions.session(reuses=True).request(
                    method,
                    target,
                    headers=sent,
                    data=body,
                    ssl=context(trust),
                    server_hostname=trust.server_name,
                    allow_redirects=False,
                ) as response,
            ):
                check_plain(response)
                return Answer(response.status, response.headers, await whole(response, max_body_bytes))
        except TimeoutError as error:
            raise late(origin_of(target), deadline_s) from error
        except (aiohttp.ClientError, OSError) as error:
            raise net_error(error, origin_of(target)) from error

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
        target = self._target(url)
        sent = checked({**headers, **_FIXED_HEADERS})
        try:
            response = await self._sessions.session(reuses=False).request(
                method,
                target,
                headers=sent,
                data=body or None,
                ssl=context(SYSTEM_TRUST),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=deadline_s),
            )
        except TimeoutError as error:
            raise late(origin_of(target), deadline_s) from error
        except (aiohttp.ClientError, OSError) as error:
            raise net_error(error, origin_of(target)) from error
        async with response:
            check_plain(response)
            yield Stream(response.status, response.headers, chunks(response, max_body_bytes, deadline_s))

    async def vet(self, url: str, *, deadline_s: float) -> None:
        """Judge `url` by the address policy without connecting: for what somebody else will fetch.

        Raises AddressRefused, Unreachable when its name does not resolve here, DeadlineExceeded, Malformed.
        """
        await self.addresses(url, deadline_s=deadline_s)

    async def addresses(self, url: str, *, deadline_s: float) -> tuple[str, ...]:
        """Return the addresses that the host of `url`, of any scheme, stands for; the policy has judged each of them.

        For what connects by other means: to one of these, never to the name. Raises as `vet` does.
        """
        target = absolute(url)
        host, port = target.raw_host or "", target.port or GRPC_PORTS.get(target.scheme, 0)
        self._policy.check_literal(host, port)
        try:
            async with asyncio.timeout(deadline_s):
                found = await self._sessions.resolver().resolve(host, port)
        except TimeoutError as error:
            raise DeadlineExceeded(f"{untrusted(host)} did not resolve within {deadline_s:g} s") from error
        except OSError as error:
            raise Unreachable(f"{untrusted(host)}: the name does not resolve") from error
        return tuple(result["host"] for result in found)

    async def close(self) -> None:
        """Close every connection; a later request opens new ones."""
        await self._sessions.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _target(self, url: str) -> URL:
        """Return where a request goes. Raises Malformed, AddressRefused; a name is judged when it is looked up."""
        target = http_target(url)
        self._policy.check_literal(target.raw_host or "", target.port)
        return target
