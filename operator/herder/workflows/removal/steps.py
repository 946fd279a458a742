"""The steps of a removal, each of them on all replicas at once."""

from dataclasses import replace
from functools import partial
from typing import ClassVar, Final

from herder.api.status import EntryState
from herder.engine import WorkflowContext
from herder.workflows.entry import REGISTERED, is_ours, state_of
from herder.workflows.fanout import fault_of, insist, on_each
from herder.workflows.ports import Replica
from herder.workflows.removal.carry_out import retire
from herder.workflows.removal.data import Removal
from herder.workflows.removal.retire import DRAINING
from herder.workflows.step import Step

type Context = WorkflowContext[Removal]

_PATIENCE_S: Final = 2.0
"""How long a replica that hangs may hold up the draining of the others."""


class Find(Step[Removal]):
    """Where the worker is listed. A replica that does not answer is left to the last step, which insists."""

    id: ClassVar[str] = "find"

    async def attempt(self, context: Context) -> None:
        """Look at every replica once. A record that names an id is kept: its registration may be pending."""
        data = context.data

        async def look(replica: Replica) -> None:
            listed = await replica.find_all(data.url)
            record = data.entry(replica.endpoint)
            ours = [worker for worker in listed if is_ours(data.owner, record, worker)]
            if ours:
                found = replace(record, worker_id=ours[0].id)
                data.entries[replica.endpoint] = found.seen(state_of(ours[0]), data.now())
            elif record.worker_id is None and not record.is_lost_add:
                data.entries[replica.endpoint] = record.gone(data.now())

        await on_each(data.replicas, look, data, patience_s=_PATIENCE_S)


def is_listed_anywhere(context: Context) -> bool:
    """Whether there is anything to drain."""
    return any(entry.state in REGISTERED | {EntryState.DRAINING} for entry in context.data.entries.values())


class Drain(Step[Removal]):
    """Every replica that lists the worker has been told, once, to drain it: no new requests, those under way end."""

    id: ClassVar[str] = "drain"

    async def attempt(self, context: Context) -> None:
        """Send each replica its DELETE. What fails here is looked after by the last step, which insists."""
        data = context.data
        await on_each(data.replicas, partial(retire, data=data), data, patience_s=_PATIENCE_S)


class Remove(Step[Removal]):
    """What was drained is off the list: the drain's time is up and the replica answers 404 for it."""

    id: ClassVar[str] = "remove"

    async def attempt(self, context: Context) -> None:
        """Look at what still drains."""
        data = context.data
        draining = [r for r in data.replicas if data.entry(r.endpoint).state is EntryState.DRAINING]
        problems = await on_each(draining, partial(retire, data=data), data)
        still = {e: p for e, p in problems.items() if p.reason == DRAINING.reason}
        if still:
            raise fault_of(still)


class Confirm(Step[Removal]):
    """No replica has the worker or will get it: what was away, pending or came back meanwhile is removed here, too."""

    id: ClassVar[str] = "confirm"

    async def attempt(self, context: Context) -> None:
        """Make each replica's next move until none has one."""
        data = context.data
        await insist(data, partial(retire, data=data))
