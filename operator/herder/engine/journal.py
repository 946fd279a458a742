"""The one place where an instance's state, its events and its data change, and they change together.

Changes go to the store first, and are refused if the store's state says that somebody else has ended the instance; then
to the run's own copy, where the store does not keep that very object; then to whoever listens.
"""

from asyncio import CancelledError
from collections.abc import Sequence
from datetime import datetime

import structlog

from herder.engine.cancelling import is_cancelled
from herder.engine.changes import Change, State, WorkflowEnded
from herder.engine.errors import WorkflowError
from herder.engine.ports import Ports
from herder.engine.state import COMPLETED, WorkflowOutcome, outcome_of
from herder.engine.status import WORKFLOW_ENDED, WorkflowStatus

log = structlog.get_logger(__name__)


class EndedElsewhere(Exception):
    """Nothing was written, because somebody else has ended the instance; `outcome` says how."""

    def __init__(self, state: State) -> None:
        super().__init__(state.instance_id)
        self.state = state
        self.outcome = outcome_of(state)


class Journal:
    """What is written of one instance, by one writer: its run."""

    __slots__ = ("_at", "_changes", "_ended_elsewhere", "_ports", "_store_keeps_ours", "state")

    def __init__(self, state: State, ports: Ports) -> None:
        self.state = state
        self._ports = ports
        self._changes: Sequence[Change] = ()
        self._at = state.updated_at
        self._store_keeps_ours = False
        self._ended_elsewhere: State | None = None

    async def write(self, changes: Sequence[Change]) -> None:
        """Make changes in one go and tell of each. Raises EndedElsewhere, and whatever the store raises."""
        state, ports = self.state, self._ports
        self._changes = changes
        self._at = ports.clock()
        try:
            await ports.store.update(state.instance_id, self._apply)
        except CancelledError as error:
            if is_cancelled():
                raise
            raise WorkflowError("the store was cancelled by something that it waited for") from error
        if self._ended_elsewhere is not None:
            raise EndedElsewhere(self._ended_elsewhere)
        if not self._store_keeps_ours:
            _alter(state, changes, self._at)
        if ports.bus.listeners:
            ports.bus.publish_all([change.event(state) for change in changes])

    async def end(self, outcome: WorkflowOutcome, before: Sequence[Change]) -> WorkflowOutcome:
        """Write the terminal state, with the changes that came `before`; return the outcome as it now stands.

        That is another than the given one where somebody else was first, or where the store fails: what can't be
        written has not happened, so the workflow then failed, of the store.
        """
        try:
            await self.write((*before, COMPLETION if outcome is COMPLETED else WorkflowEnded(outcome)))
        except EndedElsewhere as elsewhere:
            self.state = elsewhere.state
            ending = WorkflowEnded(elsewhere.outcome)
        except Exception as error:  # a store may raise anything; the waiters have to be told all the same
            log.exception("workflow.end_not_stored", instance=self.state.instance_id)
            if before:  # it was no bare end: that one may still find its way
                return await self.end(store_failure(error), ())
            ending = WorkflowEnded(store_failure(error))
            if self.state.status not in WORKFLOW_ENDED:
                ending.apply(self.state, self._at)
        else:
            return outcome
        if self._ports.bus.listeners:
            await self._ports.bus.publish(ending.event(self.state))
        return ending.outcome

    def _apply(self, stored: State) -> None:
        if stored.status in WORKFLOW_ENDED:
            self._ended_elsewhere = stored
            return
        self._store_keeps_ours = stored is self.state
        if not self._store_keeps_ours:
            stored.data = self.state.data
        _alter(stored, self._changes, self._at)


COMPLETION = WorkflowEnded(COMPLETED)


def _alter(state: State, changes: Sequence[Change], at: datetime) -> None:
    state.updated_at = at
    for change in changes:
        change.apply(state, at)


def store_failure(error: BaseException) -> WorkflowOutcome:
    """Return how a workflow ends whose state can't be written."""
    return WorkflowOutcome(WorkflowStatus.FAILED, error=f"the state could not be written: {error!r}")
