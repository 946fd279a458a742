"""The store that is a dict."""

from collections.abc import Callable
from datetime import datetime, timedelta

from herder.engine.errors import UnknownInstanceError
from herder.engine.state import utc_now
from herder.engine.status import WORKFLOW_ENDED, WorkflowStatus
from herder.engine.store import State, StateChange


class InMemoryStateStore:
    """Keeps states for as long as the process lives. No call ever waits, so none needs a lock.

    `save` keeps the very object that it is given, and `update` alters it in place.
    """

    def __init__(self, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._states: dict[str, State] = {}
        self._clock = clock

    def peek(self, instance_id: str) -> State | None:
        """Return the kept state itself, to be read only, or None."""
        return self._states.get(instance_id)

    async def save(self, state: State) -> None:
        """Keep a state, in place of an earlier one of the same instance."""
        self._states[state.instance_id] = state

    async def load(self, instance_id: str) -> State:
        """Return a copy that the caller may alter. Raises UnknownInstanceError."""
        return self._get(instance_id).snapshot()

    async def update(self, instance_id: str, change: StateChange) -> None:
        """Apply `change` to the kept state. Raises UnknownInstanceError."""
        state = self._states.get(instance_id)
        if state is None:
            raise UnknownInstanceError(instance_id)
        change(state)

    async def delete(self, instance_id: str) -> None:
        """Forget an instance; one that is not known is none already."""
        self._states.pop(instance_id, None)

    async def list_active(self) -> list[State]:
        """Return copies of the instances that have not ended."""
        return [state.snapshot() for state in self._states.values() if state.status not in WORKFLOW_ENDED]

    async def list_all(self) -> list[State]:
        """Return copies of all instances."""
        return [state.snapshot() for state in self._states.values()]

    async def is_cancelled(self, instance_id: str) -> bool:
        """Whether the instance was cancelled. Raises UnknownInstanceError."""
        return self._get(instance_id).status is WorkflowStatus.CANCELLED

    async def cleanup_old_workflows(self, ttl: float) -> int:
        """Forget what ended `ttl` seconds ago or earlier, or in the future, and return how many."""
        now = self._clock()
        oldest_kept = now - timedelta(seconds=ttl)
        gone = [
            instance_id
            for instance_id, state in self._states.items()
            if state.status in WORKFLOW_ENDED and not oldest_kept < state.updated_at <= now
        ]
        for instance_id in gone:
            del self._states[instance_id]
        return len(gone)

    async def cleanup_if_terminal(self, instance_id: str) -> bool:
        """Forget the instance if it has ended, and return whether it was forgotten."""
        state = self._states.get(instance_id)
        if state is None or state.status not in WORKFLOW_ENDED:
            return False
        del self._states[instance_id]
        return True

    def _get(self, instance_id: str) -> State:
        try:
            return self._states[instance_id]
        except KeyError:
            raise UnknownInstanceError(instance_id) from None
