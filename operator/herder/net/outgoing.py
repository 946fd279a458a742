"""What is to be sent, and where to: checked before anything is."""

from yarl import URL

from herder.net.errors import Malformed
from herder.net.text import untrusted


def absolute(url: str) -> URL:
    """Return a URL of any scheme, read. Raises Malformed."""
    try:
        target = URL(url)
        str(target.origin())  # an IPvFuture host is found out no sooner
    except ValueError as error:
        raise Malformed("the URL is not an absolute one") from error
    return target


def http_target(url: str) -> URL:
    """Return a URL that HTTP leads to, read. Raises Malformed."""
    target = absolute(url)
    if target.scheme not in {"http", "https"}:
        raise Malformed("the URL does not start with http:// or https://")
    return target


def origin_of(target: URL) -> str:
    """Return what a message may say of a URL."""
    return untrusted(str(target.origin()))


def checked(headers: dict[str, str]) -> dict[str, str]:
    """Return the headers, all of which can be sent. Raises Malformed, and never says what is in one."""
    for name, value in headers.items():
        if not (name + value).isprintable():
            raise Malformed(
                f"the value for header {untrusted(name)} holds a control character; a line break at its end?"
            )
    return headers
