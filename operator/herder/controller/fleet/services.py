"""The replicas behind a Service: read from its EndpointSlices, and read again as soon as these change.

What is there is read whole each time, by name and label, so that nothing has to be kept up to date. A watch only says
when to read: one that breaks, stalls or leaves something out costs time, up to the next resync, and nothing else.
"""

import asyncio
import random
from collections.abc import Callable, Iterator
from typing import Final

import structlog

from herder.api.gateway import ServiceRef
from herder.controller.cluster.errors import KubeError, NotFound, Rejected, Unreached
from herder.controller.cluster.kube import Kube
from herder.controller.fleet.slices import SERVICE_LABEL, NoSuchPort, endpoints_of

log = structlog.get_logger(__name__)

_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 30.0

type Place = tuple[str, str]
"""A Service: its namespace and its name."""


class ServiceMissing(Exception):
    """The Service, or its port, does not exist or is kept from herder; the message says what to do."""


class Services:
    """Finds the replicas behind Services. `changed` is called with one whose slices may have changed."""

    def __init__(self, kube: Kube, changed: Callable[[Place], None]) -> None:
        self._kube = kube
        self._changed = changed
        self._watches: dict[Place, asyncio.Task[None]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def endpoints(self, namespace: str, ref: ServiceRef) -> tuple[str, ...]:
        """Return the replicas' URLs as of now. Raises ServiceMissing, and KubeError where the API server can't tell."""
        try:
            service = await self._kube.get(f"/api/v1/namespaces/{namespace}/services/{ref.name}")
            slices = await self._kube.list_items(_slices(namespace), selector=_selector(ref.name))
            return endpoints_of(ref, service, slices)
        except NotFound:
            text = f"Service {namespace}/{ref.name}, named by spec.service, does not exist"
            raise ServiceMissing(f"{text}: create it, or correct spec.service.name") from None
        except NoSuchPort as error:
            raise ServiceMissing(str(error)) from None
        except Rejected as error:
            text = f"Service {namespace}/{ref.name}, named by spec.service, can't be followed: grant herder `get` on"
            raise ServiceMissing(f"{text} services, `list` and `watch` on endpointslices ({error})") from None

    def watch_only(self, places: set[Place]) -> None:
        """Watch the slices of these Services, and of no others."""
        for place in places - self._watches.keys():
            self._watches[place] = asyncio.get_running_loop().create_task(self._watch(place), name=f"slices of {place}")
        for place in self._watches.keys() - places:
            task = self._watches.pop(place)
            task.cancel()
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Stop watching."""
        self.watch_only(set())
        if self._closing:
            await asyncio.wait(self._closing)

    async def _watch(self, place: Place) -> None:
        pauses = _pauses()
        while True:
            asked_s = 0.0
            try:
                async for _ in self._kube.changes(_slices(place[0]), selector=_selector(place[1])):
                    self._changed(place)
                pauses = _pauses()
            except KubeError as error:
                log.warning("slices.unwatched", namespace=place[0], service=place[1], error=str(error))
                asked_s = error.retry_after_s if isinstance(error, Unreached) else 0.0
            except Exception:  # a defect must not leave the replicas unwatched for ever
                log.exception("slices.defect", namespace=place[0], service=place[1])
            await asyncio.sleep(max(asked_s, next(pauses)))


def _slices(namespace: str) -> str:
    return f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"


def _selector(service: str) -> str:
    return f"{SERVICE_LABEL}={service}"


def _pauses() -> Iterator[float]:
    """Yield pauses without end, ever longer, each a little different from the last."""
    pause_s = _FIRST_PAUSE_S
    while True:
        yield pause_s * random.uniform(0.8, 1.2)  # noqa: S311  (spreads load, no secret)
        pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)
