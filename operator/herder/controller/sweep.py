"""Entries that herder made and no resource declares any more: the safety net under every removal.

A registration that the gateway itself had given up can still come true, a minute later and under another id (a keyed
worker posted without its key, measured on smg 1.13.0), and a removal that was forced leaves what it could not reach.
Such entries carry this installation's label and the uid of a resource that is gone. Whether it is, is asked of the API
server each time: what another installation, or a resource that this process does not watch, declares is never touched.
"""

import asyncio
from typing import Final

import structlog

from herder.api.gateway import Mode
from herder.api.meta import WORKER_REGISTRATION
from herder.controller.gateways import Gateways
from herder.controller.kube import Kube, KubeError, NotFound
from herder.controller.objects import Key, Objects
from herder.gateway.errors import GatewayError
from herder.gateway.replica import Replica
from herder.gateway.types import Worker, WorkerStatus
from herder.workflows.owner import ORPHANED, Owner

log = structlog.get_logger(__name__)

_INTERVAL_S: Final = 10.0


class Sweeper:
    """Removes orphans from the replicas of the gateways in use."""

    def __init__(self, kube: Kube, objects: Objects, gateways: Gateways, installation: str) -> None:
        self._kube = kube
        self._objects = objects
        self._gateways = gateways
        self._installation = installation

    async def run(self) -> None:
        """Sweep now and then, until cancelled."""
        while True:
            await asyncio.sleep(_INTERVAL_S)
            for key in self._objects:
                gateway = self._gateways.get(key)
                if gateway is None or gateway.access.mode is Mode.OBSERVE:
                    continue
                for replica in gateway.replicas:
                    view = gateway.views[replica.endpoint]
                    if not view.is_away:
                        await self._sweep(key, replica, [w for workers in view.workers.values() for w in workers])

    async def _sweep(self, gateway: Key, replica: Replica, workers: list[Worker]) -> None:
        for worker in workers:
            owner = Owner.of(worker.labels)
            if owner is None or owner.installation != self._installation or owner.namespace != gateway.namespace:
                continue
            if worker.status is WorkerStatus.DRAINING or ORPHANED.items() <= worker.labels.items():
                continue
            if self._objects.get(_key(owner)) is not None:
                continue
            try:
                if await self._is_orphan(owner):
                    await replica.delete_worker(worker.id, worker.url)
                    log.info("orphan.removed", endpoint=replica.endpoint, worker=worker.id, owner=owner.name)
            except (KubeError, GatewayError) as error:
                log.warning("orphan.left", endpoint=replica.endpoint, worker=worker.id, error=str(error))

    async def _is_orphan(self, owner: Owner) -> bool:
        """Ask the API server, which knows more than what was watched so far."""
        try:
            await self._kube.get(_key(owner).path)
        except NotFound:
            return True
        return False


def _key(owner: Owner) -> Key:
    return Key(WORKER_REGISTRATION.kind, owner.namespace, owner.name)
