"""Reading whole collections: before the first decision, then now and then, for a watch can lose a deletion.

After a broken watch kopf lists only what exists; an object that vanished meanwhile is never told of (measured with kopf
1.44). So the names that exist are compared with those that are known, metadata only.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog

from herder.api.meta import Kind
from herder.controller.cluster.errors import NotFound
from herder.controller.cluster.kube import Kube
from herder.controller.known.objects import KINDS, Body, Key, Objects, collection, uid_of, version_of
from herder.controller.rounds import every
from herder.controller.watch.freshness import Freshness

log = structlog.get_logger(__name__)

_INTERVAL_S: Final = 60.0
_ORDER: Final = tuple(KINDS.values())


class Relister:
    """Compares what is known with what there is; `seen` and `gone` take what differs.

    `freshness` says how old what is known is; `clock` returns monotonic seconds.
    """

    def __init__(
        self,
        kube: Kube,
        objects: Objects,
        namespaces: tuple[str, ...],
        *,
        seen: Callable[[Body], None],
        gone: Callable[[Body], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kube = kube
        self._objects = objects
        self._namespaces: tuple[str | None, ...] = namespaces or (None,)
        self._seen = seen
        self._gone = gone
        self._clock = clock
        self.freshness: Final = Freshness(clock)

    async def prime(self) -> None:
        """Take every object that there is. Raises KubeError, NotFound where a CRD is not installed."""
        for kind in _ORDER:
            for namespace in self._namespaces:
                for body in await self._kube.list_items(collection(kind, namespace)):
                    self._seen({"kind": kind.kind, **body})
            self.freshness.primed(kind.kind)

    async def catch_up(self) -> None:
        """Take what has changed and the watch has not told of yet; what is known is then all that there is.

        Raises KubeError.
        """
        known = {uid_of(body): version_of(body) for key in self._objects if (body := self._objects.get(key))}
        for kind in _ORDER:
            for namespace in self._namespaces:
                for item in await self._kube.list_items(collection(kind, namespace), metadata_only=True):
                    if known.pop(uid_of(item), -1) < version_of(item):
                        await self._fetch(Key.of({**item, "kind": kind.kind}))
            self.freshness.primed(kind.kind)
        for key in self._objects:
            body = self._objects.get(key)
            if body is not None and uid_of(body) in known:
                self._gone(body)

    async def _fetch(self, key: Key) -> None:
        with suppress(NotFound):
            self._seen({"kind": key.kind, **await self._kube.get(key.path)})

    def trust(self) -> None:
        """Take what is known as all that there is."""
        for kind in _ORDER:
            self.freshness.primed(kind.kind)

    async def run(self) -> None:
        """Look for lost deletions, until cancelled."""
        await every(_INTERVAL_S, self.compare)

    async def compare(self) -> None:
        """Take the objects that are known but not there as gone."""
        known = {key: body for key in self._objects if (body := self._objects.get(key)) is not None}
        there: set[str] = set()
        for kind in _ORDER:
            there |= await self._uids(kind)
        for key, body in known.items():
            if uid_of(body) not in there:
                log.warning("relist.lost_deletion", key=str(key))
                self._gone(body)

    async def _uids(self, kind: Kind) -> set[str]:
        began_s, versions = self._clock(), dict[str, int]()
        for namespace in self._namespaces:
            items = await self._kube.list_items(collection(kind, namespace), metadata_only=True)
            versions |= {uid_of(item): version_of(item) for item in items}
        self.freshness.listed(kind.kind, versions, self._known(kind), began_s)
        return set(versions)

    def _known(self, kind: Kind) -> dict[str, int]:
        bodies = (self._objects.get(key) for key in self._objects if key.kind == kind.kind)
        return {uid_of(body): version_of(body) for body in bodies if body is not None}
