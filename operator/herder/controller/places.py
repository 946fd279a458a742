"""How many runs are at work at once: a thousand sick workers must not keep the healthy ones from their turn.

A run takes a place before it begins and keeps it from step to step. When it has to wait for a later attempt it gives
the place away, and from then on takes one for each attempt only. What waits for a place does not use up its timeout.
"""

import asyncio
import math
from dataclasses import replace
from typing import Any, Final, Protocol

from herder.engine import StepDefinition, StepResult, StepTimeoutError, WorkflowContext, WorkflowDefinition


class Places:
    """`at_once` places, and which instances keep one."""

    def __init__(self, at_once: int) -> None:
        self._free: Final = asyncio.Semaphore(at_once)
        self._kept: set[str] = set()
        self.free = at_once
        """How many places nobody has."""

    async def take(self, instance_id: str) -> None:
        """Wait for a place and keep it."""
        await self._acquire()
        self._kept.add(instance_id)

    def give(self, instance_id: str) -> None:
        """Give the instance's place away, if it keeps one."""
        if instance_id in self._kept:
            self._kept.discard(instance_id)
            self._release()

    def bounded[D](self, definition: WorkflowDefinition[D]) -> WorkflowDefinition[D]:
        """Return the definition with every attempt of every step in a place."""
        steps = tuple(self._bounded(step, definition.default_timeout) for step in definition.steps)
        return replace(definition, steps=steps)

    def _bounded[D](self, step: StepDefinition[D], default_timeout_s: float) -> StepDefinition[D]:
        timeout_s = default_timeout_s if step.timeout is None else step.timeout
        return replace(step, run=_InPlace(self, step, timeout_s), timeout=math.inf)

    async def run(self, work: "_Work", context: WorkflowContext[Any]) -> StepResult | None:
        """Run an attempt, in the place that its instance keeps or in one taken for it."""
        if context.instance_id in self._kept:
            return await work.attempt(context)
        await self._acquire()
        try:
            return await work.attempt(context)
        finally:
            self._release()

    async def _acquire(self) -> None:
        await self._free.acquire()
        self.free -= 1

    def _release(self) -> None:
        self.free += 1
        self._free.release()


class _Work(Protocol):
    async def attempt(self, context: WorkflowContext[Any]) -> StepResult | None: ...


class _InPlace:
    """A step whose attempts each wait for a place; only the attempt itself is timed."""

    def __init__(self, places: Places, step: StepDefinition[Any], timeout_s: float) -> None:
        self._places = places
        self._step: Any = step.run
        self._id = step.id
        self._timeout_s = timeout_s

    async def execute(self, context: WorkflowContext[Any]) -> StepResult | None:
        """Make one attempt in a place."""
        return await self._places.run(self, context)

    async def attempt(self, context: WorkflowContext[Any]) -> StepResult | None:
        """Make one attempt. Raises StepTimeoutError, as the engine would, and what the step raises."""
        limit = asyncio.timeout(self._timeout_s)
        try:
            async with limit:
                result: StepResult | None = await self._step.execute(context)
        except TimeoutError:
            if limit.expired():
                raise StepTimeoutError(self._id, self._timeout_s) from None
            raise
        return result

    def is_retryable(self, error: Exception) -> bool:
        """As the step says."""
        return bool(self._step.is_retryable(error))

    async def on_failure(self, context: WorkflowContext[Any], error: Exception) -> None:
        """As the step does."""
        await self._step.on_failure(context, error)
