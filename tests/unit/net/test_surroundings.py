"""What herder knows of its own place: its addresses and the API server's."""

from ipaddress import ip_address
from pathlib import Path

import pytest

from herder.net.surroundings import api_server_sockets, own_addresses

TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.1.2.0/24 2 0 2
        |-- 10.1.2.0
           /24 link UNICAST
        |-- 10.1.2.9
           /32 host LOCAL
        |-- 10.1.2.255
           /32 link BROADCAST
     |-- 127.0.0.1
        /32 host LOCAL
"""
INTERFACES = """\
fd000000000000000000000000000002 04 40 00 82     eth0
00000000000000000000000000000001 01 80 10 80       lo
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "trie").write_text(TRIE)
    (tmp_path / "v6").write_text(INTERFACES)
    return tmp_path / "trie", tmp_path / "v6"


def test_the_addresses_of_this_machine_are_what_the_kernel_says_beside_loopback(files: tuple[Path, Path]) -> None:
    assert own_addresses({}, *files) == {ip_address("10.1.2.9"), ip_address("fd00::2")}


def test_what_the_manifest_says_of_the_pod_counts_too(tmp_path: Path) -> None:
    told = {"POD_IP": "10.1.2.9", "POD_IPS": "10.1.2.9,fd00::9"}

    found = own_addresses(told, tmp_path / "none", tmp_path / "none")

    assert found == {ip_address("10.1.2.9"), ip_address("fd00::9")}


def test_what_is_no_address_is_left_out(tmp_path: Path) -> None:
    assert own_addresses({"POD_IP": "nonsense", "POD_IPS": ""}, tmp_path / "none", tmp_path / "none") == frozenset()


SERVERS = {
    "an address and a port": ("https://10.96.0.1:6443", {}, {("10.96.0.1", 6443)}),
    "without a port": ("https://10.96.0.1", {}, {("10.96.0.1", 443)}),
    "IPv6": ("https://[fd00::1]:6443", {}, {("fd00::1", 6443)}),
    "a name": ("https://localhost:6443", {}, {("127.0.0.1", 6443)}),
    "a name of nobody": ("https://nobody.invalid", {}, set()),
    "what a pod is told": (
        "https://nobody.invalid",
        {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"},
        {("10.96.0.1", 443)},
    ),
}


@pytest.mark.parametrize(("server", "environment", "sockets"), SERVERS.values(), ids=SERVERS.keys())
async def test_where_the_api_server_answers(
    server: str, environment: dict[str, str], sockets: set[tuple[str, int]]
) -> None:
    found = await api_server_sockets(server, environment)

    assert {(ip_address(host), port) for host, port in sockets} <= found
    assert bool(found) is bool(sockets)
