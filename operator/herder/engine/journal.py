"""The one place where an instance's state, its events and its data change, and they change together.

A change goes to the store first, and is refused if the store's state says that somebody else has ended the instance;
then to the run's own copy, where the store does not keep that very object; then to whoever listens.
"""

from functools import partial

import structlog

from herder.engine.changes import Change, State, WorkflowEnded
from herder.engine.ports import Ports
from herder.engine.state import WorkflowOutcome, outcome_of
from herder.engine.status import WORKFLOW_ENDED, WorkflowStatus

log = structlog.get_logger(__name__)


class Superseded(Exception):  # noqa: N818 (nothing went wrong)
    """There is something to write, but the instance is ending or was ended by somebody else."""


class Journal:
    """What is written of one instance."""

    __slots__ = ("_ended_elsewhere", "_store_keeps_ours", "is_closed", "ports", "state")

    def __init__(self, state: State, ports: Ports) -> None:
        self.state = state
        self.ports = ports
        self.is_closed = False
        """Set as soon as it is decided that the instance ends: from then on no step writes anything."""
        self._ended_elsewhere: State | None = None
        self._store_keeps_ours = False

    @property
    def ended_elsewhere(self) -> WorkflowOutcome | None:
        """How somebody else ended the instance, if the store told so."""
        return None if self._ended_elsewhere is None else outcome_of(self._ended_elsewhere)

    async def write(self, change: Change) -> None:
        """Make a change and tell of it. Raises Superseded, and whatever the store raises."""
        if self.is_closed:
            raise Superseded
        await self._update(change)
        if self._ended_elsewhere is not None:
            raise Superseded
        if self.ports.bus.has_subscribers:
            await self.ports.bus.publish(change.event(self.state))

    async def end(self, outcome: WorkflowOutcome) -> WorkflowOutcome:
        """Write the terminal state and tell of it; return the outcome as it now stands.

        That is another than the given one where somebody else was first, or where the store fails: what can't be
        written has not happened, so the workflow then failed, of the store.
        """
        at = self.ports.clock()
        ending = WorkflowEnded(outcome, at)
        try:
            await self._update(ending)
        except Exception as error:  # a store may raise anything; the waiters have to be told all the same
            log.exception("workflow.end_not_stored", instance=self.state.instance_id)
            ending = WorkflowEnded(store_failure(error), at)
            if self.state.status not in WORKFLOW_ENDED:
                ending.apply(self.state)
        if self._ended_elsewhere is not None:
            self.state = self._ended_elsewhere
            ending = WorkflowEnded(outcome_of(self.state), at)
        if self.ports.bus.has_subscribers:
            await self.ports.bus.publish(ending.event(self.state))
        return ending.outcome

    async def _update(self, change: Change) -> None:
        await self.ports.store.update(self.state.instance_id, partial(self._apply, change))
        if not self._store_keeps_ours and self._ended_elsewhere is None:
            change.apply(self.state)

    def _apply(self, change: Change, stored: State) -> None:
        if stored.status in WORKFLOW_ENDED:
            self._ended_elsewhere = stored
            return
        self._store_keeps_ours = stored is self.state
        if not self._store_keeps_ours:
            stored.data = self.state.data
        change.apply(stored)


def store_failure(error: BaseException) -> WorkflowOutcome:
    """Return how a workflow ends whose state can't be written."""
    return WorkflowOutcome(WorkflowStatus.FAILED, error=f"the state could not be written: {error!r}")
