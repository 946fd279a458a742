"""gRPC calls with an address that a user named, under the same rules as HTTP.

Guarantees for each call: it goes to an address that the policy has judged, never to a name, it ends within its
deadline, an answer is held up to a limit, and it depends on nothing but its arguments: no proxy environment, no service
configuration out of DNS, no retries, no keepalive, no connection shared with anybody.

Importing this module brings grpcio with it, 21 MB: import it where it is needed first.
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Final, Protocol, Self

import grpc
from yarl import URL

from herder.net.errors import (
    BodyTooLarge,
    Denied,
    Malformed,
    NetError,
    NotGrpc,
    NotTls,
    TlsRefused,
    Unimplemented,
    Unreachable,
)
from herder.net.failures import NO_TLS, late
from herder.net.text import untrusted
from herder.net.tls import SYSTEM_TRUST, Trust
from herder.net.urls import GRPC_PORTS

MAX_MESSAGE_BYTES: Final = 1 << 20
_MAX_METADATA_BYTES: Final = 16 << 10

type _Code = grpc.StatusCode


class Message(Protocol):
    """What both ends send: a protocol buffer."""

    @classmethod
    def FromString(cls, data: bytes, /) -> Self:  # noqa: N802  protobuf's own name
        """Read it."""
        ...

    def SerializeToString(self) -> bytes:  # noqa: N802  protobuf's own name
        """Write it."""
        ...


class Channel:
    """A connection to one peer; `open_channel` makes it."""

    def __init__(self, channel: grpc.aio.Channel, origin: str) -> None:
        self._channel = channel
        self._origin = origin

    async def call[A: Message](
        self,
        path: str,
        request: Message,
        answer: type[A],
        *,
        deadline_s: float,
        metadata: Mapping[str, str] | None = None,
    ) -> A:
        """Make one unary call of `/service/Method` and return what it answers. Raises NetError."""
        method = self._channel.unary_unary(path)  # bytes both ways: grpcio only logs what it can't read
        try:
            received: bytes = await method(
                request.SerializeToString(), timeout=deadline_s, metadata=tuple((metadata or {}).items())
            )
        except grpc.aio.AioRpcError as error:
            raise _net_error(error.code(), error.details() or "", self._origin, deadline_s) from error
        try:
            return answer.FromString(received)
        except Exception as error:  # whatever a message's own parser raises
            raise Malformed(f"{self._origin} answered with another message than {path} promises") from error


@asynccontextmanager
async def open_channel(url: str, address: str, *, trust: Trust = SYSTEM_TRUST) -> AsyncIterator[Channel]:
    """Connect to `url`, grpc:// or grpcs://, at `address`, one of its own that the policy has judged.

    A certificate is checked for the host of `url`. Raises TlsRefused for a bundle without a certificate.
    """
    target = URL(url)
    host, port = target.raw_host or "", target.port or GRPC_PORTS[target.scheme]
    kind, shown = ("ipv6", f"[{address}]") if isinstance(ip_address(address), IPv6Address) else ("ipv4", address)
    options = [
        ("grpc.enable_http_proxy", 0),
        ("grpc.enable_retries", 0),
        ("grpc.service_config_disable_resolution", 1),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.absolute_max_metadata_size", _MAX_METADATA_BYTES),
        ("grpc.default_authority", f"[{host}]:{port}" if ":" in host else f"{host}:{port}"),
        ("grpc.primary_user_agent", "herder"),
    ]
    where = f"{kind}:{shown}:{port}"
    if target.scheme == "grpcs":
        credentials = grpc.ssl_channel_credentials(root_certificates=_roots(trust))
        channel = grpc.aio.secure_channel(where, credentials, options=options)
    else:
        channel = grpc.aio.insecure_channel(where, options=options)
    async with channel:
        yield Channel(channel, untrusted(f"{target.scheme}://{host}:{port}"))


def _roots(trust: Trust) -> bytes | None:
    """Return the authorities as PEM; gRPC's own bundle stands in where the system names no file."""
    if trust.ca_pem is not None:
        if "BEGIN CERTIFICATE" not in trust.ca_pem:
            raise TlsRefused("the CA bundle given holds no readable PEM certificate")
        return trust.ca_pem.encode()
    file = ssl.get_default_verify_paths().cafile
    return Path(file).read_bytes() if file else None


def _net_error(code: _Code, details: str, origin: str, deadline_s: float) -> NetError:
    if code is grpc.StatusCode.UNAVAILABLE:
        return _unavailable(details, origin)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return late(origin, deadline_s)
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return Unimplemented(f"{origin} knows no such call")
    if code in {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}:
        return Denied(f"{origin} answered {code.name}")
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in details:
        return BodyTooLarge(f"{origin} sent more than {MAX_MESSAGE_BYTES} bytes")
    return Malformed(f"{origin} answered {code.name}")


def _unavailable(details: str, origin: str) -> NetError:
    """Tell apart why no connection came about; gRPC says it in words only (read off grpcio 1.85)."""
    said = details.lower()
    for words, kind, text in _WORDS:
        if words in said:
            return kind(f"{origin}: {text}")
    return Unreachable(f"{origin}: no connection came about, or it broke")


_WORDS: Final[tuple[tuple[str, type[NetError], str], ...]] = (
    ("hostname verification check failed", TlsRefused, "the certificate is refused: it is for another name"),
    (
        "certificate_verify_failed",
        TlsRefused,
        "the certificate is refused: its authority is not trusted, or its time is over",
    ),
    ("wrong_version_number", NotTls, NO_TLS),
    ("tls handshake failed", TlsRefused, "no TLS connection came about"),
    ("failed parsing http/2", NotGrpc, "what answers there does not speak HTTP/2, and so no gRPC"),
    ("connection refused", Unreachable, "connection refused"),
)
"""What is made of what gRPC says, by the first words that fit; of a broken handshake alone it says none of these."""
