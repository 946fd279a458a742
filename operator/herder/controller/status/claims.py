"""What the conditions say in each situation a resource can be in: pure, the wording of all of them in one place.

Ready says Registered, or why not. A run in progress is Reconciling. What only a person or a changed input can mend is
Stalled, and the message ends with what to do. A gateway out of reach makes Ready Unknown, never a stale True.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from herder.api.conditions import (
    Claim,
    ConditionType,
    ReadyReason,
    ReconcilingReason,
    StalledReason,
    Truth,
    drained,
    ready,
    reconciling,
    routable,
    stalled,
)
from herder.api.meta import RETRY_ANNOTATION
from herder.api.status import EntryState, RunStatus, Step, StepStatus, WorkflowStatus
from herder.controller.listing.observation import Observation
from herder.controller.status import phrases
from herder.workflows.entry import REGISTERED, Entry
from herder.workflows.errors import Problem
from herder.workflows.reasons import remedy_after, remedy_meanwhile

type Claims = tuple[Claim, ...]

GATEWAY_AWAY: Final = frozenset({"GatewayUnreachable", "GatewayError"})
"""The problems that pass by themselves once the gateway answers again."""

PASSES_WITH_GATEWAY: Final = GATEWAY_AWAY | {"GatewayRefuses"}
"""The problems that a gateway which takes herder's calls has no more."""

_TAKES_ITS_TIME: Final = frozenset({"Applying", "Checking", "Draining", "Loading"})
"""The reasons of steps that only wait for something that ends by itself."""

_WAITS: Final = _TAKES_ITS_TIME | {"WorkerPending", "WorkerNotReady", "RollingOut"}
"""The reasons of steps that wait though nothing has failed: for a worker to come up, too, which it may never do."""

_LISTED: Final = REGISTERED | {EntryState.FOREIGN}
_SICK: Final = frozenset({EntryState.NOT_READY, EntryState.FAILED})
_GONE: Final = frozenset({EntryState.ABSENT, EntryState.FOREIGN})
_NAMED: Final = 3


def settled(observation: Observation, *, observe_only: bool = False) -> Claims:
    """No run is needed, or none is allowed: the conditions follow from what the replicas list."""
    if observation.said is not None:
        return observation.said
    entries = observation.entries
    if not entries:
        return (ready(Truth.FALSE, ReadyReason.NO_REPLICAS, "the gateway has no replica: add one to its endpoints"),)
    tally = f"registered on {observation.registered} replicas"
    unreachable = [endpoint for endpoint, entry in entries.items() if entry.state is EntryState.UNREACHABLE]
    if unreachable:
        text = f"{tally}; no answer from {_some(unreachable)}, which gets it when it is back"
        return (
            ready(Truth.UNKNOWN, ReadyReason.GATEWAY_UNREACHABLE, text),
            reconciling(ReconcilingReason.PROGRESSING_WITH_RETRY, text),
        )
    if observation.lacking and observe_only:
        listed = sum(entry.state in _LISTED for e, entry in entries.items() if e in observation.lacking)
        tally = f"registered as declared on {observation.registered} replicas"
        tally += f", listed otherwise on {listed}" if listed else ""
        text = f"{tally}; with mode Observe nothing is changed, but it would be: {_plan(observation)}"
        return (ready(Truth.FALSE, ReadyReason.OBSERVED, text),)
    if observation.lacking:
        text = f"{tally}; missing on {_some(observation.lacking)}"
        return registering(text)
    sick = [endpoint for endpoint, entry in entries.items() if entry.state in _SICK]
    if sick:
        text = f"{tally}; the health checks of {_some(sick)} fail: look after the worker"
        return (ready(Truth.FALSE, ReadyReason.WORKER_NOT_READY, text),)
    return (ready(Truth.TRUE, ReadyReason.REGISTERED, tally),)


