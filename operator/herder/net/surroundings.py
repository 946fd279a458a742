"""Where herder itself stands in the network: what a resource must not send it back to."""

import asyncio
import os
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final

from yarl import URL

type Address = IPv4Address | IPv6Address
type Socket = tuple[Address, int]
"""An address and a port."""

_ROUTES: Final = Path("/proc/net/fib_trie")
_INTERFACES_V6: Final = Path("/proc/net/if_inet6")
_LOOKUP_DEADLINE_S: Final = 5.0
_HTTPS_PORT: Final = 443


def own_addresses(
    environment: Mapping[str, str] = os.environ, routes: Path = _ROUTES, interfaces_v6: Path = _INTERFACES_V6
) -> frozenset[Address]:
    """Return the addresses of this machine, or of this pod, beside loopback: what the kernel and the kubelet say.

    The latter in `POD_IP` and `POD_IPS`, where the manifest sets them.
    """
    told = ",".join(environment.get(name, "") for name in ("POD_IP", "POD_IPS")).split(",")
    found = {*_addresses(told), *_addresses(_local_v4(_text(routes))), *_addresses(_local_v6(_text(interfaces_v6)))}
    return frozenset(address for address in found if not address.is_loopback)


async def api_server_sockets(server: str, environment: Mapping[str, str] = os.environ) -> frozenset[Socket]:
    """Return where the API server at the URL `server` answers, and where a pod is told that it does.

    A name that does not resolve stands for nothing.
    """
    target = URL(server)
    places = {(target.raw_host or "", target.port or _HTTPS_PORT)}
    if host := environment.get("KUBERNETES_SERVICE_HOST"):
        places.add((host.strip("[]"), int(environment.get("KUBERNETES_SERVICE_PORT") or _HTTPS_PORT)))
    found = set[Socket]()
    loop = asyncio.get_running_loop()
    for host, port in places:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_LOOKUP_DEADLINE_S):
                infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found |= {(address, port) for address in _addresses(str(info[4][0]) for info in infos)}
    return frozenset(found)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # another system than Linux
        return ""


def _local_v4(trie: str) -> Iterable[str]:
    """Yield the addresses that the routing table calls this host's: `|-- 10.0.0.5`, then `/32 host LOCAL`."""
    last = ""
    for line in trie.splitlines():
        words = line.split()
        if words[:1] == ["|--"]:
            last = words[-1]
        elif words == ["/32", "host", "LOCAL"]:
            yield last


def _local_v6(interfaces: str) -> Iterable[str]:
    """Yield the first column, 32 hexadecimal digits, as addresses are written."""
    for line in interfaces.splitlines():
        digits = line.split()[0]
        yield ":".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def _addresses(texts: Iterable[str]) -> Iterable[Address]:
    for text in texts:
        with suppress(ValueError):
            yield ip_address(text.strip())
