"""Leave to change something elsewhere: asked at the very moment of sending, not when the sending was planned.

Between the plan and the moment there may be a wait for a connection, or the process may have been stopped for a while.
"""

import socket
import struct
from collections.abc import Callable
from typing import Any, Final, override

import aiohttp
from aiohttp.connector import AddrInfoType, Connection

from herder.net.errors import NotPermitted

_NO_TIME_TO_LINGER: Final = struct.pack("ii", 1, 0)
READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods that change nothing."""

type Permit = Callable[[], None]
"""Raises NotPermitted when nothing may be changed (any more)."""


def always() -> None:
    """Permit everything."""


def never() -> None:
    """Permit nothing: for those who only read."""
    raise NotPermitted("this is only for reading")


def permitted_by(permit: Permit) -> type[aiohttp.ClientRequest]:
    """Return the kind of requests that ask `permit` when they have their connection and are about to be sent."""

    class Permitted(aiohttp.ClientRequest):
        @override
        async def send(self, conn: Connection) -> aiohttp.ClientResponse:
            if self.method not in READS:
                permit()
            return await super().send(conn)

    return Permitted


def delivering_within(limit_s: float) -> Callable[[AddrInfoType], socket.socket]:
    """Return what makes sockets whose data the peer's system takes within `limit_s`, or never; never after their end.

    By default Linux tries for a quarter of an hour, even after the process has closed the socket or was killed: what
    was sent into a broken network could arrive long after the leave to send it was lost. With no time to linger, what
    is not delivered is thrown away when the socket is closed. Where the system can't do it, sockets are as always.
    """

    def make(address: AddrInfoType) -> socket.socket:
        family, kind, protocol, *_ = address
        made = socket.socket(family, kind, protocol)
        option: Any = getattr(socket, "TCP_USER_TIMEOUT", None)
        if option is not None:
            made.setsockopt(socket.IPPROTO_TCP, option, int(limit_s * 1000))
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_TIME_TO_LINGER)
        return made

    return make
