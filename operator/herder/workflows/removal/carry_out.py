"""Taking one worker a move further off one replica: observe, decide, make at most one kind of call."""

from dataclasses import replace
from typing import assert_never

from herder.api.status import EntryState
from herder.workflows.entry import LOST_ADD, NO_ENTRY, is_ours
from herder.workflows.errors import Waiting
from herder.workflows.lookup import look_up
from herder.workflows.ports import Replica
from herder.workflows.removal.data import Removal
from herder.workflows.removal.retire import DRAINING, Ask, Delete, Gone, Wait, next_move


async def retire(replica: Replica, data: Removal) -> None:
    """Make the replica's next move; return once it has no entry of ours and will get none.

    Raises Waiting while that is not so, and GatewayError. Repeating it is always safe: it looks before it acts, and a
    worker that is draining gets no second DELETE.
    """
    endpoint = replica.endpoint
    record = data.entry(endpoint)
    listed = await replica.find_all(data.url)
    ours = (worker for worker in listed if is_ours(data.owner, record, worker))
    data.in_flight[endpoint] = sum(worker.load for worker in ours)
    is_listed = any(worker.id == record.worker_id for worker in listed)
    own = None if is_listed else await look_up(replica, record.worker_id, data.url)
    move = next_move(data.owner, record, listed, own)
    match move:
        case Ask():
            worker_id = await replica.pending_add(data.url)
            data.entries[endpoint] = NO_ENTRY if worker_id is None else replace(LOST_ADD, worker_id=worker_id)
            raise Waiting("Checking", f"{endpoint}: a registration may have been cut off there")
        case Wait(state, reason, why):
            data.entries[endpoint] = record.seen(state, data.now())
            raise Waiting(reason, f"{endpoint}: {why}")
        case Delete(worker_ids):
            for worker_id in worker_ids:
                await replica.delete_worker(worker_id, data.url)
            data.entries[endpoint] = replace(record, worker_id=worker_ids[0]).seen(EntryState.DRAINING, data.now())
            raise Waiting(DRAINING.reason, f"{endpoint}: {DRAINING.why}")
        case Gone():
            data.entries[endpoint] = record.gone(data.now())
        case _:
            assert_never(move)
