"""What has ended lately, for stores that can't be read without waiting."""

from herder.engine.store import State


class RecentStates:
    """Remembers the last `limit` states put into it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._states: dict[str, State] = {}

    def put(self, state: State) -> None:
        """Remember a state, and forget the one put first where there are too many."""
        if self._limit == 0:
            return
        self._states.pop(state.instance_id, None)
        self._states[state.instance_id] = state
        if len(self._states) > self._limit:
            del self._states[next(iter(self._states))]

    def peek(self, instance_id: str) -> State | None:
        """Return the state itself, to be read only, or None."""
        return self._states.get(instance_id)
