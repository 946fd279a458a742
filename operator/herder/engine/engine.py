"""The engine: takes definitions, starts instances of them, answers those who wait."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

from herder.engine.bus import EventBus
from herder.engine.changes import WorkflowEnded
from herder.engine.cleanup import clean_up
from herder.engine.decide import Progress, progress_of
from herder.engine.definition import WorkflowDefinition
from herder.engine.errors import (
    EngineShutDownError,
    UnknownInstanceError,
    UnknownWorkflowError,
    WaitTimeoutError,
    WorkflowError,
)
from herder.engine.ids import unique_ids
from herder.engine.memory import InMemoryStateStore
from herder.engine.plan import Plan
from herder.engine.ports import Clock, Ports, Sleep
from herder.engine.recent import RecentStates
from herder.engine.resume import resumed
from herder.engine.run import Run
from herder.engine.state import StepState, WorkflowOutcome, WorkflowState, outcome_of, utc_now
from herder.engine.status import START, WORKFLOW_ENDED, WorkflowStatus
from herder.engine.store import ReadableNow, State, StateStore

log = structlog.get_logger(__name__)

RECENT_STATES = 1024
"""How many ended instances `get_state` knows where the store can't be read without waiting."""


CANCELLED = WorkflowOutcome(WorkflowStatus.CANCELLED)


