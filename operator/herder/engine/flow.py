"""What happens to the steps of one instance, one after another and side by side.

    claimed ─▶ delay, schedule ─▶ condition ─▶ attempt ─▶ succeeded ─▶ on_success ─┬─▶ dependents
                                     │           ▲  ├───▶ skipped ─────────────────┤
                                     │           │  ├───▶ failed ─▶ on_failure ─┬──┘ CONTINUE_NEXT_STEP
                                     └─▶ skipped └──┴ retry                     └─▶ the workflow fails

Nothing here waits or writes. What happens is noted as changes; what is to be launched once those are written, likewise.
"""

import math
from asyncio import CancelledError, Task
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from inspect import isawaitable

import structlog

from herder.engine.changes import Change, Paused, RetryPlanned, State, StepGivenUp, Unpaused, seconds_between, told
from herder.engine.context import WorkflowContext
from herder.engine.decide import Progress, failure, first_candidates, may_start, standstill
from herder.engine.errand import Errands
from herder.engine.plan import Context, Plan, PlannedStep
from herder.engine.ports import Ports
from herder.engine.slot import Answer
from herder.engine.status import StepStatus
from herder.engine.verdict import judge

log = structlog.get_logger(__name__)

NOTHING: tuple[()] = ()


class Flow:
    """The steps of one instance."""

    __slots__ = (
        "_begun",
        "_begun_written",
        "_held",
        "_is_paused",
        "_next",
        "_next_written",
        "_plan",
        "_ports",
        "_progress",
        "_state",
        "changes",
        "end",
        "errands",
    )

    def __init__(self, plan: Plan, state: State, progress: Progress, ports: Ports) -> None:
        self.errands = Errands(ports)
        self.changes: list[Change] = []
        """What has happened and is not yet written."""
        self.end: Answer | None = None
        """How the workflow ends, or why it is left behind; the first to say so wins."""
        self._plan = plan
        self._state = state
        self._progress = progress
        self._ports = ports
        self._begun: list[PlannedStep] = []
        """Steps whose attempt is launched once its beginning is written."""
        self._next: list[Callable[[], None]] = []
        """What else is launched once the changes that brought it about are written."""
        self._begun_written: list[PlannedStep] = []
        self._next_written: Sequence[Callable[[], None]] = NOTHING
        """The same, of the changes that have been handed over."""
        self._is_paused = False
        self._held: list[Callable[[], None]] = []
        """What would have begun since the workflow was paused."""

    @property
    def has_work(self) -> bool:
        """Whether something is to be launched for which nothing had to be written."""
        return bool(self._next)

    @property
    def is_at_a_standstill(self) -> bool:
        """Whether nothing is to be launched, under way or held back: what is left to be written belongs to the end."""
        return not (self._begun or self._next or self.errands or self._held)

    def pause(self, then: Callable[[], None]) -> None:
        """Begin nothing until `unpause`; call `then` once that is written."""
        if not self._is_paused:
            self._is_paused = True
            self.changes.append(Paused())
        self._next.append(then)
        self.errands.wake()

    def unpause(self, then: Callable[[], None]) -> None:
        """Begin what was held back; call `then` once that is written."""
        if self._is_paused:
            self._is_paused = False
            self.changes.append(Unpaused())
            self._next.extend(self._held)
            self._held.clear()
        self._next.append(then)
        self.errands.wake()

    def begin(self) -> None:
        """Claim the steps that wait for none, or for none that is left: unless it ended while it was being saved."""
        if self.end is None:
            self._claim(first_candidates(self._plan, self._progress))

    def take_changes(self) -> list[Change]:
        """Hand over what is to be written. What comes while it is being written belongs to the next round."""
        changes, self.changes = self.changes, []
        self._begun_written, self._begun = self._begun, []
        if self._next:
            self._next_written, self._next = self._next, []
        return changes

    def launch(self) -> None:
        """Launch what was to wait until the changes handed over last are written."""
        self._attempt(self._begun_written)
        if self._next_written:
            go_ons, self._next_written = self._next_written, NOTHING
            for go_on in go_ons:
                if self.end is None:
                    go_on()

    def close(self, end: Answer) -> None:
        """Say how it ends, unless that has been said."""
        if self.end is None:
            self._take_back()
            self.end = end
            self.errands.close()

    def come_to_a_standstill(self) -> None:
        """End the workflow: nothing runs, waits or can start any more."""
        self.close(standstill(self._plan, self._progress))

    def _take_back(self) -> None:
        """Take back the beginnings that are not written yet: what they stand for won't be launched any more."""
        for step in self._begun:
            self.changes.remove(step.begun)
            if self._state.steps[step.id].attempts == 0:
                self._progress.claimed.discard(step.id)
        self._begun.clear()

    def _attempt(self, steps: Sequence[PlannedStep]) -> None:
        """Launch an attempt of each step. Most are through at once and successful: those take the short way."""
        loop, changes, satisfied = self.errands.loop, self.changes, self._progress.satisfied
        instance_id, states, data = self._state.instance_id, self._state.steps, self._state.data
        candidates: list[PlannedStep] = []
        for step in steps:
            if self.end is not None:
                return
            step_id = step.id
            context = WorkflowContext(instance_id, step_id, states[step_id].attempts, data)
            try:
                task = Task(step.run(context), loop=loop, eager_start=True)
            except Exception as error:  # noqa: BLE001 (it takes no context, or a decorator of it raises)
                self._attempted(step, context, error)
                continue
            try:
                is_through = task.done() and task.exception() is None and task.result() is None
            except CancelledError:  # out of exception(), which raises nothing else
                is_through = False
            if is_through and step.on_success is None and self.end is None:
                changes.append(step.done)
                satisfied.add(step_id)
                candidates += step.dependents
            else:
                self.errands.look_after(step, context, task, self._attempted, step.timeout_s)
        if candidates and self.end is None:
            self._claim(candidates)

    def _claim(self, candidates: Iterable[PlannedStep]) -> None:
        """Begin what may start now, unless it has to wait or to ask before."""
        progress, changes, begun = self._progress, self.changes, self._begun
        asks_first = self._is_paused or progress.is_resumed
        for step in candidates:
            if may_start(step, progress):
                progress.claimed.add(step.id)
                if asks_first or step.is_gated:
                    self._next.append(self._gate(step))
                else:
                    changes.append(step.begun)
                    begun.append(step)

    def _gate(self, step: PlannedStep) -> Callable[[], None]:
        """Return what is to be done before the first attempt. A step that began before it was resumed asks no more."""
        state = self._state.steps[step.id]
        now = self._ports.clock()
        if state.next_retry_at is not None:
            return partial(self._wait, step, seconds_between(now, state.next_retry_at), self._begin)
        if state.started_at is not None or state.status is StepStatus.RETRYING or not step.is_gated:
            return partial(self._begin, step)
        wait_s = step.wait_s(now)
        return partial(self._wait, step, wait_s, self._ask) if wait_s > 0 else partial(self._ask, step)

    def _begin(self, step: PlannedStep) -> None:
        if self._is_paused:
            self._held.append(partial(self._begin, step))
            return
        self.changes.append(step.begun)
        self._begun.append(step)

    def _wait(self, step: PlannedStep, wait_s: float, then: Callable[[PlannedStep], None]) -> None:
        """Sleep, for no time at all where need be: what is tried again at once for ever still lets others run."""
        work = _sleep(self._ports, wait_s)
        self.errands.launch(step, self._context(step), work, partial(self._waited, then), math.inf)

    def _waited(self, then: Callable[[PlannedStep], None], step: PlannedStep, context: Context, result: object) -> None:
        if isinstance(result, Exception):  # of a sleep that was plugged in
            self._give_up(step, context, StepGivenUp(step.id, result))
        else:
            then(step)

    def _ask(self, step: PlannedStep) -> None:
        if self._is_paused:
            self._held.append(partial(self._ask, step))
            return
        if step.run_if is None:
            self._begin(step)
            return
        context = self._context(step)
        self.errands.launch(step, context, _call(partial(step.run_if, context)), self._answered, step.timeout_s)

    def _answered(self, step: PlannedStep, context: Context, result: object) -> None:
        if isinstance(result, Exception):
            self._give_up(step, context, StepGivenUp(step.id, result))
        elif result:
            self._begin(step)
        else:
            self.changes.append(step.passed_over)
            self._satisfied(step)

    def _attempted(self, step: PlannedStep, context: Context, result: object) -> None:
        if result is None and step.on_success is None:  # nothing to judge
            self.changes.append(step.done)
            self._satisfied(step)
            return
        verdict = judge(step, self._state.steps[step.id], result, self._ports.clock())
        if isinstance(verdict, StepGivenUp):
            self._give_up(step, context, verdict)
            return
        self.changes.append(verdict)
        if isinstance(verdict, RetryPlanned):
            self._next.append(partial(self._wait, step, verdict.delay_s, self._begin))
        elif verdict is step.done and step.on_success is not None:
            self._next.append(partial(self._call_hook, step, context, partial(step.on_success, context), None))
        else:
            self._satisfied(step)

    def _give_up(self, step: PlannedStep, context: Context, verdict: StepGivenUp) -> None:
        self.changes.append(verdict)
        if step.on_failure is None:
            self._failed(step, verdict.error)
        else:
            hook = partial(step.on_failure, context, verdict.error)
            self._next.append(partial(self._call_hook, step, context, hook, verdict.error))

    def _call_hook(
        self, step: PlannedStep, context: Context, hook: Callable[[], object], error: Exception | None
    ) -> None:
        self.errands.launch(step, context, _call(hook), partial(self._hook_called, error), step.timeout_s)

    def _hook_called(self, error: Exception | None, step: PlannedStep, context: Context, result: object) -> None:
        if isinstance(result, Exception):
            log.warning("step.hook_failed", instance=context.instance_id, step=step.id, exc_info=result)
        if error is None:
            self._satisfied(step)
        else:
            self._failed(step, error)

    def _failed(self, step: PlannedStep, error: Exception) -> None:
        if step.goes_on:
            self._satisfied(step)
        else:
            self._take_back()  # before it is said which steps were not reached
            self.close(failure(self._plan, self._progress, step.id, told(error)))

    def _satisfied(self, step: PlannedStep) -> None:
        self._progress.satisfied.add(step.id)
        self._claim(step.dependents)

    def _context(self, step: PlannedStep) -> Context:
        return WorkflowContext(self._state.instance_id, step.id, self._state.steps[step.id].attempts, self._state.data)


async def _call(user_function: Callable[[], object]) -> object:
    """Call what may be plain or async."""
    answer = user_function()
    return await answer if isawaitable(answer) else answer


async def _sleep(ports: Ports, wait_s: float) -> None:
    await ports.sleep(wait_s)
