"""Stores that behave like those of a database, or like a bad day."""

import asyncio
import copy
from datetime import timedelta
from typing import Any

import pytest

from herder.engine import WORKFLOW_ENDED, InMemoryStateStore, UnknownInstanceError, WorkflowState, WorkflowStatus
from herder.engine.store import StateChange
from unit.engine.kit import clock

type State = WorkflowState[Any]


class CopyingStore:
    """Keeps copies, as a database would, and makes everybody wait a little for each call."""

    def __init__(self, latency_s: float = 0.0) -> None:
        self.kept: dict[str, State] = {}
        self._latency_s = latency_s
        self._lock = asyncio.Lock()

    async def save(self, state: State) -> None:
        await asyncio.sleep(self._latency_s)
        self.kept[state.instance_id] = copy.deepcopy(state)

    async def load(self, instance_id: str) -> State:
        await asyncio.sleep(self._latency_s)
        return copy.deepcopy(self._get(instance_id))

    async def update(self, instance_id: str, change: StateChange) -> None:
        async with self._lock:
            state = copy.deepcopy(self._get(instance_id))
            await asyncio.sleep(self._latency_s)
            change(state)
            self.kept[instance_id] = state

    async def delete(self, instance_id: str) -> None:
        await asyncio.sleep(self._latency_s)
        self.kept.pop(instance_id, None)

    async def list_active(self) -> list[State]:
        return [state for state in await self.list_all() if state.status not in WORKFLOW_ENDED]

    async def list_all(self) -> list[State]:
        await asyncio.sleep(self._latency_s)
        return copy.deepcopy(list(self.kept.values()))

    async def is_cancelled(self, instance_id: str) -> bool:
        await asyncio.sleep(self._latency_s)
        return self._get(instance_id).status is WorkflowStatus.CANCELLED

    async def cleanup_old_workflows(self, ttl: float) -> int:
        now = clock()
        old = [
            instance_id
            for instance_id, state in self.kept.items()
            if state.status in WORKFLOW_ENDED and not now - timedelta(seconds=ttl) < state.updated_at <= now
        ]
        for instance_id in old:
            await self.delete(instance_id)
        return len(old)

    async def cleanup_if_terminal(self, instance_id: str) -> bool:
        state = self.kept.get(instance_id)
        if state is None or state.status not in WORKFLOW_ENDED:
            return False
        await self.delete(instance_id)
        return True

    def _get(self, instance_id: str) -> State:
        try:
            return self.kept[instance_id]
        except KeyError:
            raise UnknownInstanceError(instance_id) from None


class StoreDownError(Exception):
    """What the failing store raises."""


class FailingStore(InMemoryStateStore):
    """Fails at the n-th call of the engine, counting from 1, and at every later one too if it `stays_down`."""

    def __init__(self, nth: int, *, stays_down: bool) -> None:
        super().__init__(clock=clock)
        self.calls = 0
        self._nth = nth
        self._stays_down = stays_down

    async def save(self, state: State) -> None:
        self._count()
        await super().save(state)

    async def update(self, instance_id: str, change: StateChange) -> None:
        self._count()
        await super().update(instance_id, change)

    async def load(self, instance_id: str) -> State:
        self._count()
        return await super().load(instance_id)

    def _count(self) -> None:
        self.calls += 1
        if self.calls == self._nth or (self._stays_down and self.calls > self._nth):
            raise StoreDownError(f"call {self.calls}")


EITHER_STORE = pytest.mark.parametrize("make_store", [InMemoryStateStore, CopyingStore])
