"""Entries that herder made and no resource declares any more: the safety net under every removal.

A registration that the gateway itself had given up can still come true, a minute later and under another id (a keyed
worker posted without its key, measured on smg 1.13.0), and a removal that was forced leaves what it could not reach.
So does a resource that was deleted and made anew with another URL. Such entries name a resource of this installation
that is gone, or that has nothing to do with them on this replica. Whether that is so, is asked of the API server and of
the replica each time: what another installation, or a resource that this process does not watch, declares is never
touched. Where the gateway is only observed, what would be removed is counted among what would be done.
"""

import asyncio
import re
from collections.abc import Collection
from typing import Final

import structlog

from herder.api.gateway import Mode
from herder.api.reasons import EventReason
from herder.controller.cluster.errors import KubeError, NotFound
from herder.controller.cluster.kube import Kube
from herder.controller.fleet.census import Census
from herder.controller.fleet.gateways import Gateways
from herder.controller.fleet.leftovers import Leftover, leftovers_of, lists, remove
from herder.controller.fleet.sharing import Sharing
from herder.controller.known.objects import Body, Key, Objects, gateway_of, holder_of, uid_of
from herder.controller.known.queue import WorkQueue
from herder.controller.listing.views import View
from herder.controller.rounds import every
from herder.controller.status.recorder import EventRecorder
from herder.gateway.errors import GatewayError, Unavailable
from herder.gateway.replica import Replica
from herder.gateway.types import url_key

log = structlog.get_logger(__name__)

