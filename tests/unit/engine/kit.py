"""What the engine's tests have in common: virtual time, engines that live in it, steps and subscribers that record."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

from herder.engine import (
    Event,
    EventBus,
    FixedBackoff,
    RetryPolicy,
    StateStore,
    StepDefinition,
    StepResult,
    WorkflowContext,
    WorkflowDefinition,
    WorkflowEngine,
)

type Data = dict[str, Any]
type Context = WorkflowContext[Data]
type Step = StepDefinition[Data]

EPOCH = datetime(2030, 1, 1, tzinfo=UTC)

ONCE = RetryPolicy(max_attempts=1)
QUICK = RetryPolicy(max_attempts=3, backoff=FixedBackoff(1.0))


class StuckError(Exception):
    """Everybody waits and no timer is set: in real time this would last for ever."""


class _JumpingSelector(selectors.SelectSelector):
    """Does not sleep until the next timer: moves the loop's clock there."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise StuckError
        self.now_s += max(timeout, 0.0)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in which hours pass in no time, and always in the same order."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s


def virtual_time[**P](test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an async test in virtual time."""

    @wraps(test)
    def in_virtual_time(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(test(*args, **kwargs))

    return in_virtual_time


def clock() -> datetime:
    """The moment that the running loop's time stands for."""
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())


def elapsed_s() -> float:
    """Virtual seconds since the test began."""
    return asyncio.get_running_loop().time()


class Recorder:
    """A subscriber that keeps what it hears."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def on_event(self, event: Event) -> None:
        self.events.append(event)

    def names(self, instance_id: str | None = None) -> list[str]:
        """What was heard, in the form `StepStarted a`."""
        return [
            " ".join(filter(None, (type(event).__name__, getattr(event, "step_id", None))))
            for event in self.events
            if instance_id in (None, event.instance_id)
        ]

    def terminal(self) -> list[str]:
        """The terminal events among them."""
        return [name for name in self.names() if name in ("WorkflowCompleted", "WorkflowFailed", "WorkflowCancelled")]


def engine_with(
    *steps: Step,
    store: StateStore | None = None,
    bus: EventBus | None = None,
    recorder: Recorder | None = None,
    **more: Any,
) -> WorkflowEngine:
    """An engine in virtual time that knows one workflow, `wf`."""
    engine = WorkflowEngine(store, bus, clock=clock, **more)
    engine.register_workflow(WorkflowDefinition("wf", steps, default_retry=ONCE))
    if recorder is not None:
        engine.event_bus.subscribe(recorder)
    return engine


async def noop(context: Context) -> None:
    """Succeed at once."""


def raising(error: Exception) -> Callable[[Context], Awaitable[None]]:
    """A step that fails of `error`."""

    async def run(context: Context) -> None:
        raise error

    return run


def returning(result: StepResult) -> Callable[[Context], Awaitable[StepResult]]:
    """A step that returns `result`."""

    async def run(context: Context) -> StepResult:
        return result

    return run


def sleeping(seconds: float) -> Callable[[Context], Awaitable[None]]:
    """A step that takes its time, and notes in the data when it is through."""

    async def run(context: Context) -> None:
        await asyncio.sleep(seconds)
        context.data.setdefault("through", []).append(context.step_id)

    return run


def flaky(failures: int) -> Callable[[Context], Awaitable[None]]:
    """A step whose first `failures` attempts fail."""

    async def run(context: Context) -> None:
        if context.attempt <= failures:
            raise ConnectionError(f"attempt {context.attempt}")

    return run


def statuses(engine: WorkflowEngine, instance_id: str) -> Mapping[str, str]:
    """Where the steps of an instance stand."""
    return {step_id: step.status.value for step_id, step in engine.get_state(instance_id).steps.items()}


def other_tasks() -> set[asyncio.Task[Any]]:
    """The tasks that run beside the calling one."""
    return asyncio.all_tasks() - {asyncio.current_task()}
