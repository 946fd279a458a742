"""What a URL must look like before herder calls it, and the one spelling under which it is known.

The rules are data in a dialect that Python's `re` and RE2 read alike, because they are enforced twice: here, and by the
API server, to which `herder.api` hands them as CEL. Every message says what to write instead and never repeats the URL,
which may hold a password.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from ipaddress import AddressValueError, IPv6Address
from typing import Final

HTTP_SCHEMES: Final = ("http", "https")
WORKER_SCHEMES: Final = (*HTTP_SCHEMES, "grpc", "grpcs")

GRPC_PORTS: Final = {"grpc": 80, "grpcs": 443}
"""What a gRPC URL without a port stands for."""

_URLS_KEPT: Final = 65_536
"""Of how many URLs the one spelling is kept: each is asked for whenever its worker, or a list that has it, is read."""

_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
_PORT: Final = r"([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])"
_HOST: Final = r"(\[[\dA-Fa-f:.]+\]|\w[\w.-]*)"
"""Both are asked of ASCII alone, for what is beyond that is no character of a URL. The API server counts what a pattern
costs by its length."""


class InvalidUrl(ValueError):
    """A URL that herder will not call; the text says what to write instead and names neither field nor URL."""


@dataclass(frozen=True, slots=True)
class UrlRule:
    """A pattern that a URL must (`allowed`) or must not contain, and what to write when it breaks the rule.

    Of a URL that breaks one of those that it `supposes` nothing is said by this one: it would be a second complaint.
    """

    pattern: str
    allowed: bool
    remedy: str
    supposes: tuple["UrlRule", ...] = ()

    def holds(self, url: str) -> bool:
        """Whether `url` keeps this rule."""
        return (re.search(self.pattern, url) is not None) is self.allowed


@cache
def url_rules(schemes: tuple[str, ...] = WORKER_SCHEMES) -> tuple[UrlRule, ...]:
    """The rules that a URL of one of `schemes` keeps, the most telling first."""
    prefixes = ", ".join(f"{scheme}://" for scheme in schemes[:-1]) + f" or {schemes[-1]}://"
    example = f"{schemes[0]}://10.0.0.7:8000"
    scheme = UrlRule(rf"^(?i:{'|'.join(schemes)})://", True, f"start it with {prefixes}, such as {example}")
    characters = UrlRule(
        r"[^!#-;=?-Z\[\]_a-z~]",
        False,
        "keep to the characters that URLs allow; percent-encode the others",
        (scheme,),
    )
    return (
        scheme,
        characters,
        UrlRule(r"^[^/]*//[^/?#]*@", False, "leave out user and password; credentials belong in a Secret"),
        UrlRule(r"[?#]", False, "leave out query and fragment, that is everything from the ? or # on"),
        UrlRule(
            rf"^[^/]*//([^/?#]*@)?{_HOST}(:{_PORT})?([/?#]|$)",
            True,
            f"name a host (an IPv6 address in brackets) and, where needed, a port from 1 to 65535, such as {example}",
            (scheme, characters),
        ),
    )


@lru_cache(_URLS_KEPT)
def normalise_url(url: str, schemes: tuple[str, ...] = WORKER_SCHEMES) -> str:
    """The one spelling of `url`: scheme and host in lower case, no default port, no trailing slash, the rest verbatim.

    A gateway keeps `http://h` and `http://h/` as two workers (measured on smg 1.13.0), so this spelling is the key of a
    worker. Idempotent. Raises InvalidUrl for what breaks a rule of `url_rules(schemes)` or holds an impossible IPv6
    address.
    """
    for rule in url_rules(schemes):
        if not rule.holds(url):
            raise InvalidUrl(rule.remedy)
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    scheme, authority = scheme.lower(), authority.lower()
    if authority.startswith("["):
        _check_ipv6(authority[1 : authority.index("]")])
    authority = authority.removesuffix(f":{_DEFAULT_PORTS.get(scheme, '')}")
    return f"{scheme}://{authority}{slash}{path}".rstrip("/")


def _check_ipv6(address: str) -> None:
    try:
        IPv6Address(address)
    except AddressValueError as error:
        raise InvalidUrl("write a complete IPv6 address in the brackets, such as [fd00::7]") from error
