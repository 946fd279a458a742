"""What can go wrong in a call on the Kubernetes API, by what can be done about it.

KubeError
├── NotFound          404
├── Conflicted        409: somebody else wrote meanwhile, or the object is another one than was meant
├── Rejected          any other 4xx: what was sent is wrong
│   └── Forbidden     403: herder may not do this, for as long as somebody leaves it so
└── Unreached         no answer, 401, 429 or 5xx: try again, after `retry_after_s` where the server says so
"""

import json
from http import HTTPStatus
from typing import Any, Final

import aiohttp

from herder.net.text import untrusted

_LONGEST_RETRY_AFTER_S: Final = 60.0
"""What a server asks for beyond that is not obeyed: one wrong header must not silence herder."""


class KubeError(Exception):
    """A call on the Kubernetes API that did not bring what was asked for."""


class NotFound(KubeError):
    """There is no such object."""


class Conflicted(KubeError):
    """The object changed since it was read, or another one has taken its name."""


class Rejected(KubeError):
    """The API server does not take what was sent."""


class Forbidden(Rejected):
    """Herder's rights do not allow it."""


class Unreached(KubeError):
    """The API server gave no answer, or asked to come back later."""

    def __init__(self, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


def answer_of(response: aiohttp.ClientResponse, body: bytes) -> dict[str, Any]:
    """Return the object that was answered. Raises the KubeError that any other answer stands for."""
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if response.status < HTTPStatus.MULTIPLE_CHOICES and isinstance(answer, dict):
        return answer
    said = answer.get("message") if isinstance(answer, dict) else None
    text = untrusted(f"{response.method} {response.url.path}: {response.status} {said or response.reason}")
    raise _error(response, text)


def _error(response: aiohttp.ClientResponse, text: str) -> KubeError:
    match response.status:
        case HTTPStatus.NOT_FOUND:
            return NotFound(text)
        case HTTPStatus.CONFLICT:
            return Conflicted(text)
        case HTTPStatus.FORBIDDEN:
            return Forbidden(text)
        case HTTPStatus.UNAUTHORIZED:  # there will be another token in its file
            return Unreached(text)
        case HTTPStatus.TOO_MANY_REQUESTS:
            return Unreached(text, _seconds(response.headers.get("Retry-After", "")))
        case status if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Rejected(text)
    return Unreached(text, _seconds(response.headers.get("Retry-After", "")))


def _seconds(text: str) -> float:
    return min(_LONGEST_RETRY_AFTER_S, float(text)) if text.isdecimal() else 0.0
