"""The last steps of a move: the new URL serves, and what is registered under former ones goes, replica by replica."""

from functools import partial
from typing import ClassVar

from herder.engine import WorkflowContext
from herder.gateway.types import WorkerStatus
from herder.workflows.advance import advance
from herder.workflows.entry import LOST_ADD, REGISTERED
from herder.workflows.errors import Waiting
from herder.workflows.fanout import drive_in_reach, insist
from herder.workflows.ports import Replica
from herder.workflows.registration.data import Registration
from herder.workflows.removal.carry_out import retire
from herder.workflows.removal.data import Removal
from herder.workflows.step import Step

type Context = WorkflowContext[Registration]


class AwaitServing(Step[Registration]):
    """Every replica that answers finds the worker well under its new URL: until then it keeps the former one."""

    id: ClassVar[str] = "await_serving"

    async def attempt(self, context: Context) -> None:
        """Look at each replica; what it lost meanwhile is registered again."""
        data = context.data
        await drive_in_reach(data, partial(serve, data=data), context.attempt)


class RetireFormer(Step[Registration]):
    """No replica has the worker under a former URL, or will get it: each drains that once the new one serves there."""

    id: ClassVar[str] = "retire_former"

    async def attempt(self, context: Context) -> None:
        """Make each replica's next move until none has one."""
        data = context.data
        await insist(data, partial(hand_over, data=data))


async def serve(replica: Replica, data: Registration) -> None:
    """Have a replica list the worker as declared, and well. Raises Waiting while it does not, or as `advance` does."""
    worker = await advance(replica, data)
    if worker is None or worker.status is not WorkerStatus.READY:
        raise Waiting(
            "WorkerNotReady",
            f"{replica.endpoint} does not find it well yet under {data.plan.url}, so its former URL stays in service",
        )


async def doubt(replica: Replica, part: Removal) -> None:
    """Assume that what a replica lost may be under way there: it is given back while the new URL does not serve."""
    is_noted = part.entry(replica.endpoint).state in REGISTERED
    if is_noted and not await replica.find_all(part.url):
        part.entries[replica.endpoint] = LOST_ADD


async def hand_over(replica: Replica, data: Registration) -> None:
    """Take former URLs off a replica on which the new one serves, all at once. Raises as `serve` and `retire` do."""
    await serve(replica, data)
    waits: list[Waiting] = []
    for part in data.former:
        try:
            await doubt(replica, part)
            await retire(replica, part)
        except Waiting as wait:
            waits.append(wait)
    if waits:
        raise waits[0]
