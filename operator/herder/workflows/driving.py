"""The steps that bring replicas to a declaration: send, wait until each lists the worker so, verify what is listed."""

from contextlib import suppress
from typing import ClassVar

from herder.engine import WorkflowContext
from herder.gateway.types import Worker, WorkerStatus
from herder.workflows.advance import advance
from herder.workflows.compare import group_difference, models_of
from herder.workflows.converge import PENDING, change_of
from herder.workflows.convergence import Convergence
from herder.workflows.entry import Entry, state_of
from herder.workflows.errors import Transient, Waiting
from herder.workflows.fanout import drive, drive_in_reach
from herder.workflows.lookup import look_up
from herder.workflows.ports import Replica
from herder.workflows.step import Step


class Send[D: Convergence](Step[D]):
    """Every replica that answers has been told what its entry is to be, or has it so already."""

    async def attempt(self, context: WorkflowContext[D]) -> None:
        """Make each replica's next move."""
        data = context.data

        async def move(replica: Replica) -> None:
            with suppress(Waiting):  # the next step is for waiting
                await advance(replica, data)

        await drive(data, move, context.attempt)


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

        await drive_in_reach(data, look, context.attempt)


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

        await drive_in_reach(data, compare, context.attempt)


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


def _is_enough(worker: Worker, entry: Entry, spec_hash: str) -> bool:
    """Whether looking was enough: it is still pending, or carries what was sent with no change being applied."""
    if worker.status is WorkerStatus.PENDING:
        return True
    is_as_sent = entry.spec_hash == spec_hash
    return is_as_sent and worker.status is not WorkerStatus.DRAINING and change_of(worker) is None
