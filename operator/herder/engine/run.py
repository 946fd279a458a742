"""One instance on its way from its first step to its end.

A callback-driven state machine: `_pump` starts whatever can start, each step in an eager task of its own; a step that
is through within its own start is settled on the spot, one that waits comes back through its task's callback. There is
no loop that waits, and nothing that polls.

The end has one way, whatever brings it about:

    end(outcome)     the first caller wins: no step starts or writes any more, running ones are told to stop
      ─▶ _conclude   once the last of them has stopped, or its grace is over
      ─▶ finalize    writes the terminal state, publishes the terminal event, wakes the waiters

An instance whose tasks are cancelled by somebody else (an event loop that shuts down) does not end. It is left behind
as the store has it, to be resumed one day, and its waiters get EngineShutDownError.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial

import structlog

from herder.engine.changes import State
from herder.engine.context import WorkflowContext
from herder.engine.decide import Progress, failure, first_candidates, standstill, startable
from herder.engine.errors import EngineShutDownError
from herder.engine.events import WorkflowStarted
from herder.engine.journal import Journal, Superseded, store_failure
from herder.engine.life import StepFailure, live
from herder.engine.plan import Context, Plan, PlannedStep
from herder.engine.ports import Ports
from herder.engine.slot import Slot
from herder.engine.state import WorkflowOutcome

log = structlog.get_logger(__name__)

type StepTask = asyncio.Task[StepFailure | None]


class Run:
    """Drives one instance. `forget` is called with the run once nothing of it is left to do."""

    def __init__(
        self, plan: Plan, state: State, progress: Progress, ports: Ports, forget: Callable[["Run"], None]
    ) -> None:
        self.instance_id = state.instance_id
        self.journal = Journal(state, ports)
        self.slot = Slot()
        self._plan = plan
        self._progress = progress
        self._ports = ports
        self._forget = forget
        self._loop = asyncio.get_running_loop()
        self._ready: deque[PlannedStep] = deque()
        self._living: dict[str, tuple[StepTask, Context]] = {}
        """The steps that wait for something."""
        self._is_busy = True
        """While it begins, or starts a step: an end that falls into this is gone on with right after."""
        self._end: WorkflowOutcome | Exception | None = None
        """How it ends, or why it is left behind."""
        self._grace: asyncio.TimerHandle | None = None
        self._last: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Save the state, tell that the workflow started, start its first steps. Raises what the store raises."""
        state = self.journal.state
        try:
            await self._ports.store.save(state)
            if self._ports.bus.has_subscribers:
                await self._ports.bus.publish(WorkflowStarted(state.instance_id, state.definition_id))
        except BaseException as error:
            self._is_busy = False
            self._close(EngineShutDownError(f"instance {self.instance_id!r} could not begin: {error!r}"))
            raise
        self._is_busy = False
        self._claim(first_candidates(self._plan, self._progress))
        self._pump()

    def end(self, outcome: WorkflowOutcome) -> None:
        """End the workflow, unless it is ending already: the first caller wins. `slot` tells when it has ended."""
        self._close(outcome)

    async def finalize(self, outcome: WorkflowOutcome) -> None:
        """Write the terminal state, publish the terminal event, wake every waiter: nothing else ends a workflow."""
        answer: WorkflowOutcome | Exception = EngineShutDownError(f"instance {self.instance_id!r} was cut off ending")
        try:
            answer = await self.journal.end(outcome)
        finally:
            self._release(answer)

    def _claim(self, candidates: Iterable[str]) -> None:
        for step in startable(self._plan, self._progress, candidates):
            self._progress.claimed.add(step.id)
            self._ready.append(step)

    def _pump(self) -> None:
        """Start what can start. When nothing lives after that, the workflow is through."""
        while self._ready and not self.journal.is_closed:
            self._start(self._ready.popleft())
        if self.journal.is_closed:
            self._conclude()
        elif not self._living:
            self._close(standstill(self._plan, self._progress))

    def _start(self, step: PlannedStep) -> None:
        state = self.journal.state
        context = WorkflowContext(self.instance_id, step.id, state.steps[step.id].attempts, state.data)
        self._is_busy = True
        task = asyncio.Task(live(self.journal, step, context), loop=self._loop, eager_start=True)
        self._is_busy = False
        if task.done():
            self._settle(step, task)
            return
        self._living[step.id] = task, context
        task.add_done_callback(partial(self._come_back, step))
        if self.journal.is_closed:
            task.cancel()

    def _come_back(self, step: PlannedStep, task: StepTask) -> None:
        """Go on after a step that had to wait; one that is no longer waited for is of no interest."""
        self._ports.stragglers.discard(task)
        if self._living.pop(step.id, None) is None:
            _ = task.cancelled() or task.exception()  # retrieved, or asyncio would report it
            return
        self._settle(step, task)
        self._pump()

    def _settle(self, step: PlannedStep, task: StepTask) -> None:
        """Draw the consequences of a step that is through."""
        if task.cancelled():
            self._close(EngineShutDownError(f"instance {self.instance_id!r} was cancelled from outside the engine"))
        elif (error := task.exception()) is not None:
            self._close(self._broken_by(error))
        elif (failed := task.result()) is None or step.goes_on:
            self._progress.satisfied.add(step.id)
            self._claim(step.dependents)
        else:
            self._close(failure(self._plan, self._progress, step.id, failed.error))

    def _broken_by(self, error: BaseException) -> WorkflowOutcome:
        """Return how the workflow ends when a step's life could not go on: ended elsewhere, or the store fails."""
        if isinstance(error, Superseded) and self.journal.ended_elsewhere is not None:
            return self.journal.ended_elsewhere
        log.error("workflow.not_stored", instance=self.instance_id, exc_info=error)
        return store_failure(error)

    def _close(self, end: WorkflowOutcome | Exception) -> None:
        """Decide how it ends, once: from here on no step starts or writes, and the running ones are told to stop."""
        if self.journal.is_closed:
            return
        self.journal.is_closed = True
        self._end = end
        for task, _ in self._living.values():
            task.cancel()
        self._conclude()

    def _conclude(self) -> None:
        """End, if nothing is left that could still write; else see to it that this does not last for ever."""
        if self._is_busy or self._last is not None:
            return
        if self._living:
            self._grace = self._grace or self._loop.call_later(self._ports.cancel_grace_s, self._abandon_steps)
            return
        if self._grace is not None:
            self._grace.cancel()
        if isinstance(self._end, WorkflowOutcome):
            self._last = asyncio.Task(self.finalize(self._end), loop=self._loop, eager_start=True)
        elif self._end is not None:
            self._release(self._end)

    def _abandon_steps(self) -> None:
        """Wait no longer for steps that go on though they were told to stop. Without their data they can write none."""
        for step_id, (task, context) in self._living.items():
            log.warning("step.does_not_stop", instance=self.instance_id, step=step_id)
            context.seal()
            self._ports.stragglers.add(task)
        self._living.clear()
        self._conclude()

    def _release(self, answer: WorkflowOutcome | Exception) -> None:
        self._forget(self)
        self.slot.answer(answer)
