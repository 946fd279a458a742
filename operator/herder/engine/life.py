"""One step of one instance, from when its dependencies are satisfied to its end.

delay, schedule ─▶ condition ─▶ attempt ─▶ succeeded | skipped
                                 ▲    └──▶ failed ─▶ on_failure
                                 └─ wait ─┘
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta
from inspect import isawaitable
from typing import Any

import structlog

from herder.engine.changes import AttemptBegun, RetryPlanned, StepDone, StepGivenUp, StepPassedOver
from herder.engine.errors import WorkflowError
from herder.engine.journal import Journal
from herder.engine.plan import Context, PlannedStep
from herder.engine.state import StepState
from herder.engine.step import StepResult
from herder.engine.within import within

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StepFailure:
    """Why a step failed for good."""

    error: str


async def live(journal: Journal, step: PlannedStep, context: Context) -> StepFailure | None:
    """Bring a step to its end; return its failure, or None when it succeeded or was skipped.

    Runs as a task of its own. Raises what the store raises, Superseded, and CancelledError when it is told to stop.
    """
    state = journal.state.steps[step.id]
    if state.next_retry_at is not None:
        await journal.ports.sleep(max(state.next_retry_at - journal.ports.clock(), timedelta()).total_seconds())
    elif step.is_gated and state.started_at is None:
        admitted = await _admit(journal, step, context)
        if isinstance(admitted, Exception):
            return await _give_up(journal, step, context, admitted)
        if not admitted:
            await _skip(journal, step)
            return None
    while True:
        context.attempt = state.attempts + 1
        await journal.write(AttemptBegun(step.id, context.attempt, journal.ports.clock()))
        result = await _run(journal, step, step.run(context))
        if result is None or result is StepResult.SUCCESS:
            await _succeed(journal, step, context)
            return None
        if result is StepResult.SKIP:
            await _skip(journal, step)
            return None
        error = result if isinstance(result, Exception) else _BadResultError(step.id, result)
        delay_s = _next_delay_s(journal, step, state, error)
        if delay_s is None:
            return await _give_up(journal, step, context, error)
        await journal.write(RetryPlanned(step.id, delay_s, _told(error), journal.ports.clock()))
        await journal.ports.sleep(delay_s)


class _BadResultError(WorkflowError):
    """The step returned FAILURE, or something that is no result: another attempt is not called for."""

    def __init__(self, step_id: str, result: object) -> None:
        told = "FAILURE" if result is StepResult.FAILURE else f"{result!r}, which is neither None nor a StepResult"
        super().__init__(f"step {step_id!r} returned {told}")


async def _admit(journal: Journal, step: PlannedStep, context: Context) -> bool | Exception:
    """Wait until the step may start, then ask its condition. Return the answer, or what the condition raised."""
    wait_s = step.wait_s(journal.ports.clock())
    if wait_s > 0:
        await journal.ports.sleep(wait_s)
    return True if step.run_if is None else await _run(journal, step, _ask(step, context))


async def _ask(step: PlannedStep, context: Context) -> bool:
    answer = step.run_if(context) if step.run_if is not None else True
    return bool(await answer if isawaitable(answer) else answer)


async def _run[T](journal: Journal, step: PlannedStep, work: Coroutine[Any, Any, T]) -> T | Exception:
    """Run what the user wrote, within the step's timeout. Return what it raises, unless it was told to stop."""
    try:
        return await within(step.timeout_s, step.id, work)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if journal.is_closed or task is None or task.cancelling():
            raise
        return WorkflowError(f"step {step.id!r} was cancelled by something that it waited for")
    except Exception as error:  # noqa: BLE001 (a step may raise anything)
        return error


def _next_delay_s(journal: Journal, step: PlannedStep, state: StepState, error: Exception) -> float | None:
    """Return the seconds until the next attempt, None when there is to be none."""
    if isinstance(error, _BadResultError) or (step.is_retryable is not None and not step.is_retryable(error)):
        return None
    now = journal.ports.clock()
    elapsed = max(now - (state.started_at or now), timedelta()).total_seconds()
    return step.retry.next_delay(state.attempts, elapsed)


async def _succeed(journal: Journal, step: PlannedStep, context: Context) -> None:
    await journal.write(StepDone(step.id, journal.ports.clock()))
    if step.on_success is not None:
        await _call_hook(journal, step, step.on_success(context))


async def _skip(journal: Journal, step: PlannedStep) -> None:
    await journal.write(StepPassedOver(step.id, journal.ports.clock()))


async def _give_up(journal: Journal, step: PlannedStep, context: Context, error: Exception) -> StepFailure:
    await journal.write(StepGivenUp(step.id, _told(error), journal.ports.clock()))
    if step.on_failure is not None:
        await _call_hook(journal, step, step.on_failure(context, error))
    return StepFailure(_told(error))


async def _call_hook(journal: Journal, step: PlannedStep, hook: Coroutine[Any, Any, object]) -> None:
    result = await _run(journal, step, hook)
    if isinstance(result, Exception):
        log.warning("step.hook_failed", instance=journal.state.instance_id, step=step.id, exc_info=result)


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__
