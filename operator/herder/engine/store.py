"""Where instances are remembered."""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from herder.engine.state import WorkflowState

type State = WorkflowState[Any]
"""A store keeps instances of any workflow; it never looks at their data."""

type StateChange = Callable[[State], None]
"""A plain function that alters the state it is given. A store may call it again, on a fresh copy."""


class StateStore(Protocol):
    """What the engine needs of a store. Anything else that these raise ends the instance concerned as failed."""

    async def save(self, state: State) -> None:
        """Keep a state, in place of an earlier one of the same instance."""
        ...

    async def load(self, instance_id: str) -> State:
        """Return a copy that the caller may alter. Raises UnknownInstanceError."""
        ...

    async def update(self, instance_id: str, change: StateChange) -> None:
        """Apply `change` to the kept state as one step: nobody else's change falls in between, none is lost.

        What `change` raises goes to the caller. Raises UnknownInstanceError.
        """
        ...

    async def delete(self, instance_id: str) -> None:
        """Forget an instance; one that is not known is none already."""
        ...

    async def list_active(self) -> list[State]:
        """Return copies of the instances that have not ended."""
        ...

    async def list_all(self) -> list[State]:
        """Return copies of all instances."""
        ...

    async def is_cancelled(self, instance_id: str) -> bool:
        """Whether the instance was cancelled. Raises UnknownInstanceError."""
        ...

    async def cleanup_old_workflows(self, ttl: float) -> int:
        """Forget the instances that ended `ttl` seconds ago or earlier, and return how many.

        One whose end is stamped in the future was written by a clock that runs ahead, and goes too: it would never grow
        old. One that has not ended is never forgotten.
        """
        ...

    async def cleanup_if_terminal(self, instance_id: str) -> bool:
        """Forget the instance if it has ended, and return whether it was forgotten."""
        ...


@runtime_checkable
class ReadableNow(Protocol):
    """A store that can be read without waiting, so that `get_state` need not remember what has ended."""

    def peek(self, instance_id: str) -> State | None:
        """Return the kept state itself, to be read only, or None."""
        ...
