"""Which addresses herder may connect to: where workers and gateways live, and never back into herder's own host.

A resource names a URL and herder, with its own place in the network, goes there: the class of CVE-2025-13281
(kube-controller-manager) and of every metadata-service theft. Refused are loopback, link-local, unspecified, multicast
and reserved addresses, the metadata services of clouds, herder's own pod and the API server; private networks are
allowed, for workers live there.

The verdict falls on addresses, never on names: a literal is judged in whatever spelling `connect` would accept, a name
by all that it resolves to, and the connection goes to exactly the addresses that were judged. A name that answers
differently the second time (DNS rebinding) gains nothing.
"""

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from aiohttp.abc import AbstractResolver, ResolveResult

from herder.net.errors import AddressRefused
from herder.net.surroundings import Address, Socket
from herder.net.text import untrusted

_LOOPBACK = "loopback"
_OWN = "own"
_API_SERVER = "API server"
_OPENED = {_LOOPBACK: "a loopback", _OWN: "herder's own"}
"""What `allow_loopback` opens, and how it is called."""
_FORBIDDEN = {
    _LOOPBACK: ("127.0.0.0/8", "::1/128"),
    "link-local": ("169.254.0.0/16", "fe80::/10"),
    "unspecified": ("0.0.0.0/8", "::/128"),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
    "reserved": ("240.0.0.0/4",),
    # Alibaba, Azure, Oracle; over IPv6 AWS (all that it keeps there, such as the keys of pods), Google, Scaleway. All
    # others are at 169.254.169.254.
    "cloud metadata": (
        *("100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32"),
        *("fd00:ec2::/32", "fd20:ce::254/128", "fd00:42::42/128"),
    ),
}
_FORBIDDEN_NETWORKS = tuple((kind, ip_network(net)) for kind, nets in _FORBIDDEN.items() for net in nets)
_LOW_BITS_ARE_IPV4 = tuple(
    ip_network(net)
    for net in (
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # NAT64 of one's own network, RFC 8215
        "::ffff:0:0:0/96",  # translated, RFC 2765
    )
)
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})
"""What stands before the IPv4 address in the lower half, RFC 5214."""
_LOW_32_BITS = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """The rule for every outgoing connection to an address that a user named.

    `allow_loopback` opens loopback and this machine's `own` addresses, for tests and for a gateway beside the operator;
    nothing opens the others. `api_servers` are refused at their ports only: a worker may be at another port of a node.
    """

    allow_loopback: bool = False
    own: frozenset[Address] = frozenset()
    api_servers: frozenset[Socket] = frozenset()

    def check_literal(self, host: str, port: int | None = None) -> None:
        """Judge `host` if it is an address in any spelling; a name passes, for it is judged once it is resolved.

        But `localhost`, and what is below it, is this machine wherever it is resolved (RFC 6761), here or by a gateway.

        Raises AddressRefused for a forbidden address, and for a legacy spelling (`0x7f.1`, `2130706433`) of any.
        """
        bare = host.strip("[]").rstrip(".").lower()
        if _is_loopback_name(bare) and not self.allow_loopback:
            raise _refused(host, bare, _LOOPBACK)
        canonical = _canonical(bare)
        legacy = None if canonical else _legacy_ipv4(bare)
        address = canonical or legacy
        if address is not None:
            self.check(host, address, port)
        if legacy is not None:
            raise AddressRefused(f"{untrusted(host)} is an unusual spelling of an address: write {legacy}")

    def check(self, host: str, address: Address, port: int | None) -> None:
        """Raise AddressRefused, naming `host` and what helps, unless herder may connect to `address` at `port`."""
        for candidate in (_unscoped(address), *_embedded(address)):
            kind = self._forbidden_kind(candidate, port)
            if kind is not None and not (kind in _OPENED and self.allow_loopback):
                raise _refused(host, address, kind, port)

    def _forbidden_kind(self, address: Address, port: int | None) -> str | None:
        if (address, port) in self.api_servers:
            return _API_SERVER
        if address in self.own:
            return _OWN
        return next((kind for kind, network in _FORBIDDEN_NETWORKS if address in network), None)


class VettingResolver(AbstractResolver):
    """Resolves with `inner` and lets no answer through of which one address is forbidden."""

    def __init__(self, inner: AbstractResolver, policy: AddressPolicy) -> None:
        self._inner = inner
        self._policy = policy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return what `host` resolves to. Raises AddressRefused, or OSError when the name does not resolve."""
        results = await self._inner.resolve(host, port, family)
        for result in results:
            self._policy.check(host, ip_address(result["host"]), port)
        return results

    async def close(self) -> None:
        """Close the inner resolver."""
        await self._inner.close()


def _is_loopback_name(name: str) -> bool:
    return name == "localhost" or name.endswith(".localhost")


def _canonical(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _legacy_ipv4(host: str) -> IPv4Address | None:
    """The address that `connect` would make of decimal, hexadecimal, octal and shortened spellings."""
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def _embedded(address: Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses that a gateway on the way may take out of an IPv6 one."""
    if isinstance(address, IPv4Address):
        return ()
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    number = int(address)
    is_compatible = number >> 32 == 0 and number > 1  # ::a.b.c.d; :: and ::1 are judged as themselves
    is_isatap = number >> 32 & _LOW_32_BITS in _ISATAP
    if is_compatible or is_isatap or any(address in network for network in _LOW_BITS_ARE_IPV4):
        found.append(IPv4Address(number & _LOW_32_BITS))
    return tuple(inner for inner in found if inner is not None)


def _unscoped(address: Address) -> Address:
    """Return the address without its zone, which makes `fd00::7%eth0` another one than `fd00::7`."""
    return address if isinstance(address, IPv4Address) else IPv6Address(int(address))


def _refused(host: str, address: Address | str, kind: str, port: int | None = None) -> AddressRefused:
    """Say what is wrong with an address, and what helps beside writing another one: a flag, or what its name means."""
    shown = untrusted(host)
    is_literal = shown.strip("[]") == str(address)
    what = f"{shown} is" if is_literal else f"{shown} stands for {address},"
    if kind in _OPENED:
        return AddressRefused(f"{what} {_OPENED[kind]} address", "start herder with --allow-loopback if that is meant")
    otherwise = "" if is_literal else "have the name stand for another address"
    if kind == _API_SERVER:
        at = f"the API server's address at port {port}, which no resource may send herder to"
        return AddressRefused(f"{what} {at}", otherwise)
    return AddressRefused(f"{what} a {kind} address, which herder never connects to", otherwise)
