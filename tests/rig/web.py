"""Short HTTP calls to what the rig started: plain, with a deadline, and never through a proxy of the environment."""

import ssl
import urllib.error
import urllib.request

_TIMEOUT_S = 60.0
"""For a machine that is busy: who waits for no answer says how long."""


def fetch(
    url: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    token: str | None = None,
    tls: ssl.SSLContext | None = None,
    timeout_s: float = _TIMEOUT_S,
    content_type: str = "application/json",
) -> bytes:
    """The body of a 2xx answer.

    Raises urllib.error.HTTPError for other answers, another OSError where there is none.
    """
    request = urllib.request.Request(url, data=body, method=method, headers={"Content-Type": content_type})
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls))
    with opener.open(request, timeout=timeout_s) as answer:
        content: bytes = answer.read()
    return content


def is_ok(url: str, *, tls: ssl.SSLContext | None = None, timeout_s: float = _TIMEOUT_S) -> bool:
    """Whether a GET is answered with 2xx in time."""
    try:
        fetch(url, tls=tls, timeout_s=timeout_s)
    except urllib.error.HTTPError as error:
        error.close()
        return False
    except OSError:
        return False
    return True
