"""Entries that are left on purpose: marked, so that the sweep does not take them for forgotten ones.

A registration brings the mark with it. What is left to do here is for those whose policy was changed right before the
deletion, so that no registration was sent any more.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

import structlog

from herder.gateway.errors import GatewayError
from herder.gateway.replica import Replica
from herder.gateway.spec import WorkerPatch
from herder.workflows.entry import Entry
from herder.workflows.owner import ORPHANED

log = structlog.get_logger(__name__)

_PATIENCE_S: Final = 2.0
"""How long a replica that hangs may hold up the going of the resource."""


async def mark_orphaned(replicas: Iterable[Replica], url: str, entries: Mapping[str, Entry]) -> None:
    """Mark the entries of a resource whose deletionPolicy is Orphan. A replica that can't be told is only logged."""
    async with asyncio.TaskGroup() as group:
        for replica in replicas:
            worker_id = entries[replica.endpoint].worker_id if replica.endpoint in entries else None
            if worker_id is not None:
                group.create_task(_mark(replica, worker_id, url))


async def _mark(replica: Replica, worker_id: str, url: str) -> None:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await replica.patch_worker(worker_id, url, WorkerPatch(labels=ORPHANED))
    except (GatewayError, TimeoutError) as error:
        log.warning("orphan.unmarked", endpoint=replica.endpoint, worker=worker_id, error=str(error))
