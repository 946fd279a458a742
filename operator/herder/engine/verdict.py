"""What follows from an attempt: pure functions from what it came to, to the change that is made."""

from datetime import datetime

import structlog

from herder.engine.changes import RetryPlanned, StepDone, StepGivenUp, StepPassedOver, seconds_between
from herder.engine.errors import WorkflowError
from herder.engine.plan import PlannedStep
from herder.engine.state import StepState
from herder.engine.step import StepResult

log = structlog.get_logger(__name__)

type Verdict = StepDone | StepPassedOver | RetryPlanned | StepGivenUp


class BadResultError(WorkflowError):
    """The step returned FAILURE, or something that is no result: another attempt is not called for."""

    def __init__(self, step_id: str, result: object) -> None:
        told = "FAILURE" if result is StepResult.FAILURE else f"{result!r}, which is neither None nor a StepResult"
        super().__init__(f"step {step_id!r} returned {told}")


def judge(step: PlannedStep, state: StepState, result: object, now: datetime) -> Verdict:
    """Return what follows from an attempt that returned `result`, or raised it where it is an exception."""
    if result is None or result is StepResult.SUCCESS:
        return step.done
    if result is StepResult.SKIP:
        return step.passed_over
    error = result if isinstance(result, Exception) else BadResultError(step.id, result)
    delay_s = _next_delay_s(step, state, error, now)
    return StepGivenUp(step.id, error) if delay_s is None else RetryPlanned(step.id, delay_s, error)


def _next_delay_s(step: PlannedStep, state: StepState, error: Exception, now: datetime) -> float | None:
    """Return the seconds until the next attempt, None for none: also where the user's own rule raises."""
    try:
        if isinstance(error, BadResultError) or (step.is_retryable is not None and not step.is_retryable(error)):
            return None
        return step.retry.next_delay(state.attempts, seconds_between(state.started_at, now))
    except Exception:  # is_retryable and the backoff are the user's, and may raise anything
        log.exception("step.retry_rule_raised", step=step.id)
        return None
