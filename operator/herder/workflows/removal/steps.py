"""The steps of a removal, each of them on all replicas at once, and for all of the worker's URLs."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import ClassVar, Final

from herder.api.status import EntryState
from herder.engine import WorkflowContext
from herder.workflows.entry import REGISTERED, is_ours, state_of
from herder.workflows.errors import Problem
from herder.workflows.fanout import fault_of, on_each
from herder.workflows.ports import Replica
from herder.workflows.removal.carry_out import retire
from herder.workflows.removal.data import Removal
from herder.workflows.removal.retire import DRAINING
from herder.workflows.step import Step

type Context = WorkflowContext[Removal]

_PATIENCE_S: Final = 2.0
"""How long a replica that hangs may hold up the draining of the others."""


async def on_each_part(
    data: Removal, act: Callable[[Replica, Removal], Awaitable[None]], *, patience_s: float | None = None
) -> dict[str, Problem]:
    """Run `act` on all replicas for every URL, all at once; return what went wrong, one problem a replica at most."""

    async def of(part: Removal) -> dict[str, Problem]:
        return await on_each(part.replicas, lambda replica: act(replica, part), part, patience_s=patience_s)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(of(part)) for part in reversed(data.parts)]
    return {endpoint: problem for task in tasks for endpoint, problem in task.result().items()}


class Find(Step[Removal]):
    """Where the worker is listed. A replica that does not answer is left to the last step, which insists."""

    id: ClassVar[str] = "find"

    async def attempt(self, context: Context) -> None:
        """Look at every replica once. A record that names an id is kept: its registration may be pending."""

        async def look(replica: Replica, part: Removal) -> None:
            listed = await replica.find_all(part.url)
            record = part.entry(replica.endpoint)
            ours = [worker for worker in listed if is_ours(part.owner, record, worker)]
            if ours:
                found = replace(record, worker_id=ours[0].id)
                part.entries[replica.endpoint] = found.seen(state_of(ours[0]), part.now())
            elif record.worker_id is None and not record.is_lost_add:
                part.entries[replica.endpoint] = record.gone(part.now())

        await on_each_part(context.data, look, patience_s=_PATIENCE_S)


def is_listed_anywhere(context: Context) -> bool:
    """Whether there is anything to drain."""
    entries = (entry for part in context.data.parts for entry in part.entries.values())
    return any(entry.state in REGISTERED | {EntryState.DRAINING} for entry in entries)


class Drain(Step[Removal]):
    """Every replica that lists the worker has been told, once, to drain it: no new requests, those under way end."""

    id: ClassVar[str] = "drain"

    async def attempt(self, context: Context) -> None:
        """Send each replica its DELETE. What fails here is looked after by the last step, which insists."""
        await on_each_part(context.data, retire, patience_s=_PATIENCE_S)


class Remove(Step[Removal]):
    """What was drained is off the list: the drain's time is up and the replica answers 404 for it."""

    id: ClassVar[str] = "remove"

    async def attempt(self, context: Context) -> None:
        """Look at what still drains."""

        async def look(replica: Replica, part: Removal) -> None:
            if part.entry(replica.endpoint).state is EntryState.DRAINING:
                await retire(replica, part)

        problems = await on_each_part(context.data, look)
        still = {e: p for e, p in problems.items() if p.reason == DRAINING.reason}
        if still:
            raise fault_of(still)


class Confirm(Step[Removal]):
    """No replica has the worker or will get it: what was away, pending or came back meanwhile is removed here, too."""

    id: ClassVar[str] = "confirm"

    async def attempt(self, context: Context) -> None:
        """Make each replica's next move until none has one."""
        problems = await on_each_part(context.data, retire)
        if problems:
            raise fault_of(problems)
