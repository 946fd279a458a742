"""Which hosts something is for: names, `*.domain` for all names below it, addresses and networks."""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, Self
from urllib.parse import urlsplit

_ANY: Final = "*"
_PLAIN_PORT: Final = 80
_TLS_PORT: Final = 443

type Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Hosts:
    """A list of hosts. An entry that can't be read allows nothing; an empty list allows no host."""

    names: frozenset[str] = frozenset()
    domains: tuple[str, ...] = ()
    """Each with its leading dot."""
    networks: tuple[Network, ...] = ()
    is_any: bool = False

    @classmethod
    def of(cls, text: str) -> Self:
        """Read a list whose entries are separated by commas or white space; `*` alone is any host."""
        entries = [entry.lower().removesuffix(".") for entry in re.split(r"[\s,]+", text) if entry]
        networks = tuple(network for entry in entries if (network := _network(entry)) is not None)
        return cls(
            names=frozenset(entry for entry in entries if "*" not in entry and _network(entry) is None),
            domains=tuple(entry[1:] for entry in entries if entry.startswith("*.") and "*" not in entry[1:]),
            networks=networks,
            is_any=_ANY in entries,
        )

    def allows(self, host: str) -> bool:
        """Whether `host`, a name or an address without brackets, is one of them."""
        host = host.lower().removesuffix(".")
        if self.is_any or host in self.names:
            return True
        try:
            address = ip_address(host)
        except ValueError:
            return any(host.endswith(domain) for domain in self.domains)
        return any(address in network for network in self.networks)


def host_of(url: str) -> str:
    """Return the host of a URL that keeps the rules of `net.urls`, without brackets."""
    return urlsplit(url).hostname or ""


@lru_cache(maxsize=4096)
def place_of(url: str) -> str:
    """Return host and port of a URL that keeps the rules of `net.urls`, as `host:port`, whatever the scheme."""
    parts = urlsplit(url)
    port = parts.port or (_TLS_PORT if parts.scheme.endswith("s") else _PLAIN_PORT)
    return f"{parts.hostname or ''}:{port}"


def _network(entry: str) -> Network | None:
    try:
        return ip_network(entry.strip("[]"))
    except ValueError:
        return None
