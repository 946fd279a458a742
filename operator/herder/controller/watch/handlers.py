"""Watching: kopf's event handlers as level-triggered input. A handler translates an event; it does not think.

kopf's watchers give up for ever once its list of pauses between retries is used up (after 54 s by default), and on some
errors inside a stream; the process and its health check then live on, deaf (both measured with kopf 1.44 and 1.45). So
the pauses here have no end, and the health check asks whether the watchers live.
"""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Collection, Iterator
from datetime import timedelta
from typing import Any, Final

import kopf
import structlog
from kubernetes_asyncio.client import Configuration

from herder.api.meta import GROUP, VERSION
from herder.controller.clock import SYSTEM_CLOCK, Clock
from herder.controller.cluster.login import server_of
from herder.controller.known.objects import KINDS, Body

log = structlog.get_logger(__name__)

_PAUSES_S: Final = (0.5, 1.0, 2.0, 4.0)
_LONGEST_PAUSE_S: Final = 8.0
_TOKEN_LIFE: Final = timedelta(minutes=5)
"""How long kopf uses one reading of the credentials; a ServiceAccount's token is renewed by then."""
_REQUEST_TIMEOUT_S: Final = 30.0
_SERVER_TIMEOUT_S: Final = 240

type Seen = Callable[[Body], None]


class EndlessPauses:
    """Pauses between retries that never run out: growing to 8 s, each one a little different from the last."""

    def __iter__(self) -> Iterator[float]:
        for pause_s in itertools.chain(_PAUSES_S, itertools.repeat(_LONGEST_PAUSE_S)):
            yield pause_s * random.uniform(0.8, 1.2)  # noqa: S311  (spreads load, no secret)


class DeafError(RuntimeError):
    """A watcher is gone: what happens on the API server is no longer seen."""


def watched_settings() -> kopf.OperatorSettings:
    """Return kopf's settings: it only watches, and nothing that it could write is left on.

    Nor does it follow which namespaces and CRDs there are, for that takes rights in the whole cluster: a namespace that
    is named may be missing for now, and without its CRDs the operator ends and says so.
    """
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.networking.error_backoffs = EndlessPauses()
    settings.networking.request_timeout = _REQUEST_TIMEOUT_S
    settings.watching.server_timeout = _SERVER_TIMEOUT_S
    settings.peering.standalone = True
    return settings


def registry_of(
    configuration: Configuration,
    seen: Seen,
    gone: Seen,
    renew: Callable[[], Awaitable[None]] | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> kopf.OperatorRegistry:
    """Return kopf's handlers: `seen` gets every version of every object, `gone` the last one of a deleted object.

    `renew` brings the configuration to what its files say: kopf asks for credentials anew where its own are refused,
    and gives up for good where it is given the same.
    """
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.ConnectionInfo:
        if renew is not None:
            await renew()
        return await _connection(configuration, clock)

    has_lived = False

    # Permanent: asked anew by each probe, where kopf's own retry would keep the verdict for a minute.
    @kopf.on.probe(registry=registry, id="watchers", errors=kopf.ErrorsMode.PERMANENT)
    async def watchers(**_: Any) -> int:
        nonlocal has_lived
        try:
            living = check_watchers()
        except DeafError as error:
            if has_lived:  # before that they are only starting
                log.warning("watch.dead", error=str(error))
            raise
        has_lived = True
        return living

    for kind in KINDS.values():

        @kopf.on.event(GROUP, VERSION, kind.plural, registry=registry, id=kind.plural)
        async def event(type: str | None, body: kopf.Body, **_: Any) -> None:  # noqa: A002  (kopf passes it by name)
            plain = _plain(body)
            if type == "DELETED":
                gone(plain)
            else:
                seen(plain)

    return registry


def check_watchers() -> int:
    """Return how many watchers live; raise DeafError, which turns the health check red, if one is missing."""
    tasks = [task for task in asyncio.all_tasks() if task.get_name().startswith("watcher for ")]
    kinds = {plural for plural in (kind.plural for kind in KINDS.values()) if _is_watched(plural, tasks)}
    missing = {kind.plural for kind in KINDS.values()} - kinds
    if missing:
        raise DeafError(f"nobody watches {', '.join(sorted(missing))}")
    return len(tasks)


def _is_watched(plural: str, tasks: Collection[asyncio.Task[Any]]) -> bool:
    return any(f"{plural}.{VERSION}.{GROUP}" in task.get_name() for task in tasks)


def _plain(body: kopf.Body) -> Body:
    """Return the object as a plain dict: kopf hands out read-only views of one that it keeps for itself."""
    raw: Body = {name: body[name] for name in body}
    raw["metadata"] = dict(body["metadata"])
    return raw


async def _connection(configuration: Configuration, clock: Clock) -> kopf.ConnectionInfo:
    token = await configuration.get_api_key_with_prefix("BearerToken")
    is_renewed = configuration.refresh_api_key_hook is not None
    return kopf.ConnectionInfo(
        server=server_of(configuration),
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        scheme="Bearer" if token else None,
        token=token.removeprefix("Bearer ") if token else None,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
        expiration=clock.now() + _TOKEN_LIFE if is_renewed else None,
    )