def _plan(observation: Observation) -> str:
    """What would be done where, had herder not been told to change nothing."""
    foreign = {e for e in observation.lacking if observation.entries[e].state is EntryState.FOREIGN}
    listing = {e: why for e, why in observation.differences.items() if e not in foreign}
    missing = observation.lacking - foreign - listing.keys()
    parts = [f"registered on {_some(missing)}"] if missing else []
    parts += [f"changed on {_some(same)} because {why}" for why, same in _grouped(listing)]
    parts += [f"refused on {_some(foreign)}, which list it for somebody else"] if foreign else []
    return "; ".join(parts)


def drifted(drift: Mapping[str, str]) -> str:
    """What an Event says of a repair: what was found in place of what was registered, and where."""
    return "what was registered is restored: " + "; ".join(f"{_some(where)}: {what}" for what, where in _grouped(drift))


def _grouped(lines: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """Return each line once, with the endpoints that it is about."""
    where = defaultdict(list)
    for endpoint, line in sorted(lines.items()):
        where[line].append(endpoint)
    return list(where.items())


def elsewhere(standing: str) -> Claims:
    """It is registered at another place than is declared, and herder is told to change nothing."""
    text = f"with mode Observe nothing is changed, but it would be taken off {standing}, and registered as declared"
    return (ready(Truth.FALSE, ReadyReason.OBSERVED, text),)


def draining(entries: Mapping[str, Entry], *, is_over: bool) -> Claim:
    """What is said of a removal beside Ready: whether the requests under way have ended everywhere."""
    left = [endpoint for endpoint, entry in entries.items() if entry.state not in _GONE]
    if is_over or not left:
        return drained(Truth.TRUE, "no replica sends it requests any more")
    return drained(Truth.FALSE, f"not off {_some(left)} yet")


def routable_of(
    status: WorkflowStatus,
    lists_models: Mapping[str, bool],
    endpoints: Collection[str],
    away: Collection[str] = frozenset(),
) -> Claims:
    """What is said of a registered worker's models: what the gateway's replicas say, or said last.

    Nothing where there is no replica, or one is away: what every replica said is true of every replica no more.
    """
    said = offered(lists_models, endpoints)
    if said is not None:
        return (said,)
    if away or not endpoints:
        return ()
    kept = (each for each in status.conditions if each.type == ConditionType.ROUTABLE)
    return tuple(routable(each.status, each.message) for each in kept)


def offered(lists_models: Mapping[str, bool], endpoints: Collection[str]) -> Claim | None:
    """Whether every replica offers the worker's models; None where not all are known, and none is known not to."""
    missing = [endpoint for endpoint in endpoints if lists_models.get(endpoint) is False]
    if missing:
        return routable(Truth.FALSE, f"/v1/models of {_some(missing)} does not list its models")
    if not endpoints or not all(endpoint in lists_models for endpoint in endpoints):
        return None
    return routable(Truth.TRUE, "every replica's /v1/models lists its models")


def registering(text: str) -> Claims:
    """A registration is about to begin."""
    return (
        ready(Truth.FALSE, ReadyReason.REGISTERING, text),
        reconciling(ReconcilingReason.PROGRESSING, text),
    )


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
    remedy = remedy_meanwhile(step.reason or "")
    hint = f"; if that goes on, {remedy}" if remedy else ""
    return f"step {step.name} is retried ({how}): {step.message}{hint}", ReconcilingReason.PROGRESSING_WITH_RETRY


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


def suspended() -> Claims:
    """Nothing is done about the resource."""
    text = "spec.suspend is true: nothing is done until it is false, not even repair"
    return (ready(Truth.FALSE, ReadyReason.SUSPENDED, text),)


def blocked(reason: ReadyReason, text: str) -> Claims:
    """Something that the resource refers to, or the resource itself, is not as it must be; or a replica is away."""
    if reason is ReadyReason.GATEWAY_UNREACHABLE:
        return ready(Truth.UNKNOWN, reason, text), reconciling(ReconcilingReason.PROGRESSING_WITH_RETRY, text)
    return (ready(Truth.FALSE, reason, text), stalled(StalledReason(reason.value), text))


def _word[W: (ReadyReason, StalledReason)](words: type[W], reason: str, otherwise: W) -> W:
    return words(reason) if reason in words else otherwise


def _some(endpoints: Iterable[str]) -> str:
    names = sorted(endpoints)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
