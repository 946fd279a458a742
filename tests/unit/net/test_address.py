"""The address policy: 200 spellings of forbidden addresses are refused, the addresses of workers are not."""

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, ip_address

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from herder.net.address import AddressPolicy, VettingResolver
from herder.net.errors import AddressRefused

STRICT = AddressPolicy()
LOCAL = AddressPolicy(allow_loopback=True)

FORBIDDEN_V4 = (
    "127.0.0.1",
    "127.0.0.53",
    "127.255.255.254",
    "169.254.169.254",
    "169.254.0.1",
    "0.0.0.0",
    "0.0.0.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
)
FORBIDDEN_V6 = (
    *("::1", "0:0:0:0:0:0:0:1", "::", "fe80::1", "febf::1", "fe80::1%eth0", "ff02::1"),
    *("fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42"),
)


def _octets(address: IPv4Address) -> list[int]:
    return list(address.packed)


SPELLINGS: dict[str, Callable[[IPv4Address], str]] = {
    "dotted": str,
    "trailing dot": lambda a: f"{a}.",
    "decimal": lambda a: str(int(a)),
    "hexadecimal": lambda a: hex(int(a)),
    "upper-case hexadecimal": lambda a: hex(int(a)).upper(),
    "octal": lambda a: f"0{int(a):o}",
    "octal octets": lambda a: ".".join(f"0{octet:o}" for octet in _octets(a)),
    "hexadecimal octets": lambda a: ".".join(hex(octet) for octet in _octets(a)),
    "three parts": lambda a: f"{_octets(a)[0]}.{_octets(a)[1]}.{int(a) & 0xFFFF}",
    "two parts": lambda a: f"{_octets(a)[0]}.{int(a) & 0xFFFFFF}",
    "mapped into IPv6": lambda a: f"::ffff:{a}",
    "mapped, in hexadecimal": lambda a: f"::ffff:{int(a) >> 16:x}:{int(a) & 0xFFFF:x}",
    "mapped, in brackets": lambda a: f"[::ffff:{a}]",
    "compatible with IPv4": lambda a: f"::{a}",
    "6to4": lambda a: f"2002:{int(a) >> 16:x}:{int(a) & 0xFFFF:x}::1",
    "NAT64": lambda a: f"64:ff9b::{a}",
}
REFUSED = [
    (f"{address} {name}", spell(IPv4Address(address))) for address in FORBIDDEN_V4 for name, spell in SPELLINGS.items()
]
REFUSED += [(address, address) for address in FORBIDDEN_V6]

ALLOWED = (
    "10.0.0.7",
    "172.16.3.4",
    "192.168.1.1",
    "100.64.0.9",
    "8.8.8.8",
    "126.255.255.255",
    "128.0.0.1",
    "169.253.255.255",
    "fd00::7",
    "[fd00::7]",
    "2001:db8::7",
    "::ffff:10.0.0.7",
    "worker-7.models.svc.cluster.local",
    "worker-7.models.svc.cluster.local.",
    "7.example",
    "0x7f.example",
    "localhost.example",
    "notlocalhost",
)


def test_the_table_of_refused_spellings_is_as_long_as_it_claims() -> None:
    assert len(REFUSED) >= 200


@pytest.mark.parametrize("host", [host for _, host in REFUSED], ids=[name for name, _ in REFUSED])
def test_a_forbidden_address_is_refused_in_any_spelling(host: str) -> None:
    with pytest.raises(AddressRefused):
        STRICT.check_literal(host)


@pytest.mark.parametrize("host", ALLOWED)
def test_names_and_the_addresses_of_workers_pass(host: str) -> None:
    STRICT.check_literal(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]", "::ffff:127.0.0.1"])
def test_loopback_passes_where_it_is_allowed(host: str) -> None:
    LOCAL.check_literal(host)


@pytest.mark.parametrize("host", ["169.254.169.254", "fe80::1", "0.0.0.0", "::", "::ffff:169.254.169.254"])
def test_allowing_loopback_allows_nothing_else(host: str) -> None:
    with pytest.raises(AddressRefused, match="never connects to"):
        LOCAL.check_literal(host)


