"""What a run has under way for its steps: attempts, conditions, hooks and waits, each a task.

Work that is through within its own start is handed back on the spot: it never becomes an errand, and costs no timer.
"""

import asyncio
import math
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import structlog

from herder.engine.changes import told
from herder.engine.errors import StepTimeoutError, WorkflowError
from herder.engine.plan import Context, PlannedStep
from herder.engine.ports import Ports

log = structlog.get_logger(__name__)

type Work = Coroutine[Any, Any, object]

type Then = Callable[[PlannedStep, Context, object], None]
"""Takes what work returned, or the exception that it raised."""


class Errand:
    """Work that had to wait for something."""

    __slots__ = ("context", "has_timed_out", "step", "task", "then", "timer")

    def __init__(self, step: PlannedStep, context: Context, task: asyncio.Task[Any], then: Then) -> None:
        self.step = step
        self.context = context
        self.task = task
        self.then = then
        self.timer: asyncio.TimerHandle | None = None
        self.has_timed_out = False
        """Whether the work was cancelled because it was too slow."""


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
            errand.timer = self.loop.call_later(timeout_s, self._time_out, errand)
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

        Work that goes on after that is no longer waited for. Neither it nor what it left running can write anything any
        more: it has lost its data.
        """
        stopped = tuple(self._under_way)
        if not stopped:
            return
        self.cancel()
        await asyncio.wait({errand.task for errand in stopped}, timeout=self._grace_s)
        for errand in stopped:
            errand.context.seal()
            if not errand.task.done():
                self._leave(errand)

    def cancel(self) -> None:
        """Tell all work to stop."""
        for errand in self._under_way:
            errand.task.cancel()

    def _time_out(self, errand: Errand) -> None:
        errand.has_timed_out = True
        errand.task.cancel()
        errand.timer = self.loop.call_later(self._grace_s, self._give_up, errand)

    def _give_up(self, errand: Errand) -> None:
        """Go on without work that did not stop when its time was up."""
        if self._is_closed:
            return  # `stop` has it
        self._leave(errand)
        late = StepTimeoutError(errand.step.id, errand.step.timeout_s)
        errand.then(errand.step, errand.context.take_over(), late)
        self.wake()

    def _leave(self, errand: Errand) -> None:
        log.warning("step.does_not_stop", instance=errand.context.instance_id, step=errand.step.id)
        self._under_way.discard(errand)
        self._tasks.add(errand.task)
        errand.task.add_done_callback(self._tasks.discard)

    def _come_back(self, errand: Errand, task: asyncio.Task[Any]) -> None:
        if errand.timer is not None:
            errand.timer.cancel()
        if errand in self._under_way:
            self._under_way.discard(errand)
            self._hand_back(errand.step, errand.context, task, errand.then, has_timed_out=errand.has_timed_out)
            self.wake()
        elif not task.cancelled():
            task.exception()  # retrieved, or asyncio would report what came of it after it was left behind

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
        except (KeyboardInterrupt, SystemExit):  # on its way through the loop already
            self.is_cut_off = True
            return
        except BaseException as error:  # noqa: BLE001 (hooks are promised an Exception)
            result = WorkflowError(f"step {step.id!r} raised {type(error).__name__}: {told(error)}")
            result.__cause__ = error
        if not self._is_closed:
            then(step, context, result)
