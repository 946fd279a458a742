"""The steps of a removal, each of them on all replicas at once."""

from dataclasses import replace
from typing import ClassVar, Final, assert_never

from herder.api.status import EntryState
from herder.engine import StepResult, WorkflowContext
from herder.gateway.errors import Unavailable
from herder.workflows.entry import LOST_ADD, NO_ENTRY, REGISTERED, Entry, state_of
from herder.workflows.errors import Waiting
from herder.workflows.fanout import fault_of, on_each
from herder.workflows.ports import Replica
from herder.workflows.registration.advance import look_up
from herder.workflows.removal.data import Removal
from herder.workflows.removal.retire import DRAINING, Ask, Delete, Gone, Wait, next_move
from herder.workflows.step import Step

type Context = WorkflowContext[Removal]

_PATIENCE_S: Final = 2.0
"""How long a replica that hangs may hold up the draining of the others."""


class Find(Step[Removal]):
    """Where the worker is listed. A replica that does not answer is left to the last step, which insists."""

    id: ClassVar[str] = "find"

    async def attempt(self, context: Context) -> None:
        """Look at every replica once."""
        data = context.data

        async def look(replica: Replica) -> None:
            listed = await replica.find_all(data.url)
            ours = [worker for worker in listed if data.owner.claims(worker.labels)]
            record = data.entry(replica.endpoint)
            if ours:
                found = replace(record, worker_id=ours[0].id)
                data.entries[replica.endpoint] = found.seen(state_of(ours[0]), data.now())
            elif record.state is not EntryState.PENDING:
                data.entries[replica.endpoint] = Entry(EntryState.ABSENT, verified_at=data.now())

        await on_each(data.replicas, look, patience_s=_PATIENCE_S)


def is_listed_anywhere(context: Context) -> bool:
    """Whether there is anything to drain."""
    return any(entry.state in REGISTERED | {EntryState.DRAINING} for entry in context.data.entries.values())


class Drain(Step[Removal]):
    """Every replica that lists the worker has been told, once, to drain it: no new requests, those under way end."""

    id: ClassVar[str] = "drain"

    async def attempt(self, context: Context) -> None:
        """Send each replica its DELETE."""
        data = context.data

        async def drain(replica: Replica) -> None:
            entry = data.entry(replica.endpoint)
            if entry.worker_id is not None and entry.state in REGISTERED:
                await replica.delete_worker(entry.worker_id, data.url)
                data.entries[replica.endpoint] = entry.seen(EntryState.DRAINING, data.now())

        problems = await on_each(data.replicas, drain, patience_s=_PATIENCE_S)
        if problems and len(problems) == len(data.replicas):
            raise fault_of(problems)


class Remove(Step[Removal]):
    """What was drained is off the list: the drain's time is up and the replica answers 404 for it."""

    id: ClassVar[str] = "remove"

    async def attempt(self, context: Context) -> None:
        """Look at what still drains."""
        data = context.data

        async def look(replica: Replica) -> None:
            entry = data.entry(replica.endpoint)
            if entry.state is not EntryState.DRAINING:
                return
            if await look_up(replica, entry.worker_id) is not None:
                raise Waiting(DRAINING.reason, f"{replica.endpoint}: {DRAINING.why}")
            data.entries[replica.endpoint] = Entry(EntryState.ABSENT, verified_at=data.now())

        problems = await on_each(data.replicas, look)
        draining = {e: p for e, p in problems.items() if p.reason == DRAINING.reason}
        if draining:
            raise fault_of(draining)


class Confirm(Step[Removal]):
    """No replica has the worker or will get it: what was away, pending or came back meanwhile is removed here, too."""

    id: ClassVar[str] = "confirm"

    async def attempt(self, context: Context) -> StepResult | None:
        """Make each replica's next move until none has one."""
        data = context.data

        async def retire_from(replica: Replica) -> None:
            await retire(replica, data)

        problems = await on_each(data.replicas, retire_from)
        if problems:
            raise fault_of(problems)
        return None


async def retire(replica: Replica, data: Removal) -> None:
    """Make the replica's next move; return once it has no entry of ours. Raises Waiting while there is one."""
    endpoint = replica.endpoint
    try:
        record = data.entry(endpoint)
        listed = await replica.find_all(data.url)
        own = None if listed else await look_up(replica, record.worker_id)
    except Unavailable:
        _mark_unreachable(data, endpoint)
        raise
    move = next_move(data.owner, record, listed, own)
    match move:
        case Ask():
            worker_id = await replica.pending_add(data.url)
            data.entries[endpoint] = NO_ENTRY if worker_id is None else replace(LOST_ADD, worker_id=worker_id)
            raise Waiting("Checking", f"{endpoint}: a registration may have been cut off there")
        case Wait(reason, why):
            raise Waiting(reason, f"{endpoint}: {why}")
        case Delete(worker_ids):
            for worker_id in worker_ids:
                await replica.delete_worker(worker_id, data.url)
            data.entries[endpoint] = Entry(EntryState.DRAINING, worker_ids[0], verified_at=data.now())
            raise Waiting(DRAINING.reason, f"{endpoint}: {DRAINING.why}")
        case Gone():
            data.entries[endpoint] = record.seen(EntryState.ABSENT, data.now())
        case _:
            assert_never(move)


def _mark_unreachable(data: Removal, endpoint: str) -> None:
    entry = data.entry(endpoint)
    if not entry.is_lost_add and entry.state is not EntryState.ABSENT:
        data.entries[endpoint] = replace(entry, state=EntryState.UNREACHABLE)
