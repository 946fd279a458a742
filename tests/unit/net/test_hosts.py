"""Lists of hosts: what an entry allows, and that nothing else is."""

import pytest

from herder.net.hosts import Hosts, host_of

LIST = Hosts.of("gw.example, *.models.example,10.0.0.0/8\n192.0.2.1 fd00::/16 API.Example. 10.0.0.1/8")

ALLOWED = (
    "gw.example",
    "GW.EXAMPLE",
    "gw.example.",
    "api.example",
    "a.models.example",
    "a.b.models.example",
    "10.255.0.1",
    "192.0.2.1",
    "fd00::7",
    "fd00:0:0::7",
)
REFUSED = (
    "",
    "example",
    "models.example",
    "evilmodels.example",
    "gw.example.evil",
    "xgw.example",
    "a.gw.example",
    "11.0.0.1",
    "192.0.2.10",
    "10.0.0.1.evil.example",
    "fe80::7",
    "*.models.example.evil",
)


@pytest.mark.parametrize("host", ALLOWED)
def test_what_is_listed_is_allowed(host: str) -> None:
    assert LIST.allows(host)


@pytest.mark.parametrize("host", REFUSED)
def test_nothing_else_is(host: str) -> None:
    assert not LIST.allows(host)


@pytest.mark.parametrize("text", ["", " , ", "a*.example", "*.*", "**", "10.0.0.1/8", "http://gw.example", "*example"])
def test_what_can_not_be_read_allows_nothing(text: str) -> None:
    listed = Hosts.of(text)

    assert not any(listed.allows(host) for host in (*ALLOWED, *REFUSED))


def test_a_star_allows_any() -> None:
    assert all(Hosts.of("*").allows(host) for host in (*ALLOWED, *REFUSED))


URLS = {
    "http://Gw.Example:8000/x": "gw.example",
    "grpc://10.0.0.7:9000": "10.0.0.7",
    "https://[fd00::7]:8000": "fd00::7",
    "https://gw.example.": "gw.example.",
}


@pytest.mark.parametrize(("url", "host"), URLS.items())
def test_the_host_of_a_url(url: str, host: str) -> None:
    assert host_of(url) == host
