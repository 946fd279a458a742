"""Which addresses herder may connect to: where workers and gateways live, and never back into herder's own host.

A resource names a URL and herder, with its own place in the network, goes there: the class of CVE-2025-13281
(kube-controller-manager) and of every metadata-service theft. Refused are loopback, link-local, unspecified, multicast
and reserved addresses and the metadata services of clouds; private networks are allowed, for workers live there.

The verdict falls on addresses, never on names: a literal is judged in whatever spelling `connect` would accept, a name
by all that it resolves to, and the connection goes to exactly the addresses that were judged. A name that answers
differently the second time (DNS rebinding) gains nothing.
"""

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from aiohttp.abc import AbstractResolver, ResolveResult

from herder.net.errors import AddressRefused
from herder.net.text import untrusted

type Address = IPv4Address | IPv6Address

_LOOPBACK = "loopback"
_FORBIDDEN = {
    _LOOPBACK: ("127.0.0.0/8", "::1/128"),
    "link-local": ("169.254.0.0/16", "fe80::/10"),
    "unspecified": ("0.0.0.0/8", "::/128"),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
    "reserved": ("240.0.0.0/4",),
    # AWS over IPv6, Alibaba, Azure, Oracle; all other clouds use 169.254.169.254
    "cloud metadata": ("fd00:ec2::254/128", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32"),
}
_FORBIDDEN_NETWORKS = tuple((kind, ip_network(net)) for kind, nets in _FORBIDDEN.items() for net in nets)
_NAT64 = ip_network("64:ff9b::/96")
_LOW_32_BITS = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """The rule for every outgoing connection to an address that a user named.

    `allow_loopback` opens loopback, for tests and for a gateway beside the operator; nothing opens the others.
    """

    allow_loopback: bool = False

    def check_literal(self, host: str) -> None:
        """Judge `host` if it is an address in any spelling; a name passes, for it is judged once it is resolved.

        Raises AddressRefused for a forbidden address, and for a legacy spelling (`0x7f.1`, `2130706433`) of any.
        """
        bare = host.strip("[]").rstrip(".")
        canonical = _canonical(bare)
        legacy = None if canonical else _legacy_ipv4(bare)
        address = canonical or legacy
        if address is not None:
            self.check(host, address)
        if legacy is not None:
            raise AddressRefused(f"{untrusted(host)} is an unusual spelling of an address: write {legacy}")

    def check(self, host: str, address: Address) -> None:
        """Raise AddressRefused, naming `host` and the remedy, unless herder may connect to `address`."""
        for candidate in (address, *_embedded(address)):
            kind = _forbidden_kind(candidate)
            if kind is not None and not (kind == _LOOPBACK and self.allow_loopback):
                raise AddressRefused(_refusal(host, address, kind))


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
            self._policy.check(host, ip_address(result["host"]))
        return results

    async def close(self) -> None:
        """Close the inner resolver."""
        await self._inner.close()


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
    if is_compatible or address in _NAT64:
        found.append(IPv4Address(number & _LOW_32_BITS))
    return tuple(inner for inner in found if inner is not None)


def _forbidden_kind(address: Address) -> str | None:
    return next((kind for kind, network in _FORBIDDEN_NETWORKS if address in network), None)


def _refusal(host: str, address: Address, kind: str) -> str:
    shown = untrusted(host)
    what = f"{shown} is" if shown.strip("[]") == str(address) else f"{shown} stands for {address},"
    if kind == _LOOPBACK:
        return f"{what} a loopback address: start herder with --allow-loopback if that is meant"
    return f"{what} a {kind} address, which herder never connects to: name the address that serves the cluster"