@pytest.mark.parametrize("host", ["localhost", "LocalHost", "localhost.", "a.localhost", "a.localhost."])
def test_the_name_of_every_machine_for_itself_is_refused_unasked(host: str) -> None:
    LOCAL.check_literal(host)
    with pytest.raises(AddressRefused, match="a loopback address"):
        STRICT.check_literal(host)


def test_herders_own_address_is_refused_and_says_so() -> None:
    own = frozenset({ip_address("10.1.2.9")})

    AddressPolicy(allow_loopback=True, own=own).check_literal("10.1.2.9", 80)
    with pytest.raises(AddressRefused, match=r"^10\.1\.2\.9 is herder's own address: .*--allow-loopback"):
        AddressPolicy(own=own).check_literal("10.1.2.9", 80)


def test_the_api_server_is_refused_at_its_port_only() -> None:
    policy = AddressPolicy(api_servers=frozenset({(ip_address("10.96.0.1"), 443)}))

    policy.check_literal("10.96.0.1", 8443)
    with pytest.raises(AddressRefused, match=r"^10\.96\.0\.1 is the API server's address at port 443, "):
        policy.check_literal("10.96.0.1", 443)


async def test_a_name_of_the_api_server_is_refused_at_its_port_only() -> None:
    policy = AddressPolicy(api_servers=frozenset({(ip_address("10.96.0.1"), 443)}))
    resolver = VettingResolver(_Scripted(["10.96.0.1"]), policy)

    await resolver.resolve("worker.example", 8443)
    refusal = r"^worker\.example stands for 10\.96\.0\.1, the API server's address at port 443, "
    with pytest.raises(AddressRefused, match=refusal):
        await resolver.resolve("worker.example", 443)


def test_a_refusal_names_the_host_and_the_remedy() -> None:
    with pytest.raises(AddressRefused, match=r"^127\.0\.0\.1 is a loopback address: .*--allow-loopback"):
        STRICT.check_literal("127.0.0.1")


def test_a_disguised_address_is_named_as_what_it_is() -> None:
    with pytest.raises(AddressRefused, match=r"^0x7f\.1 stands for 127\.0\.0\.1, a loopback address"):
        STRICT.check_literal("0x7f.1")


def test_an_unusual_spelling_of_an_allowed_address_is_refused_with_the_usual_one() -> None:
    with pytest.raises(AddressRefused, match=r"write 10\.0\.0\.7"):
        STRICT.check_literal("167772167")


@given(st.ip_addresses(v=4))
def test_no_spelling_of_an_address_is_judged_more_kindly_than_the_address(address: IPv4Address) -> None:
    if _passes(str(address)):
        return

    assert not any(_passes(spell(address)) for spell in SPELLINGS.values())


@given(st.text(max_size=40))
def test_any_text_is_either_refused_or_passes_as_a_name(host: str) -> None:
    _passes(host)


async def test_a_name_is_refused_if_one_of_its_addresses_is_forbidden() -> None:
    resolver = VettingResolver(_Scripted(["10.0.0.7", "127.0.0.1"]), STRICT)

    with pytest.raises(AddressRefused, match=r"^worker\.example stands for 127\.0\.0\.1, a loopback"):
        await resolver.resolve("worker.example", 80)


async def test_a_name_resolves_to_its_addresses_if_all_are_allowed() -> None:
    resolver = VettingResolver(_Scripted(["10.0.0.7", "fd00::7"]), STRICT)

    results = await resolver.resolve("worker.example", 80)

    assert [result["host"] for result in results] == ["10.0.0.7", "fd00::7"]


def _passes(host: str) -> bool:
    try:
        STRICT.check_literal(host)
    except AddressRefused:
        return False
    return True


class _Scripted(AbstractResolver):
    """Resolves every name to these addresses."""

    def __init__(self, addresses: list[str]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET if ip_address(address).version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        pass
