"""URLs by which a resource may try to send herder, or a gateway, where it must not go; each is refused."""

from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address

OWN = ip_address("10.1.2.9")
API_SERVER = ip_address("10.96.0.1")
API_PORT = 443

TARGETS_V4 = {
    "loopback": "127.0.0.1",
    "another loopback": "127.8.8.8",
    "metadata": "169.254.169.254",
    "container credentials": "169.254.170.2",
    "this host": "0.0.0.0",
    "Alibaba's metadata": "100.100.100.200",
    "Azure's wire server": "168.63.129.16",
    "Oracle's metadata": "192.0.0.192",
    "herder's own pod": str(OWN),
}


def _hex_halves(address: IPv4Address) -> str:
    return f"{int(address) >> 16:x}:{int(address) & 0xFFFF:x}"


def _wide(text: str, digits: str, dot: str) -> str:
    return text.translate(str.maketrans("0123456789.", digits + dot))


SPELLINGS: dict[str, Callable[[IPv4Address], str]] = {
    "dotted": str,
    "trailing dot": lambda a: f"{a}.",
    "decimal": lambda a: str(int(a)),
    "hexadecimal": lambda a: hex(int(a)),
    "octal": lambda a: f"0{int(a):o}",
    "padded octal octets": lambda a: ".".join(f"0{octet:03o}" for octet in a.packed),
    "hexadecimal octets": lambda a: ".".join(hex(octet) for octet in a.packed),
    "mixed": lambda a: f"{hex(a.packed[0])}.{a.packed[1]}.0{a.packed[2]:o}.{a.packed[3]}",
    "three parts": lambda a: f"{a.packed[0]}.{a.packed[1]}.{int(a) & 0xFFFF}",
    "two parts": lambda a: f"{a.packed[0]}.{int(a) & 0xFFFFFF}",
    "percent-encoded dots": lambda a: str(a).replace(".", "%2e"),
    "fullwidth": lambda a: _wide(str(a), "０１２３４５６７８９", "．"),  # noqa: RUF001  (on purpose)
    "ideographic dots": lambda a: _wide(str(a), "0123456789", "。"),
    "circled": lambda a: _wide(str(a), "⓪①②③④⑤⑥⑦⑧⑨", "."),
    "mapped into IPv6": lambda a: f"[::ffff:{a}]",
    "mapped, in hexadecimal": lambda a: f"[::ffff:{_hex_halves(a)}]",
    "mapped, written out": lambda a: f"[0:0:0:0:0:ffff:{_hex_halves(a)}]",
    "compatible with IPv4": lambda a: f"[::{a}]",
    "6to4": lambda a: f"[2002:{_hex_halves(a)}::1]",
    "NAT64": lambda a: f"[64:ff9b::{a}]",
    "NAT64 of one's own": lambda a: f"[64:ff9b:1::{a}]",
    "translated": lambda a: f"[::ffff:0:{_hex_halves(a)}]",
    "ISATAP": lambda a: f"[2001:db8::5efe:{a}]",
    "ISATAP, global": lambda a: f"[2001:db8::200:5efe:{a}]",
    "Teredo": lambda a: f"[{IPv6Address((0x20010000 << 96) | (0xFFFFFFFF ^ int(a)))}]",
    "Teredo server": lambda a: f"[{IPv6Address((0x20010000 << 96) | (int(a) << 64))}]",
}

OTHERS = {
    "IPv6 loopback": "http://[::1]/",
    "IPv6 loopback written out": "http://[0000:0000:0000:0000:0000:0000:0000:0001]/",
    "IPv6 of no host": "http://[::]/",
    "IPv6 link-local": "http://[fe80::1]/",
    "IPv6 with a zone": "http://[fe80::1%25eth0]/",
    "IPv6 loopback with a zone": "http://[::1%25lo]/",
    "IPv6 multicast": "http://[ff02::1]/",
    "AWS's metadata over IPv6": "http://[fd00:ec2::254]/",
    "AWS's credentials of pods over IPv6": "http://[fd00:ec2::23]/",
    "Google's metadata over IPv6": "http://[fd20:ce::254]/",
    "Scaleway's metadata over IPv6": "http://[fd00:42::42]/",
    "broadcast": "http://255.255.255.255/",
    "multicast": "http://224.0.0.1/",
    "reserved": "http://240.0.0.1/",
    "the API server": f"https://{API_SERVER}/",
    "the API server with its port": f"https://{API_SERVER}:{API_PORT}/api",
    "the API server mapped": f"https://[::ffff:{API_SERVER}]/",
    "the API server over gRPC": f"grpcs://{API_SERVER}",
    "a name for loopback": "http://localhost/",
    "a name for loopback with a dot": "http://localhost./",
    "a name for loopback in capitals": "http://LOCALHOST/",
    "a user before it": "http://user@169.254.169.254/",
    "a password before it": "http://user:password@127.0.0.1/",
    "a host as the user": "http://models.example@127.0.0.1/",
    "a host as the password": "http://a:b@c@127.0.0.1/",
    "a fragment before the user": "http://models.example#@127.0.0.1/",
    "a backslash": "http://models.example\\@127.0.0.1/",
    "a query for a path": "http://127.0.0.1?http://models.example/",
    "a fragment": "http://models.example/#x",
    "a query": "http://models.example/?x=1",
    "a port of none": "http://models.example:0/",
    "a port too high": "http://models.example:65536/",
    "a port of words": "http://models.example:ssh/",
    "two ports": "http://models.example:80:22/",
    "a negative port": "http://models.example:-1/",
    "no host": "http:///workers",
    "only a port": "http://:8000/",
    "a scheme of a file": "file:///etc/passwd",
    "a scheme of gopher": "gopher://127.0.0.1:6379/_SET",
    "a scheme of ftp": "ftp://models.example/",
    "a scheme of a socket": "unix:///var/run/docker.sock",
    "a scheme of ipc": "ipc:///tmp/worker.sock",
    "a scheme of data": "data:text/plain,x",
    "a scheme of dict": "dict://127.0.0.1:11211/stat",
    "a scheme twice": "http://http://127.0.0.1/",
    "no scheme": "//127.0.0.1/",
    "only a host": "127.0.0.1",
    "a blank before it": " http://127.0.0.1/",
    "a blank within": "http://models.example /",
    "a line break": "http://models.example/\r\nHost: 127.0.0.1",
    "a tabulator": "http://127.0.0.1\t/",
    "a zero byte": "http://models.example\0.evil/",
    "an unclosed bracket": "http://[::1/",
    "an empty bracket": "http://[]/",
    "IPv4 in brackets": "http://[127.0.0.1]/",
    "IPvFuture": "http://[v1.fe80::a+en1]/",
    "punycode of digits": "http://①②⑦.⓪.⓪.①/",
    "a soft hyphen": "http://127.0.0­.1/",
    "a zero-width space": "http://127.0.0.1\u200b/",
}


def cases() -> Iterator[tuple[str, str]]:
    """Yield a name and a URL each."""
    for target, address in TARGETS_V4.items():
        for name, spell in SPELLINGS.items():
            yield f"{target}, {name}", f"http://{spell(IPv4Address(address))}/"
    yield from OTHERS.items()
