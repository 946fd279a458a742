"""What a run has under way for its steps: attempts, conditions, hooks and waits, each a task.

Work that is through within its own start is handed back on the spot: it never becomes an errand, and costs no timer.
"""

import asyncio
import math
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import structlog

from herder.engine.errors import StepTimeoutError, WorkflowError
from herder.engine.plan import Context, PlannedStep
from herder.engine.ports import Ports

log = structlog.get_logger(__name__)

type Work = Coroutine[Any, Any, object]

type Then = Callable[[PlannedStep, Context, object], None]
"""Takes what work returned, or the exception that it raised."""


class Errand:
    """Work that had to wait for something."""

    __slots__ = ("_has_timed_out", "_timer", "context", "step", "task", "then")

    def __init__(self, step: PlannedStep, context: Context, task: asyncio.Task[Any], then: Then) -> None:
        self.step = step
        self.context = context
        self.task = task
        self.then = then
        self._timer: asyncio.TimerHandle | None = None
        self._has_timed_out = False

    def limit(self, timeout_s: float) -> None:
        """Cancel the work when it is not through in time."""
        self._timer = asyncio.get_running_loop().call_later(timeout_s, self._time_out)

    def has_timed_out(self) -> bool:
        """Whether the work, which is through, was cancelled because it was too slow. Stops the timer."""
        if self._timer is not None:
            self._timer.cancel()
        return self._has_timed_out

    def _time_out(self) -> None:
        self._has_timed_out = True
        self.task.cancel()


class Errands:
    """All that is under way for one instance. What comes back is handed to its `then`, until these are closed."""

    __slots__ = ("_grace_s", "_is_closed", "_tasks", "_under_way", "_waiter", "is_cut_off", "loop")

    def __init__(self, ports: Ports) -> None:
        self.is_cut_off = False
        """Whether neither the engine nor the work itself cancelled some work: a loop torn down, or a meddler."""
        self._grace_s = ports.cancel_grace_s
        self._tasks = ports.tasks
        self.loop = asyncio.get_running_loop()
        self._under_way: set[Errand] = set()
        self._waiter: asyncio.Future[None] | None = None
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._under_way)

    def launch(self, step: PlannedStep, context: Context, work: Work, then: Then, timeout_s: float) -> None:
        """Start work; `then` gets its result, here and now if the work waits for nothing. `inf` means no timeout."""
        task = asyncio.Task(work, loop=self.loop, eager_start=True)
        self.look_after(step, context, task, then, timeout_s)

    def look_after(
        self, step: PlannedStep, context: Context, task: asyncio.Task[Any], then: Then, timeout_s: float
    ) -> None:
        """As `launch`, with work that has been started."""
        if task.done():
            self._hand_back(step, context, task, then)
            return
        errand = Errand(step, context, task, then)
        self._under_way.add(errand)
        if timeout_s < math.inf:
            errand.limit(timeout_s)
        task.add_done_callback(partial(self._come_back, errand))

    async def wait(self) -> None:
        """Wait until something comes back, or for `wake`."""
        self._waiter = self.loop.create_future()
        await self._waiter

    def wake(self) -> None:
        """End the wait: there is something to do."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self) -> None:
        """Hand nothing back any more."""
        self._is_closed = True
        self.wake()

    async def stop(self) -> None:
        """Cancel all work and wait for it to stop, for as long as the grace lasts.

        Work that goes on after that is no longer waited for. Without its data it can write nothing any more.
        """
        if not self._under_way:
            return
        self.cancel()
        await asyncio.wait({errand.task for errand in self._under_way}, timeout=self._grace_s)
        for errand in self._under_way:
            if not errand.task.done():
                log.warning("step.does_not_stop", instance=errand.context.instance_id, step=errand.step.id)
                errand.context.seal()
                self._tasks.add(errand.task)
                errand.task.add_done_callback(self._tasks.discard)
        self._under_way.clear()

    def cancel(self) -> None:
        """Tell all work to stop."""
        for errand in self._under_way:
            errand.task.cancel()

    def _come_back(self, errand: Errand, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(errand)
        self._hand_back(errand.step, errand.context, task, errand.then, has_timed_out=errand.has_timed_out())
        self.wake()

    def _hand_back(
        self, step: PlannedStep, context: Context, task: asyncio.Task[Any], then: Then, *, has_timed_out: bool = False
    ) -> None:
        """Give `then` what a task that is through returned, or the exception that it raised."""
        result: object
        try:
            result = task.result()
        except asyncio.CancelledError:
            if has_timed_out:
                result = StepTimeoutError(step.id, step.timeout_s)
            elif not task.cancelling():
                result = WorkflowError(f"step {step.id!r} was cancelled by something that it waited for")
            else:
                self.is_cut_off = True
                return
        except Exception as error:  # noqa: BLE001 (a step may raise anything)
            result = error
        if not self._is_closed:
            then(step, context, result)