_INTERVAL_S: Final = 10.0
_NAMED: Final = 3
_NAME: Final = re.compile(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?")
"""An object's name. A label may hold anything, and what it holds becomes part of a path."""


class Sweeper:
    """Removes orphans from the replicas of the gateways in use."""

    def __init__(
        self,
        kube: Kube,
        objects: Objects,
        gateways: Gateways,
        sharing: Sharing,
        installation: str,
        *,
        recorder: EventRecorder,
        census: Census,
        queue: WorkQueue,
    ) -> None:
        self._kube = kube
        self._objects = objects
        self._gateways = gateways
        self._sharing = sharing
        self._installation = installation
        self._recorder = recorder
        self._census = census
        self._queue = queue

    async def run(self) -> None:
        """Sweep now and then, until cancelled."""
        await every(_INTERVAL_S, self.sweep)

    async def sweep(self) -> None:
        """Look at every replica once, at all of them at the same time: one that hangs holds up none of the others."""
        gateways = {key: gateway for key in self._objects if (gateway := self._gateways.get(key)) is not None}
        async with asyncio.TaskGroup() as group:
            for key, gateway in gateways.items():
                act = self._count if gateway.access.mode is Mode.OBSERVE else self._sweep
                for replica in gateway.replicas:
                    view = gateway.views[replica.endpoint]
                    if not view.is_away:
                        group.create_task(act(key, replica, view))

    async def _count(self, gateway: Key, replica: Replica, view: View) -> None:
        """Note a replica's orphans, and leave them."""
        try:
            orphans = [
                each for each in self._suspects(gateway, replica, view) if await self._is_orphan(each, gateway, replica)
            ]
        except KubeError as error:
            log.warning("orphans.uncounted", endpoint=replica.endpoint, error=str(error))
            return
        if self._census.note_orphans(gateway, replica.endpoint, orphans):
            self._queue.add(gateway)

    async def _sweep(self, gateway: Key, replica: Replica, view: View) -> None:
        """Remove a replica's orphans, and tell of it."""
        self._census.note_orphans(gateway, replica.endpoint, ())
        removed: list[Leftover] = []
        try:
            await self._remove_all(gateway, replica, view, removed)
        finally:
            self._tell(gateway, replica, removed)

    async def _remove_all(self, gateway: Key, replica: Replica, view: View, removed: list[Leftover]) -> None:
        """If the replica, or the API server, gives no answer the rest is left to the next round."""
        for each in self._suspects(gateway, replica, view):
            try:
                if await self._is_orphan(each, gateway, replica) and await remove(replica, each):
                    log.info("orphan.swept", endpoint=replica.endpoint, found=str(each), id=each.entry.id)
                    removed.append(each)
            except (KubeError, GatewayError) as error:
                log.warning("orphan.left", endpoint=replica.endpoint, found=str(each), error=str(error))
                if isinstance(error, KubeError | Unavailable):
                    return

    def _tell(self, gateway: Key, replica: Replica, removed: Collection[Leftover]) -> None:
        body = self._objects.get(gateway)
        if body is None or not removed:
            return
        names = ", ".join(map(str, sorted(removed, key=str)[:_NAMED]))
        more = f" and {len(removed) - _NAMED} more" if len(removed) > _NAMED else ""
        text = f"{replica.endpoint}: removed what herder made and no resource declares any more: {names}{more}"
        self._recorder.record(gateway, body, reason=EventReason.ORPHAN_REMOVED, message=text, is_warning=False)

    def _suspects(self, gateway: Key, replica: Replica, view: View) -> list[Leftover]:
        """Return the entries that name a resource of this installation which does not want them, as far as is known."""
        return [each for each in leftovers_of(view) if self._is_suspect(each, gateway, replica.endpoint)]

    def _is_suspect(self, each: Leftover, gateway: Key, endpoint: str) -> bool:
        owner = each.owner
        is_ours = (owner.installation, owner.namespace) == (self._installation, gateway.namespace)
        if not is_ours or _NAME.fullmatch(owner.name) is None:
            return False
        return not self._has_place(each, gateway, endpoint, self._objects.get(each.resource))

    async def _is_orphan(self, each: Leftover, gateway: Key, replica: Replica) -> bool:
        """Ask the API server, which knows more than what was watched so far. Raises KubeError."""
        try:
            body: Body | None = await self._kube.get(each.resource.path)
        except NotFound:
            body = None
        return not self._has_place(each, gateway, replica.endpoint, body)

    def _has_place(self, each: Leftover, gateway: Key, endpoint: str, body: Body | None) -> bool:
        """Whether an entry is what the object of its owner's name declares or has registered, or stays on purpose.

        One that was to stay does so until its very resource wants it elsewhere. An object of another gateway counts
        like one of this unless that gateway is known not to have this replica. By whatever URL: ids are random, and
        those that the object's status, or one of its gateway's replicas, tells of are of its own entries.
        """
        is_owner = body is not None and uid_of(body) == each.owner.uid
        if each.stays and not is_owner:
            return True
        if body is None:
            return False
        if each.key is not None and each.key not in _urls(body):
            return False
        is_its_own = is_owner and each.entry.id in _ids(body)
        return is_its_own or any(self._may_have_it(of(body), each, gateway, endpoint) for of in (gateway_of, holder_of))

    def _may_have_it(self, other: Key | None, each: Leftover, gateway: Key, endpoint: str) -> bool:
        """Whether a gateway may have an entry on a replica of its own."""
        if other is None:
            return False
        known = self._gateways.get(other) if other != gateway else None
        if known is None or self._sharing.names(other, endpoint):
            return True
        return any(lists(view, each) for view in known.views.values())


def _ids(body: Body) -> set[str]:
    """Return the ids of all entries that a resource's status tells of."""
    status = body.get("status") or {}
    lists = (status.get("replicas"), *(each.get("replicas") for each in status.get("former") or ()))
    return {row["workerId"] for rows in lists for row in rows or () if row.get("workerId")}


def _urls(body: Body) -> set[str]:
    """Return the URLs that a resource declares, has registered, and had before, as far as it says any."""
    status = body.get("status") or {}
    declared = (body.get("spec") or {}).get("url")
    registered = (status.get("worker") or {}).get("url")
    former = (each.get("url") for each in status.get("former") or ())
    return {url_key(url) for url in (declared, registered, *former) if isinstance(url, str)}
