"""What the conditions say of a run in progress, and of one that has ended badly: pure.

A run in progress is Reconciling. What only a person or a changed input can mend is Stalled, and the message ends with
what to do.
"""

from collections.abc import Iterable
from typing import Final

from herder.api.conditions import (
    ConditionType,
    ReadyReason,
    ReconcilingReason,
    StalledReason,
    Truth,
    ready,
    reconciling,
    stalled,
)
from herder.api.meta import RETRY_ANNOTATION
from herder.api.status import RunStatus, Step, StepStatus, WorkflowStatus
from herder.controller.status import phrases
from herder.controller.status.claims import Claims
from herder.workflows.errors import Problem
from herder.workflows.reasons import remedy_after, remedy_meanwhile

GATEWAY_AWAY: Final = frozenset({"GatewayUnreachable", "GatewayError"})
"""The problems that pass by themselves once the gateway answers again."""

PASSES_WITH_GATEWAY: Final = GATEWAY_AWAY | {"GatewayRefuses"}
"""The problems that a gateway which takes herder's calls has no more."""

_TAKES_ITS_TIME: Final = frozenset({"Applying", "Checking", "Draining", "Loading"})
"""The reasons of steps that only wait for something that ends by itself."""

_WAITS: Final = _TAKES_ITS_TIME | {"WorkerPending", "WorkerNotReady", "RollingOut"}
"""The reasons of steps that wait though nothing has failed: for a worker to come up, too, which it may never do."""


def running(steps: Iterable[Step], *, is_removal: bool, served: Claims = (), beside: str = "") -> Claims:
    """A run is in progress; the step that is retried, if one is, says why and when next.

    `served` says why the resource is Ready all the same, `beside` what else holds meanwhile.
    """
    at_work = [step for step in steps if step.status in {StepStatus.RUNNING, StepStatus.RETRYING}]
    current = next((step for step in at_work if step.message), at_work[0] if at_work else None)
    text, reason = _in_progress(current, "removal" if is_removal else "registration")
    text += beside
    if is_removal:
        return (ready(Truth.FALSE, ReadyReason.REMOVING, text), reconciling(ReconcilingReason.REMOVING, text))
    if served:
        return (*served, reconciling(reason, text))
    return (ready(Truth.FALSE, ReadyReason.REGISTERING, text), reconciling(reason, text))


def _in_progress(step: Step | None, job: str) -> tuple[str, ReconcilingReason]:
    if step is None:
        return f"the {job} begins", ReconcilingReason.PROGRESSING
    if not step.message:
        return f"step {step.name} is running", ReconcilingReason.PROGRESSING
    if step.reason in _WAITS:
        again = f" (next look at {step.next_retry_at:%H:%M:%SZ})" if step.next_retry_at else ""
        text = f"step {step.name} waits{again}: {step.message}"
        ends = step.reason in _TAKES_ITS_TIME
        return text, ReconcilingReason.PROGRESSING if ends else ReconcilingReason.PROGRESSING_WITH_RETRY
    if step.next_retry_at is None:
        how = f"attempt {step.attempts} is under way"
    else:
        how = f"attempt {step.attempts} failed, next attempt at {step.next_retry_at:%H:%M:%SZ}"
    text = f"step {step.name} is retried ({how}): {step.message}{_hint(step.reason or '')}"
    return text, ReconcilingReason.PROGRESSING_WITH_RETRY


def retried(step: str, problem: Problem) -> str:
    """What an Event says of a step that is retried: nothing of how often, which the next ones would say otherwise."""
    how = "still waits" if only_waits(problem.reason) else "is retried"
    return f"step {step} {how}: {problem.message}{_hint(problem.reason)}"


def only_waits(reason: str) -> bool:
    """Whether a step that has this to say waits, though nothing has failed."""
    return reason in _WAITS


def ends_by_itself(reason: str) -> bool:
    """Whether what it waits for comes by itself."""
    return reason in _TAKES_ITS_TIME


def _hint(reason: str) -> str:
    """What is worth doing where a step goes on failing so."""
    remedy = remedy_meanwhile(reason)
    return f"; if that goes on, {remedy}" if remedy else ""


def failed(
    step: str | None, problem: Problem, *, is_removal: bool, beside: str = "", tried: str = "", let_go: str = ""
) -> Claims:
    """A run has failed: by itself it goes on only where a gateway was out of reach.

    `tried` says how often the step was, `beside` what else holds meanwhile, `let_go` when a removal is given up.
    """
    what = f"step {step} failed{tried}" if step else "the run failed"
    text = f"{what}: {problem.message}{beside}"
    if problem.reason in GATEWAY_AWAY:
        text += f"; it goes on when the gateway answers{let_go}"
        return (
            ready(Truth.UNKNOWN, ReadyReason.GATEWAY_UNREACHABLE, text),
            reconciling(ReconcilingReason.PROGRESSING_WITH_RETRY, text),
        )
    if is_removal:
        text += f"; it is tried again{let_go}"
        return (ready(Truth.FALSE, ReadyReason.REMOVING, text), reconciling(ReconcilingReason.REMOVING, text))
    remedy = remedy_after(problem.reason)
    text += f". {remedy[:1].upper()}{remedy[1:]}" if remedy else ""
    return (
        ready(Truth.FALSE, _word(ReadyReason, problem.reason, ReadyReason.STEP_FAILED), text),
        stalled(_word(StalledReason, problem.reason, StalledReason.STEP_FAILED), text),
    )


def cancelled(beside: str = "") -> Claims:
    """The run was cancelled on demand; `beside` says what else holds."""
    text = f"the run was cancelled{beside}. To begin another, set the annotation {RETRY_ANNOTATION} to a new value"
    return (ready(Truth.FALSE, ReadyReason.CANCELLED, text), stalled(StalledReason.CANCELLED, text))


def kept(status: WorkflowStatus, beside: str = "") -> Claims | None:
    """What is said for as long as nothing changes after a run that ended badly; None where the status says it still.

    Other things may have been said since, such as Observed: then it is read off the run's own record.
    """
    run = status.workflow
    if run is None or any(condition.type != ConditionType.READY for condition in status.conditions):
        return None
    if run.status is RunStatus.CANCELLED:
        return cancelled()
    step = next((step for step in run.steps if step.status is StepStatus.FAILED and step.reason), None)
    if step is None:
        unknown = Problem("StepFailed", "no reason was given", retryable=True)
        return failed(None, unknown, is_removal=False, beside=beside)
    problem = Problem(step.reason or "StepFailed", step.message or "no reason was given", retryable=False)
    how = phrases.tried(step.attempts, step.started_at, step.finished_at)
    return failed(step.name, problem, is_removal=False, beside=beside, tried=how)


def _word[W: (ReadyReason, StalledReason)](words: type[W], reason: str, otherwise: W) -> W:
    return words(reason) if reason in words else otherwise
