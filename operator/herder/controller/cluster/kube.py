"""The Kubernetes API as herder uses it: raw JSON, and a deadline on every call.

kubernetes_asyncio finds and renews the credentials; the calls are our own, because its client sets no deadline, honours
proxy variables, and turns every answer into model objects that nobody here needs. What can go wrong is in `errors`.
"""

import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import aiohttp
import structlog
from kubernetes_asyncio import config
from kubernetes_asyncio.client import Configuration
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_delay,
    wait_exponential,
    wait_random,
)

from herder.controller.cluster.errors import Forbidden, Unreached, answer_of
from herder.controller.cluster.login import server_of, tls_of
from herder.net.errors import NotPermitted
from herder.net.permit import Permit, always, permitted_by

log = structlog.get_logger(__name__)

_DEADLINE: Final = aiohttp.ClientTimeout(total=10.0, connect=3.0)
_LIST_DEADLINE: Final = aiohttp.ClientTimeout(total=60.0, connect=3.0)
_WATCH_S: Final = 60
"""How long the server is asked to keep a watch open. One that says nothing for longer is a dead connection."""
_WATCH_DEADLINE: Final = aiohttp.ClientTimeout(total=None, sock_connect=3.0, sock_read=_WATCH_S + 10.0)
_MAX_CONNECTIONS: Final = 32
_RENEWAL_S: Final = 1.0
"""How often at most credentials are read anew where they are refused."""
_PATIENCE_S: Final = 60.0
"""How long an API server that is only starting is waited for."""
_TOLD_AFTER: Final = 5
"""Attempts, which take a second and a half together."""
_MERGE_PATCH: Final = "application/merge-patch+json"
_APPLY_PATCH: Final = "application/apply-patch+yaml"
_FIELD_MANAGER: Final = "herder"
METADATA_ONLY: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

type Learn = Callable[[Iterable[str]], None]
"""Is told what must never be shown."""


def not_learnt(_values: Iterable[str]) -> None:
    """Forget them: for tests, which log nothing."""


type Heard = Callable[[str, str, int | None, float], None]
"""Is told of each call: its method (WATCH for a watch), path and status, None where no answer came, and its seconds."""


def _unheard(_method: str, _path: str, _status: int | None, _took_s: float) -> None:
    return


