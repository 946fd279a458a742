"""Entries that herder made and no resource declares any more: the safety net under every removal.

A registration that the gateway itself had given up can still come true, a minute later and under another id (a keyed
worker posted without its key, measured on smg 1.13.0), and a removal that was forced leaves what it could not reach.
So does a resource that was deleted and made anew with another URL. Such entries carry this installation's label and
name a resource that is gone, or that has nothing to do with their URL on this replica. Whether that is so, is asked of
the API server and of the replica each time: what another installation, or a resource that this process does not watch,
declares is never touched.
"""

import asyncio
import re
from contextlib import suppress
from typing import Final

import structlog

from herder.api.gateway import Mode
from herder.api.meta import WORKER_REGISTRATION
from herder.controller.gateways import Gateways
from herder.controller.kube import Kube, KubeError, NotFound
from herder.controller.objects import Body, Key, Objects, gateway_of, uid_of
from herder.controller.rounds import every
from herder.controller.views import View
from herder.gateway.errors import GatewayError, Gone, Unavailable
from herder.gateway.replica import Replica
from herder.gateway.types import Worker, WorkerStatus, url_key
from herder.workflows.owner import ORPHANED, Owner

log = structlog.get_logger(__name__)

_INTERVAL_S: Final = 10.0
_NAME: Final = re.compile(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?")
"""An object's name. A label may hold anything, and what it holds becomes part of a path."""


class Sweeper:
    """Removes orphans from the replicas of the gateways in use."""

    def __init__(self, kube: Kube, objects: Objects, gateways: Gateways, installation: str) -> None:
        self._kube = kube
        self._objects = objects
        self._gateways = gateways
        self._installation = installation

    async def run(self) -> None:
        """Sweep now and then, until cancelled."""
        await every(_INTERVAL_S, self.sweep)

    async def sweep(self) -> None:
        """Look at every replica once, at all of them at the same time: one that hangs holds up none of the others."""
        gateways = {key: gateway for key in self._objects if (gateway := self._gateways.get(key)) is not None}
        async with asyncio.TaskGroup() as group:
            for key, gateway in gateways.items():
                if gateway.access.mode is Mode.OBSERVE:
                    continue
                for replica in gateway.replicas:
                    view = gateway.views[replica.endpoint]
                    if not view.is_away:
                        group.create_task(self._sweep(key, replica, view))

    async def _sweep(self, gateway: Key, replica: Replica, view: View) -> None:
        """Remove a replica's orphans; if it, or the API server, gives no answer the rest is left to the next round."""
        for worker, owner in self._suspects(gateway, replica.endpoint, view):
            try:
                await self._remove(gateway, replica, worker, owner)
            except (KubeError, GatewayError) as error:
                log.warning("orphan.left", endpoint=replica.endpoint, worker=worker.id, error=str(error))
                if isinstance(error, KubeError | Unavailable):
                    return

    async def _remove(self, gateway: Key, replica: Replica, worker: Worker, owner: Owner) -> None:
        """Remove a suspect if it is an orphan and its replica still has it as it was listed. Raises as both do."""
        if self._has_place(gateway, replica.endpoint, worker, owner, await self._declared(owner)):
            return
        with suppress(Gone):
            if Owner.of((await replica.get_worker(worker.id)).labels) != owner:
                return  # adopted since
            outcome = await replica.delete_worker(worker.id, worker.url)
            log.info("orphan.swept", endpoint=replica.endpoint, worker=worker.id, owner=owner.name, found=str(outcome))

    def _suspects(self, gateway: Key, endpoint: str, view: View) -> list[tuple[Worker, Owner]]:
        """Return the entries that name a resource of this installation which does not want them, as far as is known."""
        owned = [(w, Owner.of(w.labels)) for workers in view.workers.values() for w in workers]
        return [(w, o) for w, o in owned if o is not None and self._is_suspect(gateway, endpoint, w, o)]

    def _is_suspect(self, gateway: Key, endpoint: str, worker: Worker, owner: Owner) -> bool:
        is_ours = (owner.installation, owner.namespace) == (self._installation, gateway.namespace)
        if not is_ours or _NAME.fullmatch(owner.name) is None or worker.status is WorkerStatus.DRAINING:
            return False
        return not self._has_place(gateway, endpoint, worker, owner, self._objects.get(_key(owner)))

    def _has_place(self, gateway: Key, endpoint: str, worker: Worker, owner: Owner, body: Body | None) -> bool:
        """Whether an entry is what the object of its owner's name declares or has registered, or stays on purpose.

        One that was to stay does so until its very resource wants it elsewhere. An object of another gateway counts
        like one of this unless that gateway is known not to have this replica.
        """
        is_owner = body is not None and uid_of(body) == owner.uid
        if ORPHANED.items() <= worker.labels.items() and not is_owner:
            return True
        if body is None:
            return False
        return worker.key in _urls(body) and self._may_drive(gateway_of(body), gateway, endpoint)

    def _may_drive(self, other: Key | None, gateway: Key, endpoint: str) -> bool:
        known = self._gateways.get(other) if other is not None and other != gateway else None
        return known is None or endpoint in known.views

    async def _declared(self, owner: Owner) -> Body | None:
        """Ask the API server, which knows more than what was watched so far."""
        try:
            return await self._kube.get(_key(owner).path)
        except NotFound:
            return None


def _urls(body: Body) -> set[str]:
    """Return the URLs that a resource declares and has registered, as far as it says any."""
    declared = (body.get("spec") or {}).get("url")
    registered = ((body.get("status") or {}).get("worker") or {}).get("url")
    return {url_key(url) for url in (declared, registered) if isinstance(url, str)}


def _key(owner: Owner) -> Key:
    return Key(WORKER_REGISTRATION.kind, owner.namespace, owner.name)
