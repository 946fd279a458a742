"""What a replica says of an id that it gave: the only sight of a registration that is still pending."""

from herder.gateway.errors import Gone
from herder.gateway.types import Worker, url_key
from herder.workflows.ports import Replica


async def look_up(replica: Replica, worker_id: str | None, url: str) -> Worker | None:
    """Return the entry, None if the replica knows none such.

    A recorded id comes from a status, which anybody may have edited: an entry of another URL than `url` counts as none.
    """
    if worker_id is None:
        return None
    try:
        worker = await replica.get_worker(worker_id)
    except Gone:
        return None
    return worker if worker.key == url_key(url) else None
