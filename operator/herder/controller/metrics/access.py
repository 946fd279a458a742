"""Who may read /metrics: whom the API server knows by their token, and allows to `get` the path /metrics.

Both is asked of the API server, as controller-runtime does: a TokenReview says whose token it is, a SubjectAccessReview
what they may do. A verdict is kept for a minute, under a digest: no token is.
"""

import asyncio
import hashlib
import ssl
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import structlog

from herder.controller.cluster.errors import KubeError
from herder.controller.cluster.kube import Kube

log = structlog.get_logger(__name__)

PATH: Final = "/metrics"
_REVIEWS: Final = "/apis/authentication.k8s.io/v1/tokenreviews"
_ACCESS: Final = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_KEPT_S: Final = 60.0
_MOST_KEPT: Final = 256
_AT_ONCE: Final = 4
"""How many strangers are asked about at once: a flood of them must not become one for the API server."""
_LONGEST_TOKEN: Final = 16_384


class Gatekeeper:
    """Judges who asks for metrics, by what they send as Authorization."""

    def __init__(self, kube: Kube, clock: Callable[[], float] = time.monotonic) -> None:
        self._kube = kube
        self._clock = clock
        self._verdicts: dict[bytes, tuple[float, HTTPStatus]] = {}
        self._asking = asyncio.Semaphore(_AT_ONCE)

    async def judge(self, authorization: str | None) -> HTTPStatus:
        """Return OK, UNAUTHORIZED, FORBIDDEN, or SERVICE_UNAVAILABLE where the API server can't tell."""
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token or len(token) > _LONGEST_TOKEN:
            return HTTPStatus.UNAUTHORIZED
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known(digest)
        if known is not None:
            return known
        async with self._asking:
            try:
                verdict = self._known(digest) or await self._ask(token)
            except KubeError as error:
                log.warning("metrics.reader.unknown", error=str(error))
                return HTTPStatus.SERVICE_UNAVAILABLE
        self._keep(digest, verdict)
        return verdict

    def _known(self, digest: bytes) -> HTTPStatus | None:
        until_s, verdict = self._verdicts.get(digest, (float("-inf"), HTTPStatus.UNAUTHORIZED))
        return verdict if self._clock() < until_s else None

    def _keep(self, digest: bytes, verdict: HTTPStatus) -> None:
        self._verdicts.pop(digest, None)
        if len(self._verdicts) >= _MOST_KEPT:
            self._verdicts.pop(next(iter(self._verdicts)))
        self._verdicts[digest] = (self._clock() + _KEPT_S, verdict)

    async def _ask(self, token: str) -> HTTPStatus:
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
        status = _status(await self._kube.create(_REVIEWS, body))
        if status.get("authenticated") is not True:
            return HTTPStatus.UNAUTHORIZED
        user = status.get("user") or {}
        who = {
            "user": user.get("username"),
            "uid": user.get("uid"),
            "groups": user.get("groups"),
            "extra": user.get("extra"),
        }
        spec = {**who, "nonResourceAttributes": {"path": PATH, "verb": "get"}}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        is_allowed = _status(await self._kube.create(_ACCESS, review)).get("allowed") is True
        return HTTPStatus.OK if is_allowed else HTTPStatus.FORBIDDEN


def _status(review: dict[str, Any]) -> dict[str, Any]:
    status = review.get("status")
    return status if isinstance(status, dict) else {}


def certificate(folder: Path) -> ssl.SSLContext:
    """Return what metrics are served with: `tls.crt` and `tls.key` of a folder.

    Those that are replaced count from the connection after the next. Raises OSError, ssl.SSLError among them.
    """
    cert_file, key_file = folder / "tls.crt", folder / "tls.key"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert_file, key_file)
    loaded_at = cert_file.stat().st_mtime_ns

    def reload(_connection: object, _name: str | None, _context: ssl.SSLContext) -> None:
        nonlocal loaded_at
        try:
            changed_at = cert_file.stat().st_mtime_ns
            if changed_at != loaded_at:
                context.load_cert_chain(cert_file, key_file)
                loaded_at = changed_at
        except OSError as error:  # half replaced: what was loaded goes on
            log.warning("metrics.certificate.unread", error=str(error))

    context.sni_callback = reload
    return context
