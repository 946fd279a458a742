"""Bringing one replica's entry a move further: observe, decide, make at most one call that changes anything."""

from dataclasses import replace
from typing import assert_never

from herder.api.status import EntryState
from herder.gateway.errors import CreateInProgress, GatewayError, Gone, Unavailable
from herder.gateway.types import Worker
from herder.workflows.converge import FOREIGN, Done, Post, Refuse, Replace, Wait, next_move
from herder.workflows.entry import Entry, state_of
from herder.workflows.errors import Permanent, Waiting
from herder.workflows.ports import Replica
from herder.workflows.registration.data import Registration


async def advance(replica: Replica, data: Registration) -> Worker | None:
    """Make the next move; return the listed worker once it is as declared, None while a call of ours is to take effect.

    Raises Waiting or Permanent where there is nothing to do but wait or give up, and GatewayError. Repeating it is
    always safe: it looks before it acts.
    """
    try:
        return await _advance(replica, data)
    except Unavailable:
        entry = data.entry(replica.endpoint)
        if not entry.is_lost_add:
            data.entries[replica.endpoint] = replace(entry, state=EntryState.UNREACHABLE)
        raise


async def _advance(replica: Replica, data: Registration) -> Worker | None:
    endpoint = replica.endpoint
    record = data.entry(endpoint)
    listed = await replica.find_all(data.plan.url)
    is_under_way = not listed or record.state is EntryState.PENDING
    own = await look_up(replica, record.worker_id) if is_under_way else None
    move = next_move(data.wanted, record, listed, own)
    match move:
        case Post():
            await _post(replica, data)
        case Replace(worker_id):
            await _replace(replica, data, worker_id)
        case Wait(reason, why):
            raise Waiting(reason, f"{endpoint}: {why}")
        case Refuse(reason, why):
            if reason == FOREIGN:
                data.entries[endpoint] = Entry(EntryState.FOREIGN, listed[0].id, verified_at=data.now())
            raise Permanent(reason, f"{endpoint}: {why}")
        case Done(worker):
            known = replace(record, worker_id=worker.id)
            data.entries[endpoint] = known.seen(state_of(worker), data.now())
            return worker
        case _:
            assert_never(move)
    return None


async def look_up(replica: Replica, worker_id: str | None) -> Worker | None:
    """Return what the replica says of an id that it gave, None if it knows none such."""
    if worker_id is None:
        return None
    try:
        return await replica.get_worker(worker_id)
    except Gone:
        return None


async def _post(replica: Replica, data: Registration) -> None:
    endpoint = replica.endpoint
    # Noted before it is sent: a call that is cut off may have been carried out all the same.
    data.entries[endpoint] = Entry(EntryState.PENDING, spec_hash=data.plan.spec_hash)
    try:
        worker_id = await replica.add_worker(data.plan.worker_spec(data.facts))
    except CreateInProgress as conflict:
        # What is being registered is not known, so it is replaced once it is listed.
        data.entries[endpoint] = Entry(EntryState.PENDING, conflict.worker_id)
    except Unavailable:
        raise
    except GatewayError:
        data.entries.pop(endpoint, None)
        raise
    else:
        data.entries[endpoint] = replace(data.entry(endpoint), worker_id=worker_id)


async def _replace(replica: Replica, data: Registration, worker_id: str) -> None:
    await replica.replace_worker(worker_id, data.plan.worker_spec(data.facts))
    data.entries[replica.endpoint] = Entry(EntryState.PENDING, worker_id, data.plan.spec_hash)
