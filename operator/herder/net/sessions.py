"""Connections for HTTP, and the lookups that they begin with: under one policy, apart from everything around them.

They depend on no proxy environment, no netrc and no cookies, and unpack nothing.
"""

import aiohttp

from herder.net.address import AddressPolicy, VettingResolver
from herder.net.permit import Permit, delivering_within, permitted_by
from herder.net.resolver import ThreadsResolver

_MAX_CONNECTIONS = 512
_NO_TIMEOUTS = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)


class Sessions:
    """Pooled connections, made when they are needed first: a session can only be made where an event loop runs.

    `permit` and `delivery_s` are as `Http` has them.
    """

    def __init__(self, policy: AddressPolicy, limit_per_host: int, permit: Permit, delivery_s: float | None) -> None:
        self._policy = policy
        self._limit_per_host = limit_per_host
        self._requests = permitted_by(permit)
        self._sockets = None if delivery_s is None else delivering_within(delivery_s)
        self._by_reuse: dict[bool, aiohttp.ClientSession] = {}
        self._resolver: VettingResolver | None = None

    def resolver(self) -> VettingResolver:
        """Return what looks names up, and judges what they stand for."""
        if self._resolver is None:
            self._resolver = VettingResolver(ThreadsResolver(), self._policy)
        return self._resolver

    def session(self, *, reuses: bool) -> aiohttp.ClientSession:
        """Return the session whose connections are used again, or the one whose are not."""
        session = self._by_reuse.get(reuses)
        if session is None:
            session = self._by_reuse[reuses] = self._made(reuses=reuses)
        return session

    async def close(self) -> None:
        """Close every connection; a later session opens new ones."""
        sessions, self._by_reuse = self._by_reuse, {}
        for session in sessions.values():
            await session.close()
        resolver, self._resolver = self._resolver, None
        if resolver is not None:
            await resolver.close()

    def _made(self, *, reuses: bool) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=self.resolver(),
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