class Kube:
    """The API server that `configuration` names, over one pool of connections. An async context manager.

    `learn` is told each token before it is sent, `heard` what came of each call. `renew` brings the configuration to
    what its files say: it is called where a token is refused, and where the server's certificate is. `permit` is asked
    before each call that changes something; where it says no, the call is Unreached.
    """

    def __init__(
        self,
        configuration: Configuration,
        learn: Learn = not_learnt,
        heard: Heard = _unheard,
        renew: Callable[[], Awaitable[None]] | None = None,
        permit: Permit = always,
    ) -> None:
        self.configuration = configuration
        self._learn = learn
        self._heard = heard
        self._renew = renew
        self._renewed_at_s = float("-inf")
        self._requests = permitted_by(permit)
        self._session: aiohttp.ClientSession | None = None
        self._watching: aiohttp.ClientSession | None = None
        """Apart from the calls, so that however many watches are open leave those their connections."""

    async def __aenter__(self) -> Self:
        tls = self._tls = tls_of(self.configuration)
        self._session = self._opened(aiohttp.TCPConnector(limit=_MAX_CONNECTIONS, ssl=tls))
        self._watching = self._opened(aiohttp.TCPConnector(limit=0, force_close=True, ssl=tls))
        return self

    def _opened(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        base = server_of(self.configuration) + "/"
        return aiohttp.ClientSession(
            base, connector=connector, trust_env=False, read_bufsize=1 << 20, request_class=self._requests
        )

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in (self._session, self._watching):
            if session is not None:
                await session.close()

    async def get(self, path: str) -> dict[str, Any]:
        """Read one object, as new as there is."""
        return await self._call("GET", path, timeout=_DEADLINE)

    async def list_items(self, path: str, *, selector: str = "", metadata_only: bool = False) -> list[dict[str, Any]]:
        """Read a whole collection, or what of it has the labels that `selector` names, as new as there is."""
        headers = {"Accept": METADATA_ONLY} if metadata_only else {}
        query = f"?labelSelector={quote(selector)}" if selector else ""
        answer = await self._call("GET", path + query, timeout=_LIST_DEADLINE, headers=headers)
        items = answer.get("items")
        return items if isinstance(items, list) else []

    async def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create an object in the collection `path`."""
        return await self._call("POST", path, timeout=_DEADLINE, body=body)

    async def merge_patch(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Apply a JSON merge patch and return the object; Conflicted if the resourceVersion in it is an old one."""
        headers = {"Content-Type": _MERGE_PATCH}
        return await self._call("PATCH", path, timeout=_DEADLINE, body=body, headers=headers)

    async def server_apply(self, path: str, body: Mapping[str, Any], *, force: bool) -> dict[str, Any]:
        """Apply what herder says of an object (server-side apply), and return the object; it is created if need be.

        Fields that somebody else has set otherwise are taken over if `force`, else Conflicted is raised, as it is where
        the body names a resourceVersion that is an old one.
        """
        query = f"?fieldManager={_FIELD_MANAGER}" + ("&force=true" if force else "")
        headers = {"Content-Type": _APPLY_PATCH}
        return await self._call("PATCH", path + query, timeout=_DEADLINE, body=body, headers=headers)

    async def changes(self, path: str, *, selector: str = "", fields: str = "") -> AsyncGenerator[None]:
        """Say whenever something of a collection may have changed, for about a minute.

        Of what has the labels that `selector` names, and the `fields`, such as metadata.name=NAME.

        It is said at the beginning, too, if there is anything: what changed between two watches is so not missed. What
        it is, is to be read. Raises KubeError, Unreached also where nothing is heard for longer than a minute.
        """
        named = {"labelSelector": selector, "fieldSelector": fields}
        query = {"watch": "1", **{name: text for name, text in named.items() if text}, "timeoutSeconds": str(_WATCH_S)}
        if self._watching is None:
            raise RuntimeError("enter the Kube before you use it")
        try:
            async with self._watching.get(
                path.lstrip("/"),
                params=query,
                headers=await self._authorization(),
                timeout=_WATCH_DEADLINE,
                allow_redirects=False,
            ) as response:
                self._heard("WATCH", path, response.status, 0.0)
                if response.status == HTTPStatus.UNAUTHORIZED:
                    await self._is_renewed(response)  # for the next watch
                if response.status != HTTPStatus.OK:
                    answer_of(response, await response.read())
                async for _ in response.content.iter_any():
                    yield
        except (aiohttp.ClientError, TimeoutError, OSError, config.ConfigException) as error:
            self._heard("WATCH", path, None, 0.0)
            raise Unreached(f"WATCH {path}: {type(error).__name__}") from error

    async def _call(
        self,
        method: str,
        path: str,
        *,
        timeout: aiohttp.ClientTimeout,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        began_s = time.monotonic()
        sent = {"Content-Type": "application/json", **(headers or {})}
        try:
            try:
                response, answer = await self._exchange(method, path, data, sent, timeout)
            except aiohttp.ClientConnectorCertificateError:
                await self._read_authorities()
                response, answer = await self._exchange(method, path, data, sent, timeout)
            if response.status == HTTPStatus.UNAUTHORIZED and await self._is_renewed(response):
                response, answer = await self._exchange(method, path, data, sent, timeout)
        except NotPermitted as error:
            raise Unreached(f"{method} {path}: {error}") from error
        except (aiohttp.ClientError, TimeoutError, OSError, config.ConfigException) as error:
            self._heard(method, path, None, time.monotonic() - began_s)
            raise Unreached(f"{method} {path}: {type(error).__name__}") from error
        self._heard(method, path, response.status, time.monotonic() - began_s)
        return answer_of(response, answer)

    async def _exchange(
        self, method: str, path: str, data: bytes | None, headers: Mapping[str, str], timeout: aiohttp.ClientTimeout
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        if self._session is None:
            raise RuntimeError("enter the Kube before you use it")
        async with self._session.request(
            method,
            path.lstrip("/"),
            data=data,
            headers={**headers, **await self._authorization()},
            timeout=timeout,
            allow_redirects=False,
        ) as response:
            return response, await response.read()

    async def _is_renewed(self, refused: aiohttp.ClientResponse) -> bool:
        """Whether there is another token by now than the one that was refused; the files are read for it if need be."""
        sent, now_s = refused.request_info.headers.get("Authorization"), time.monotonic()
        if self._renew is not None and now_s - self._renewed_at_s >= _RENEWAL_S:
            self._renewed_at_s = now_s
            await self._renew()
        return (await self._authorization()).get("Authorization") != sent

    async def _read_authorities(self) -> None:
        """Trust those whom the file names now, too: the API server's authority may have been replaced."""
        if self._renew is not None:
            await self._renew()
        if self.configuration.ssl_ca_cert:
            self._tls.load_verify_locations(cafile=self.configuration.ssl_ca_cert)

    async def _authorization(self) -> dict[str, str]:
        token = await self.configuration.get_api_key_with_prefix("BearerToken")
        if not token:
            return {}
        self._learn((token,))
        return {"Authorization": token}


async def patiently[T](call: Callable[[], Awaitable[T]]) -> T:
    """Call until the API server answers: it may be starting, or storing a kind for the first time (429).

    Where that takes more than a moment a person who waits, too, is told.
    """
    retrying = AsyncRetrying(
        retry=retry_if_exception_type(Unreached),
        wait=wait_exponential(multiplier=0.1, max=2.0) + wait_random(0, 0.1),
        stop=stop_after_delay(_PATIENCE_S),
        before_sleep=_tell,
        reraise=True,
    )
    return await retrying(call)


def _tell(state: RetryCallState) -> None:
    if state.attempt_number == _TOLD_AFTER and state.outcome is not None:
        log.warning("kube.awaited", error=str(state.outcome.exception()), timeout_s=_PATIENCE_S)


async def installation_of(kube: Kube) -> str:
    """Return the identity of the cluster: the uid of its kube-system namespace. Raises KubeError."""
    try:
        namespace = await kube.get("/api/v1/namespaces/kube-system")
    except Forbidden as error:
        raise Forbidden(f"{error}; allow it, or give --installation") from error
    return str(namespace["metadata"]["uid"])
