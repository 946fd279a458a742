"""From a Service and its EndpointSlices to the URLs of the replicas behind it: pure, without I/O.

Every address counts, ready or not: a gateway without workers is not ready, and would never get any. Only one that is
terminating is left out. A Service of two IP families lists each pod twice, once for each: the first family counts.
"""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final

from herder.api.gateway import ServiceRef, ServiceScheme
from herder.api.status import MAX_REPLICAS
from herder.net.urls import HTTP_SCHEMES, InvalidUrl, normalise_url

SERVICE_LABEL: Final = "kubernetes.io/service-name"
"""The label on a slice that names its Service."""

type Json = Mapping[str, Any]


class NoSuchPort(Exception):
    """The Service has no port of the number or name that is asked for; the message lists those that it has."""


def endpoints_of(ref: ServiceRef, service: Json, slices: Iterable[Json]) -> tuple[str, ...]:
    """Return the replicas' URLs, each once, in the order of their addresses, MAX_REPLICAS at most.

    Raises NoSuchPort.
    """
    name = _port_name(ref, service)
    families = (service.get("spec") or {}).get("ipFamilies") or ["IPv4"]
    by_family: dict[str, set[tuple[str, int]]] = {}
    for each in slices:
        by_family.setdefault(str(each.get("addressType")), set()).update(_addresses(each, name))
    found = by_family.get(families[0]) or next((addresses for addresses in by_family.values() if addresses), set())
    urls = (_url(ref.scheme, address, port) for address, port in sorted(found, key=_order))
    return tuple(dict.fromkeys(url for url in urls if url is not None))[:MAX_REPLICAS]


def _port_name(ref: ServiceRef, service: Json) -> str:
    """Return the name under which the slices list the Service's port; a single port need not have one."""
    ports = (service.get("spec") or {}).get("ports") or []
    for port in ports:
        if ref.port in {port.get("port"), port.get("name")}:
            return str(port.get("name") or "")
    has = ", ".join(f"{port.get('port')} ({port['name']})" if port.get("name") else str(port["port"]) for port in ports)
    raise NoSuchPort(
        f"Service {ref.name} has no port {ref.port}: write one of those that it has in spec.service.port: {has}"
    )


def _addresses(of: Json, port_name: str) -> Iterator[tuple[str, int]]:
    """Yield the addresses of a slice, each with the port's number there."""
    ports = [port["port"] for port in of.get("ports") or () if (port.get("name") or "") == port_name]
    for endpoint in of.get("endpoints") or ():
        is_terminating = (endpoint.get("conditions") or {}).get("terminating") is True
        addresses = endpoint.get("addresses") or ()
        if not is_terminating and addresses:  # several addresses of one endpoint are the same replica
            yield from ((addresses[0], port) for port in ports if port is not None)


def _url(scheme: ServiceScheme, address: str, port: int) -> str | None:
    host = f"[{address}]" if ":" in address else address
    try:
        return normalise_url(f"{scheme.lower()}://{host}:{port}", HTTP_SCHEMES)
    except InvalidUrl:  # slices may be written by hand, and hold anything
        return None


def _order(found: tuple[str, int]) -> tuple[int, int, str, int]:
    """Sort addresses as numbers, so that a replica keeps its row, and names behind them."""
    address, port = found
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return 0, 0, address, port
    return parsed.version, int(parsed), address, port
