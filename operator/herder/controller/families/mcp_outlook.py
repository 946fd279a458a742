"""What is to be said and done about one MCP server, from its gateway's file and from what it said itself: pure."""

from collections.abc import Iterable
from typing import Final

from herder.api.conditions import (
    Claim,
    ConditionType,
    ReachableReason,
    ReadyReason,
    ReconcilingReason,
    Truth,
    reachable,
    ready,
    reconciling,
)
from herder.api.mcp import McpServerStatus, PublishedServer
from herder.api.status import EntryState, RunStatus, Step, StepStatus
from herder.controller.families.mcp_desk import Seen, Sighting
from herder.controller.listing.observation import WOULD_BE, Observation
from herder.workflows.entry import Entry
from herder.workflows.errors import Problem
from herder.workflows.mcp import McpPlan, portrayed
from herder.workflows.mcp.file import difference
from herder.workflows.mcp.steps import Connect, DiscoverTools, Publish, Roll

_SERVED: Final = frozenset({StepStatus.SUCCEEDED, StepStatus.SKIPPED})
_OF_SERVER: Final = frozenset({Connect.id, DiscoverTools.id})


def outlook(
    plan: McpPlan,
    seen: Seen,
    sighting: Sighting | None,
    status: McpServerStatus,
    *,
    rolls: str | None,
    observes: bool,
) -> Observation:
    """Compare what is declared with the file; `status` is what is remembered of the server until it is asked."""
    place = f"ConfigMap {seen.view.config_map}" if seen.view is not None else "the ConfigMap"
    found = difference(seen.view.entries, plan.key, plan.entry) if seen.view is not None else seen.trouble
    failed_at = _failed_at(status)
    is_unrolled = failed_at == Roll.id and seen.rolling is not None
    state = EntryState.READY if found is None else EntryState.ABSENT
    is_foreign = seen.view is not None and seen.view.foreign is not None
    entry = Entry(EntryState.FOREIGN if is_foreign else state, plan.key, plan.spec_hash if found is None else None)
    return Observation(
        entries={place: entry},
        lacking=frozenset({place} if found is not None or is_unrolled else ()),
        away=frozenset({place} if seen.view is None else ()),
        contested=frozenset({place} if seen.view is not None and seen.view.is_held else ()),
        said=_said(plan, place, found, sighting, status, rolls=rolls, observes=observes),
        shown={"server": _shown(plan, seen, sighting, status.server)} if status.server is not None else {},
        is_mended=failed_at in _OF_SERVER and sighting is not None and sighting.offer is not None,
    )


def served(plan: McpPlan, steps: Iterable[Step], config_map: str, rolls: str | None) -> tuple[Claim, ...]:
    """Say that a server is published where nothing else is asked for, though its run tries again to reach it.

    An attempt that is under way has nothing to say yet: until it has, it is not known why the one before it failed.
    """
    steps = tuple(steps)
    done = {step.name for step in steps if step.status in _SERVED}
    silent = next((step for step in steps if step.name in _OF_SERVER and _has_failed(step)), None)
    if plan.spec.required or silent is None or not {Publish.id, Roll.id} <= done:
        return ()
    text = _published(plan, f"ConfigMap {config_map}", None, rolls)
    why = silent.message or "the server does not answer"
    return (
        ready(Truth.TRUE, ReadyReason.PUBLISHED, text),
        reachable(Truth.FALSE, ReachableReason.SERVER_UNREACHABLE, why),
    )


def _has_failed(step: Step) -> bool:
    """Whether an attempt of a step that is not done has failed."""
    is_tried_again = step.attempts > 1 and step.status not in _SERVED
    return is_tried_again or step.status in {StepStatus.RETRYING, StepStatus.FAILED}


def _failed_at(status: McpServerStatus) -> str | None:
    """Return the step that the last run failed at; None if it did not fail, or is one that goes on."""
    run = status.workflow
    has_failed = run is not None and run.status is RunStatus.FAILED
    return status.history[0].failed_step if has_failed and status.history else None


def _said(
    plan: McpPlan,
    place: str,
    found: str | None,
    sighting: Sighting | None,
    status: McpServerStatus,
    *,
    rolls: str | None,
    observes: bool,
) -> tuple[Claim, ...]:
    trouble = _trouble(sighting, status)
    beside = _reachable(sighting, status)
    if found is not None and observes:
        text = f"{WOULD_BE} published: {place}: {found}"
        return (ready(Truth.FALSE, ReadyReason.OBSERVED, text), *beside)
    if found is not None:
        text = f"{place}: {found}"
        return (
            ready(Truth.FALSE, ReadyReason.REGISTERING, text),
            reconciling(ReconcilingReason.PROGRESSING, text),
            *beside,
        )
    if trouble is not None and plan.spec.required:
        text = f"published in {place}, but the server does not answer: {trouble}"
        return (
            ready(Truth.FALSE, ReadyReason.SERVER_UNREACHABLE, text),
            reconciling(ReconcilingReason.PROGRESSING_WITH_RETRY, text),
            *beside,
        )
    return (ready(Truth.TRUE, ReadyReason.PUBLISHED, _published(plan, place, trouble, rolls)), *beside)


def _published(plan: McpPlan, place: str, trouble: str | None, rolls: str | None) -> str:
    parts = [f"published in {place}"]
    if trouble is not None:
        parts.append("the server does not answer, and the replicas go on trying")
    if plan.variables:
        parts.append(f"the init container that fills it in needs {', '.join(plan.variables.values())}")
    if rolls is None:
        parts.append(
            "replicas read it when they start: restart them for a change to take effect, "
            "or name their Deployment in spec.mcp.rollout of the ModelGateway"
        )
    else:
        parts.append(f"Deployment {rolls} is rolled when it changes")
    return "; ".join(parts)


def _trouble(sighting: Sighting | None, status: McpServerStatus) -> str | None:
    """Say why the server does not answer, as was seen last, or as its status remembers; None if it answers."""
    if sighting is not None:
        return sighting.problem.message if sighting.problem is not None else None
    known = next((each for each in status.conditions if each.type == ConditionType.REACHABLE), None)
    return known.message if known is not None and known.status is Truth.FALSE else None


def _reachable(sighting: Sighting | None, status: McpServerStatus) -> tuple[Claim, ...]:
    if sighting is None:
        kept = (each for each in status.conditions if each.type == ConditionType.REACHABLE)
        return tuple(reachable(each.status, ReachableReason(each.reason), each.message) for each in kept)
    return (_reachable_of(sighting.problem),)


def _reachable_of(problem: Problem | None) -> Claim:
    if problem is None:
        return reachable(Truth.TRUE, ReachableReason.SERVER_ANSWERS, "the server answers")
    return reachable(Truth.FALSE, ReachableReason.SERVER_UNREACHABLE, problem.message)


def _shown(plan: McpPlan, seen: Seen, sighting: Sighting | None, known: PublishedServer | None) -> PublishedServer:
    """Return what is shown of the server. Of one that does not answer it is not known what it offers."""
    config_map = seen.view.config_map if seen.view is not None else known.config_map if known is not None else None
    if sighting is None and known is not None:
        return known.model_copy(update={"config_map": config_map})
    offer = sighting.offer if sighting is not None else None
    return portrayed(plan, config_map, offer.greeting if offer is not None else None, offer)
