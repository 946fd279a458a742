"""Bringing one replica's entry a move further: observe, decide, make at most one kind of call that changes anything."""

from dataclasses import replace
from typing import assert_never

from herder.api.status import EntryState
from herder.gateway import errors as gateway
from herder.gateway.types import Worker
from herder.workflows.converge import (
    APPLYING,
    DRAINING,
    Done,
    Patch,
    Post,
    Refuse,
    Remove,
    Replace,
    Wait,
    next_move,
)
from herder.workflows.convergence import Convergence
from herder.workflows.entry import Entry, state_of
from herder.workflows.errors import Permanent, Waiting
from herder.workflows.lookup import look_up
from herder.workflows.ports import Replica
from herder.workflows.refusals import OTHERS


async def advance(replica: Replica, data: Convergence) -> Worker | None:
    """Make the next move; return the listed worker once it is as declared, None while a call of ours is to take effect.

    Raises Waiting or Permanent where there is nothing to do but wait or give up, and GatewayError. Repeating it is
    always safe: it looks before it acts.
    """
    endpoint = replica.endpoint
    record = data.entry(endpoint)
    listed = await replica.find_all(data.plan.url)
    is_under_way = not listed or record.state is EntryState.PENDING
    own = await look_up(replica, record.worker_id, data.plan.url) if is_under_way else None
    move = next_move(data.wanted, record, listed, own)
    match move:
        case Post():
            await _post(replica, data)
        case Patch(worker_ids):
            await _patch(replica, data, worker_ids)
        case Replace(worker_id):
            await _replace(replica, data, worker_id)
        case Remove(worker_ids):
            await _remove(replica, data, worker_ids)
        case Wait(reason, why):
            raise Waiting(reason, f"{endpoint}: {why}")
        case Refuse(reason, why, worker_id):
            if reason in OTHERS:
                others = replace(record, worker_id=worker_id, spec_hash=None)
                data.entries[endpoint] = others.seen(EntryState.FOREIGN, data.now())
            raise Permanent(reason, f"{endpoint}: {why}")
        case Done(worker):
            known = replace(record, worker_id=worker.id)
            data.entries[endpoint] = known.seen(state_of(worker), data.now())
            return worker
        case _:
            assert_never(move)
    return None


async def _post(replica: Replica, data: Convergence) -> None:
    endpoint, record = replica.endpoint, data.entries.get(replica.endpoint)
    # Noted before it is sent: a call that is cut off, or whose answer is lost, may have been carried out all the same.
    data.entries[endpoint] = Entry(EntryState.PENDING, spec_hash=data.plan.spec_hash)
    try:
        worker_id = await replica.add_worker(data.plan.worker_spec(data.facts))
    except gateway.CreateInProgress as conflict:
        is_own = record is not None and record.worker_id is not None and record.worker_id == conflict.worker_id
        # What another one registers is not known, so it is replaced once it is listed.
        data.entries[endpoint] = record if record and is_own else Entry(EntryState.PENDING, conflict.worker_id)
    except (gateway.Permanent, gateway.Conflict):
        _take_back(data, endpoint, record)
        raise
    else:
        data.entries[endpoint] = replace(data.entry(endpoint), worker_id=worker_id)


def _take_back(data: Convergence, endpoint: str, record: Entry | None) -> None:
    """Nothing came of a POST, that is certain: what was known before it holds again."""
    if record is None:
        del data.entries[endpoint]
    else:
        data.entries[endpoint] = record


async def _patch(replica: Replica, data: Convergence, worker_ids: tuple[str, ...]) -> None:
    patch = data.plan.worker_spec_declared.patch()
    for worker_id in worker_ids:
        try:
            await replica.patch_worker(worker_id, data.plan.url, patch)
        except gateway.Busy:
            raise _busy(replica) from None
    data.entries[replica.endpoint] = Entry(EntryState.PENDING, worker_ids[0], data.plan.spec_hash)


async def _replace(replica: Replica, data: Convergence, worker_id: str) -> None:
    try:
        await replica.replace_worker(worker_id, data.plan.worker_spec(data.facts))
    except gateway.Busy:
        raise _busy(replica) from None
    data.entries[replica.endpoint] = Entry(EntryState.PENDING, worker_id, data.plan.spec_hash)


def _busy(replica: Replica) -> Waiting:
    return Waiting(APPLYING.reason, f"{replica.endpoint}: an earlier change is still being applied")


async def _remove(replica: Replica, data: Convergence, worker_ids: tuple[str, ...]) -> None:
    for worker_id in worker_ids:
        await replica.delete_worker(worker_id, data.plan.url)
    data.entries[replica.endpoint] = Entry(EntryState.DRAINING, worker_ids[0], verified_at=data.now())
    raise Waiting(DRAINING.reason, f"{replica.endpoint}: its ranks are being drained, to be registered anew")
