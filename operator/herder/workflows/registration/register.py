"""The steps that drive the replicas: post, wait until each lists the worker, verify what is listed.

A replica that does not answer is left out after a few attempts as long as another one does: it gets the worker when it
is back, and until then the status shows that it is Unreachable.
"""

from contextlib import suppress
from typing import ClassVar, Final

from herder.api.status import EntryState
from herder.engine import WorkflowContext
from herder.gateway.types import Worker, WorkerStatus
from herder.workflows.compare import difference
from herder.workflows.converge import PENDING, change_of
from herder.workflows.entry import Entry, state_of
from herder.workflows.errors import Problem, Transient, Waiting
from herder.workflows.fanout import fault_of, on_each
from herder.workflows.ports import Replica
from herder.workflows.registration.advance import advance, look_up
from herder.workflows.registration.data import Registration
from herder.workflows.step import Step

type Context = WorkflowContext[Registration]

_PATIENCE: Final = 3
"""Attempts that a replica without an answer is waited for while others answer."""


class Register(Step[Registration]):
    """Every replica that answers has been asked to register the worker, or has it already."""

    id: ClassVar[str] = "register"

    async def attempt(self, context: Context) -> None:
        """Make each replica's next move."""
        data = context.data

        async def move(replica: Replica) -> None:
            with suppress(Waiting):  # await_ready is for waiting
                await advance(replica, data)

        _raise_unless_tolerable(await on_each(data.replicas, move), context)


class AwaitReady(Step[Registration]):
    """Every replica that answers lists the worker with the declaration applied, ready or found sick by its checks."""

    id: ClassVar[str] = "await_ready"

    async def attempt(self, context: Context) -> None:
        """Look at each replica that is not there yet; post again where a registration ended in a plain 404."""
        data = context.data

        async def look(replica: Replica) -> None:
            entry = data.entry(replica.endpoint)
            worker = await look_up(replica, entry.worker_id)
            if worker is None or not _is_there(worker, entry):
                worker = await advance(replica, data)
            if worker is None or worker.status is WorkerStatus.PENDING:
                raise Waiting(PENDING.reason, f"{replica.endpoint}: {PENDING.why}")
            data.entries[replica.endpoint] = data.entry(replica.endpoint).seen(state_of(worker), data.now())
            data.facts = data.facts.completed_from(worker)

        _raise_unless_tolerable(await on_each(data.replicas, look), context)


class Verify(Step[Registration]):
    """What each replica lists is what is declared: priority, cost, type, labels (the owner's among them) and model."""

    id: ClassVar[str] = "verify"

    async def attempt(self, context: Context) -> None:
        """Compare every listed entry."""
        data = context.data

        async def compare(replica: Replica) -> None:
            listed = await replica.find_all(data.plan.url)
            if not listed:
                raise Transient("NotListed", f"{replica.endpoint}: it has taken the worker off its list again")
            for worker in listed:
                found = difference(worker, data.plan, data.facts.models)
                if found is not None:
                    raise Transient("NotAsDeclared", f"{replica.endpoint}: {found}")

        answering = [r for r in data.replicas if data.entry(r.endpoint).state is not EntryState.UNREACHABLE]
        _raise_unless_tolerable(await on_each(answering, compare), context)


def _is_there(worker: Worker, entry: Entry) -> bool:
    """Whether looking was enough: it is still pending, or carries what was sent with no change being applied."""
    if worker.status is WorkerStatus.PENDING:
        return True
    return entry.spec_hash is not None and worker.status is not WorkerStatus.DRAINING and change_of(worker) is None


def _raise_unless_tolerable(problems: dict[str, Problem], context: Context) -> None:
    """Raise if any replica has a problem, but for those out of reach once they have been waited for."""
    away = {e: p for e, p in problems.items() if p.reason == "GatewayUnreachable"}
    others = {e: p for e, p in problems.items() if e not in away}
    if others:
        raise fault_of(others)
    if away and (len(away) == len(context.data.replicas) or context.attempt < _PATIENCE):
        raise fault_of(away)
