"""What a Service and its EndpointSlices say of the replicas behind it."""

from typing import Any

import pytest

from herder.api.base import parse
from herder.api.gateway import ServiceRef
from herder.controller.fleet.slices import NoSuchPort, endpoints_of

PORTS = [{"name": "api", "port": 80}, {"name": "metrics", "port": 9090}]


def service(*ports: dict[str, Any], families: tuple[str, ...] = ("IPv4",)) -> dict[str, Any]:
    return {"spec": {"ports": list(ports or PORTS), "ipFamilies": list(families)}}


def slice_of(*addresses: str, port: int | None = 30000, name: str | None = "api", kind: str = "IPv4") -> dict[str, Any]:
    return {
        "addressType": kind,
        "ports": [{"name": name, "port": port}, {"name": "metrics", "port": 9}],
        "endpoints": [{"addresses": [address]} for address in addresses],
    }


def endpoint(address: str, **conditions: bool) -> dict[str, Any]:
    return {"addresses": [address], "conditions": conditions}


def urls(port: int | str, of: dict[str, Any], *slices: dict[str, Any], scheme: str = "HTTP") -> tuple[str, ...]:
    ref = parse(ServiceRef, {"name": "gw", "port": port, "scheme": scheme})
    return endpoints_of(ref, of, slices)


FOUND: dict[str, tuple[tuple[str, ...], list[str]]] = {
    "by number": (urls(80, service(), slice_of("10.0.0.1")), ["http://10.0.0.1:30000"]),
    "by name": (urls("api", service(), slice_of("10.0.0.1")), ["http://10.0.0.1:30000"]),
    "another port": (urls("metrics", service(), slice_of("10.0.0.1")), ["http://10.0.0.1:9"]),
    "https": (urls(80, service(), slice_of("10.0.0.1"), scheme="HTTPS"), ["https://10.0.0.1:30000"]),
    "an only port without a name": (
        urls(80, service({"port": 80}), slice_of("10.0.0.1", name=None)),
        ["http://10.0.0.1:30000"],
    ),
    "an only port whose name is empty": (
        urls(80, service({"port": 80}), slice_of("10.0.0.1", name="")),
        ["http://10.0.0.1:30000"],
    ),
    "ipv6": (
        urls(80, service(families=("IPv6",)), slice_of("fd00::7", kind="IPv6")),
        ["http://[fd00::7]:30000"],
    ),
    "of two families the first": (
        urls(80, service(families=("IPv6", "IPv4")), slice_of("10.0.0.1"), slice_of("fd00::7", kind="IPv6")),
        ["http://[fd00::7]:30000"],
    ),
    "of the other family where there is no other": (
        urls(80, service(), slice_of(), slice_of("fd00::7", kind="IPv6")),
        ["http://[fd00::7]:30000"],
    ),
    "several slices, one address twice, in order": (
        urls(80, service(), slice_of("10.0.0.10", "10.0.0.9"), slice_of("10.0.0.9", "10.0.0.1")),
        ["http://10.0.0.1:30000", "http://10.0.0.9:30000", "http://10.0.0.10:30000"],
    ),
    "a port of its own in each slice": (
        urls(80, service(), slice_of("10.0.0.1"), slice_of("10.0.0.1", port=30001)),
        ["http://10.0.0.1:30000", "http://10.0.0.1:30001"],
    ),
    "no slice": (urls(80, service()), []),
    "a slice of nothing": (urls(80, service(), {"addressType": "IPv4", "endpoints": None, "ports": None}), []),
    "a slice without this port": (urls(80, service(), slice_of("10.0.0.1", name="other")), []),
    "an open port": (urls(80, service(), slice_of("10.0.0.1", port=None)), []),
    "an address that is none": (urls(80, service(), slice_of("a b", "10.0.0.1")), ["http://10.0.0.1:30000"]),
    "a name": (urls(80, service(), slice_of("gw-0.example", kind="FQDN")), ["http://gw-0.example:30000"]),
}


@pytest.mark.parametrize(("found", "expected"), FOUND.values(), ids=FOUND)
def test_where_the_replicas_are(found: tuple[str, ...], expected: list[str]) -> None:
    assert list(found) == expected


def test_an_unready_replica_counts_and_a_terminating_one_does_not() -> None:
    each = slice_of() | {
        "endpoints": [
            endpoint("10.0.0.1", ready=False, serving=False, terminating=False),
            endpoint("10.0.0.2", ready=False, serving=True, terminating=True),
            {"addresses": ["10.0.0.3", "10.0.0.4"]},
        ]
    }

    assert urls(80, service(), each) == ("http://10.0.0.1:30000", "http://10.0.0.3:30000")


def test_of_very_many_replicas_the_first_are_driven() -> None:
    found = urls(80, service(), slice_of(*(f"10.0.{n // 200}.{n % 200}" for n in range(300))))

    assert (len(found), found[-1]) == (256, "http://10.0.1.55:30000")


@pytest.mark.parametrize("port", [8080, "http"])
def test_a_port_that_the_service_has_not_is_said_with_those_that_it_has(port: int | str) -> None:
    with pytest.raises(NoSuchPort, match=rf"no port {port}: .*: 80 \(api\), 9090 \(metrics\)$"):
        urls(port, service())
