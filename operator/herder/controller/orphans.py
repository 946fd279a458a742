"""Entries that are left on purpose: marked, so that the sweep does not take them for forgotten ones."""

from collections.abc import Iterable, Mapping

import structlog

from herder.gateway.errors import GatewayError
from herder.gateway.replica import Replica
from herder.gateway.spec import WorkerPatch
from herder.workflows.entry import Entry
from herder.workflows.owner import ORPHANED

log = structlog.get_logger(__name__)


async def mark_orphaned(replicas: Iterable[Replica], url: str, entries: Mapping[str, Entry]) -> None:
    """Mark the entries of a resource whose deletionPolicy is Orphan. A replica that can't be told is only logged."""
    by_endpoint = {replica.endpoint: replica for replica in replicas}
    marked = {e: entry.worker_id for e, entry in entries.items() if entry.worker_id and e in by_endpoint}
    for endpoint, worker_id in marked.items():
        try:
            await by_endpoint[endpoint].patch_worker(worker_id, url, WorkerPatch(labels=ORPHANED))
        except GatewayError as error:
            log.warning("orphan.unmarked", endpoint=endpoint, worker=worker_id, error=str(error))