class WorkflowEngine:
    """Runs workflows in the event loop that calls it.

    `clock`, `sleep` and `ids` are for tests and simulations. A step that was told to stop and does not is no longer
    waited for after `cancel_grace_s` seconds.
    """

    def __init__(
        self,
        store: StateStore | None = None,
        event_bus: EventBus | None = None,
        *,
        clock: Clock = utc_now,
        sleep: Sleep = asyncio.sleep,
        ids: Callable[[], str] | None = None,
        cancel_grace_s: float = 1.0,
    ) -> None:
        self.store: StateStore = InMemoryStateStore(clock=clock) if store is None else store
        self.event_bus = EventBus() if event_bus is None else event_bus
        self._ports = Ports(self.store, self.event_bus, clock, sleep, cancel_grace_s, set())
        self._ids = unique_ids() if ids is None else ids
        self._plans: dict[str, Plan] = {}
        self._runs: dict[str, Run] = {}
        self._recent = RecentStates(0 if isinstance(self.store, ReadableNow) else RECENT_STATES)
        self._peek = self.store.peek if isinstance(self.store, ReadableNow) else self._recent.peek
        self._cleanups: set[asyncio.Task[None]] = set()
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._shut_down = asyncio.Event()
        self._is_shutting_down = False

    @property
    def active_workflow_count(self) -> int:
        """How many instances this engine runs."""
        return len(self._runs)

    @property
    def is_shutting_down(self) -> bool:
        """Whether `shutdown` was called."""
        return self._is_shutting_down

    def register_workflow[D](self, definition: WorkflowDefinition[D]) -> None:
        """Let the definition be started by its id, in place of an earlier one; running instances keep theirs."""
        self._plans[definition.id] = Plan.of(definition)

    async def start_workflow[D](self, definition_id: str, data: D) -> str:
        """Start an instance and return its id.

        Raises EngineShutDownError, UnknownWorkflowError, and what the store raises.
        """
        plan = self._plan(definition_id)
        now = self._ports.clock()
        steps = {step_id: StepState() for step_id in plan.steps}
        status = START[WorkflowStatus.PENDING]
        state = WorkflowState(self._ids(), definition_id, data, status, steps, now, now)
        return await self._begin(plan, state, Progress())

    async def resume_workflow[D](self, state: WorkflowState[D]) -> str:
        """Go on from a state saved earlier, here or elsewhere, and return the id of the instance that does.

        That is the state's own id, unless the instance has ended, by this state or by what the store says: it has ended
        for ever, and a new one goes on from the state. `herder.engine.resume` says what is kept. Raises WorkflowError
        when this engine runs the instance already, and as `start_workflow`.
        """
        plan = self._plan(state.definition_id)
        going_on = resumed(plan, state)
        going_on.updated_at = self._ports.clock()
        if state.status in WORKFLOW_ENDED or await self._has_ended(state.instance_id):
            going_on.instance_id = self._ids()
        self._check_open()  # again: the store may have taken its time
        if going_on.instance_id in self._runs:
            raise WorkflowError(f"instance {going_on.instance_id!r} is running already")
        return await self._begin(plan, going_on, progress_of(plan, going_on.steps))

    async def wait_for_completion(self, instance_id: str, timeout: float | None) -> WorkflowOutcome:
        """Wait until the instance has ended, at most `timeout` seconds (None: without limit).

        Raises WaitTimeoutError; UnknownInstanceError; EngineShutDownError when it was left behind; and what the store
        raises.
        """
        run = self._runs.get(instance_id)
        if run is None and (ended := self._peek(instance_id)) is not None:
            return self._ended(ended)
        limit = asyncio.timeout(timeout)
        try:
            async with limit:
                if run is None:
                    return self._ended(await self.store.load(instance_id))
                with run.slot.take() as waiter:
                    await self._look_once(run)
                    return await waiter
        except TimeoutError as error:
            if not limit.expired():  # the store's own
                raise
            raise WaitTimeoutError(instance_id, timeout or 0.0) from error

    async def start_and_wait[D](self, definition_id: str, data: D, timeout: float | None) -> WorkflowOutcome:
        """Start an instance and wait until it has ended, as `start_workflow` and `wait_for_completion` do."""
        return await self.wait_for_completion(await self.start_workflow(definition_id, data), timeout)

    async def cancel_workflow(self, instance_id: str) -> None:
        """End the instance as cancelled, and return when its steps have stopped and it has ended.

        One that has ended stays as it is. One that another engine runs on the same store is marked as cancelled there,
        and stops when that engine next writes a step of it. Raises UnknownInstanceError, and what the store raises.
        """
        run = self._runs.get(instance_id)
        if run is not None:
            await self._cancel(run)
        else:
            await self.store.update(instance_id, self._mark_cancelled)

    async def pause_workflow(self, instance_id: str) -> None:
        """Let what runs of the instance go on to its end, but begin nothing more. Raises UnknownInstanceError.

        Only where it runs: an instance that has ended or that another engine runs is not known here.
        """
        await self._running(instance_id).pause()

    async def unpause_workflow(self, instance_id: str) -> None:
        """Let the instance go on. Raises UnknownInstanceError, as `pause_workflow`."""
        await self._running(instance_id).unpause()

    def get_state(self, instance_id: str) -> WorkflowState[Any]:
        """Return a copy of the instance's state. Raises UnknownInstanceError.

        Of a store that can't be read without waiting, only the instances that run here and the last 1,024 that ended
        here are known; `await engine.store.load(instance_id)` knows the others.
        """
        run = self._runs.get(instance_id)
        state = self._peek(instance_id) if run is None else run.journal.state
        if state is None:
            raise UnknownInstanceError(instance_id)
        return state.snapshot()

    def shutdown(self) -> None:
        """Start no workflow any more, and stop the cleanup; running workflows go on."""
        self._is_shutting_down = True
        self._shut_down.set()
        log.info("engine.shutting_down", active=len(self._runs))

    async def wait_for_shutdown(self, timeout: float | None) -> bool:
        """Wait until no workflow runs, at most `timeout` seconds; return whether that came true."""
        try:
            async with asyncio.timeout(timeout):
                await self._is_idle.wait()
        except TimeoutError:
            log.warning("engine.still_active", active=len(self._runs))
            return False
        return True

    async def force_cancel_all(self) -> int:
        """Cancel every workflow that runs here, and return how many were cancelled once all have ended."""
        outcomes = await asyncio.gather(*map(self._cancel, tuple(self._runs.values())), return_exceptions=True)
        return sum(isinstance(each, WorkflowOutcome) and each.status is WorkflowStatus.CANCELLED for each in outcomes)

    def start_cleanup_task(self, ttl: float = 3600.0, interval: float = 300.0) -> asyncio.Task[None]:
        """Evict now and every `interval` seconds what ended `ttl` seconds ago or earlier, until `shutdown`.

        The task may be cancelled to stop it earlier.
        """
        task = asyncio.get_running_loop().create_task(clean_up(self.store, ttl, interval, self._shut_down))
        self._cleanups.add(task)
        task.add_done_callback(self._cleanups.discard)
        return task

    def _check_open(self) -> None:
        if self._is_shutting_down:
            raise EngineShutDownError("the engine is shutting down and starts no workflow any more")

    def _plan(self, definition_id: str) -> Plan:
        self._check_open()
        try:
            return self._plans[definition_id]
        except KeyError:
            raise UnknownWorkflowError(definition_id) from None

    async def _begin(self, plan: Plan, state: State, progress: Progress) -> str:
        run = Run(plan, state, progress, self._ports, self._forget)
        self._runs[run.instance_id] = run
        self._is_idle.clear()
        await run.begin()
        return run.instance_id

    def _forget(self, run: Run) -> None:
        del self._runs[run.instance_id]
        if not self._runs:
            self._is_idle.set()
        if run.journal.state.status in WORKFLOW_ENDED:
            self._recent.put(run.journal.state)

    def _running(self, instance_id: str) -> Run:
        try:
            return self._runs[instance_id]
        except KeyError:
            raise UnknownInstanceError(instance_id, "this engine does not run it") from None

    async def _cancel(self, run: Run) -> WorkflowOutcome:
        with run.slot.take() as waiter:
            run.end(CANCELLED)
            return await waiter

    def _mark_cancelled(self, state: State) -> None:
        if state.status not in WORKFLOW_ENDED:
            at = state.updated_at = self._ports.clock()
            WorkflowEnded(CANCELLED).apply(state, at)

    async def _look_once(self, run: Run) -> None:
        """End a run here that the store says has been ended by somebody else."""
        try:
            state = await self._read(run.instance_id)
        except UnknownInstanceError:
            return  # it is only just being saved
        if state.status in WORKFLOW_ENDED:
            run.end(outcome_of(state))

    async def _read(self, instance_id: str) -> State:
        return self._peek(instance_id) or await self.store.load(instance_id)

    async def _has_ended(self, instance_id: str) -> bool:
        try:
            return (await self._read(instance_id)).status in WORKFLOW_ENDED
        except UnknownInstanceError:
            return False

    def _ended(self, state: State) -> WorkflowOutcome:
        if state.status not in WORKFLOW_ENDED:
            raise UnknownInstanceError(state.instance_id, "it has not ended, and this engine does not run it")
        return outcome_of(state)
