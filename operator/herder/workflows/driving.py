"""The steps that bring replicas to a declaration: send, wait until each lists the worker so, verify what is listed.

A replica that does not answer is left out after a few attempts as long as another one does: it gets the worker when it
is back, and until then the status shows that it is Unreachable.
"""

from contextlib import suppress
from typing import ClassVar, Final

from herder.api.status import EntryState
from herder.engine import WorkflowContext
from herder.gateway.types import Worker, WorkerStatus
from herder.workflows.advance import advance
from herder.workflows.compare import group_difference, models_of
from herder.workflows.converge import PENDING, change_of
from herder.workflows.convergence import Convergence
from herder.workflows.entry import Entry, state_of
from herder.workflows.errors import UNREACHABLE, Problem, Transient, Waiting
from herder.workflows.fanout import fault_of, on_each
from herder.workflows.lookup import look_up
from herder.workflows.ports import Replica
from herder.workflows.step import Step

_PATIENCE: Final = 3
"""Attempts that a replica without an answer is waited for while others answer."""


class Send[D: Convergence](Step[D]):
    """Every replica that answers has been told what its entry is to be, or has it so already."""

    async def attempt(self, context: WorkflowContext[D]) -> None:
        """Make each replica's next move."""
        data = context.data

        async def move(replica: Replica) -> None:
            with suppress(Waiting):  # the next step is for waiting
                await advance(replica, data)

        raise_unless_tolerable(await on_each(data.replicas, move, data), context)


class AwaitListed[D: Convergence](Step[D]):
    """Every replica that answers lists the worker with the declaration applied, ready or found sick by its checks."""

    async def attempt(self, context: WorkflowContext[D]) -> None:
        """Look at each replica that is not there yet; post again where a registration ended in a plain 404."""
        data = context.data

        async def look(replica: Replica) -> None:
            entry = data.entry(replica.endpoint)
            worker = await look_up(replica, entry.worker_id, data.plan.url)
            if worker is None or not _is_enough(worker, entry, data.plan.spec_hash):
                worker = await advance(replica, data)
            if worker is not None:
                data.entries[replica.endpoint] = data.entry(replica.endpoint).seen(state_of(worker), data.now())
            if worker is None or worker.status is WorkerStatus.PENDING:
                raise Waiting(PENDING.reason, f"{replica.endpoint}: {PENDING.why}")
            data.facts = data.facts.completed_from(worker, data.secrets)

        raise_unless_tolerable(await on_each(in_reach(data), look, data), context)


class Verify[D: Convergence](Step[D]):
    """What each replica lists is what is declared: priority, cost, type, labels (the owner's among them), model, ranks.

    What the gateway does by itself after a registration, such as activating the worker and giving it to its policies,
    shows in what it lists; nothing of it is done again.
    """

    id: ClassVar[str] = "verify"

    async def attempt(self, context: WorkflowContext[D]) -> None:
        """Compare every listed entry; what is otherwise is sent again, and looked at in the next attempt."""
        data = context.data

        async def compare(replica: Replica) -> None:
            listed = await replica.find_all(data.plan.url)
            data.served[replica.endpoint] = models_of(listed)
            found = _fault(listed, data)
            if found is not None:
                await advance(replica, data)
                raise Transient(found[0], f"{replica.endpoint}: {found[1]}")

        raise_unless_tolerable(await on_each(in_reach(data), compare, data), context)


def _fault(listed: tuple[Worker, ...], data: Convergence) -> tuple[str, str] | None:
    """Return reason and text for the first thing that is not as declared."""
    if not listed:
        return "NotListed", "it has taken the worker off its list again"
    first = group_difference(listed, data.plan, data.facts.models)
    return None if first is None else ("NotAsDeclared", first)


async def served_by(replica: Replica, data: Convergence) -> frozenset[str]:
    """Return the models that a replica lists under the worker, as `verify` saw them."""
    served = data.served.get(replica.endpoint)
    return models_of(await replica.find_all(data.plan.url)) if served is None else served


def in_reach(data: Convergence) -> tuple[Replica, ...]:
    """Return the replicas that are not left out, or all if none is in reach."""
    answering = tuple(r for r in data.replicas if data.entry(r.endpoint).state is not EntryState.UNREACHABLE)
    return answering or data.replicas


def _is_enough(worker: Worker, entry: Entry, spec_hash: str) -> bool:
    """Whether looking was enough: it is still pending, or carries what was sent with no change being applied."""
    if worker.status is WorkerStatus.PENDING:
        return True
    is_as_sent = entry.spec_hash == spec_hash
    return is_as_sent and worker.status is not WorkerStatus.DRAINING and change_of(worker) is None


def raise_unless_tolerable[D: Convergence](problems: dict[str, Problem], context: WorkflowContext[D]) -> None:
    """Raise if any replica has a problem, but for those out of reach once they have been waited for."""
    away = {e: p for e, p in problems.items() if p.reason == UNREACHABLE}
    others = {e: p for e, p in problems.items() if e not in away}
    if others:
        raise fault_of(others)
    if away and (len(away) == len(context.data.replicas) or context.attempt < _PATIENCE):
        raise fault_of(away)
