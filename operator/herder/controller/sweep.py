"""Entries that herder made and no resource declares any more: the safety net under every removal.

A registration that the gateway itself had given up can still come true, a minute later and under another id (a keyed
worker posted without its key, measured on smg 1.13.0), and a removal that was forced leaves what it could not reach.
Such entries carry this installation's label and the uid of a resource that is gone. Whether it is, is asked of the API
server each time: what another installation, or a resource that this process does not watch, declares is never touched.
"""

import asyncio
import re
from typing import Final

import structlog

from herder.api.gateway import Mode
from herder.api.meta import WORKER_REGISTRATION
from herder.controller.gateways import Gateways
from herder.controller.kube import Kube, KubeError, NotFound
from herder.controller.objects import Key, Objects
from herder.controller.rounds import every
from herder.controller.views import View
from herder.gateway.errors import GatewayError
from herder.gateway.replica import Replica
from herder.gateway.types import Worker, WorkerStatus
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
        """Remove a replica's orphans; at the first call that fails the rest is left to the next round."""
        for worker, owner in self._suspects(gateway, view):
            try:
                if await self._is_orphan(owner):
                    await replica.delete_worker(worker.id, worker.url)
                    log.info("orphan.removed", endpoint=replica.endpoint, worker=worker.id, owner=owner.name)
            except (KubeError, GatewayError) as error:
                log.warning("orphan.left", endpoint=replica.endpoint, worker=worker.id, error=str(error))
                return

    def _suspects(self, gateway: Key, view: View) -> list[tuple[Worker, Owner]]:
        """Return the entries that say that a resource of this installation made them which is not known here."""
        owned = [(w, Owner.of(w.labels)) for workers in view.workers.values() for w in workers if not _is_left(w)]
        return [(w, o) for w, o in owned if o is not None and self._is_suspect(gateway, o)]

    def _is_suspect(self, gateway: Key, owner: Owner) -> bool:
        is_ours = (owner.installation, owner.namespace) == (self._installation, gateway.namespace)
        return is_ours and _NAME.fullmatch(owner.name) is not None and self._objects.get(_key(owner)) is None

    async def _is_orphan(self, owner: Owner) -> bool:
        """Ask the API server, which knows more than what was watched so far."""
        try:
            await self._kube.get(_key(owner).path)
        except NotFound:
            return True
        return False


def _is_left(worker: Worker) -> bool:
    """Whether an entry is going already, or stays on purpose."""
    return worker.status is WorkerStatus.DRAINING or ORPHANED.items() <= worker.labels.items()


def _key(owner: Owner) -> Key:
    return Key(WORKER_REGISTRATION.kind, owner.namespace, owner.name)
