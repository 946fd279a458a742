"""What the conditions say of what the replicas list, while no run is in progress or beside one: pure.

Ready says Registered, or why not. A gateway out of reach makes Ready Unknown, never a stale True.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from herder.api.conditions import (
    Claim,
    ConditionType,
    ReadyReason,
    ReconcilingReason,
    Truth,
    drained,
    ready,
    reconciling,
    routable,
)
from herder.api.status import EntryState, WorkflowStatus
from herder.controller.listing.observation import WOULD_BE, Observation
from herder.controller.status.claims import Claims, registering
from herder.workflows.entry import REGISTERED, Entry

_LISTED: Final = REGISTERED | {EntryState.FOREIGN}
_SICK: Final = frozenset({EntryState.NOT_READY, EntryState.FAILED})
_GONE: Final = frozenset({EntryState.ABSENT, EntryState.FOREIGN})
_NAMED: Final = 3


def settled(observation: Observation, *, observe_only: bool = False, beside: str = "") -> Claims:
    """No run is needed, or none is allowed: the conditions follow from what the replicas list.

    `beside` says what else an observed gateway lists.
    """
    if observation.said is not None:
        return observation.said
    entries = observation.entries
    if not entries:
        return (ready(Truth.FALSE, ReadyReason.NO_REPLICAS, "the gateway has no replica: add one to its endpoints"),)
    tally = f"registered on {observation.registered} replicas"
    unreachable = [endpoint for endpoint, entry in entries.items() if entry.state is EntryState.UNREACHABLE]
    if unreachable:
        then = f"; {_unchanged(observation)}{beside}" if observe_only else ", which gets it when it is back"
        return _unknown(tally, unreachable, observation.unreadable, then)
    if observation.lacking and observe_only:
        listed = sum(entry.state in _LISTED for e, entry in entries.items() if e in observation.lacking)
        tally = f"registered as declared on {observation.registered} replicas"
        tally += f", listed otherwise on {listed}" if listed else ""
        text = f"{tally}; {_unchanged(observation)}{beside}"
        return (ready(Truth.FALSE, ReadyReason.OBSERVED, text),)
    if observation.lacking:
        text = f"{tally}; missing on {_some(observation.lacking)}"
        return registering(text)
    sick = [endpoint for endpoint, entry in entries.items() if entry.state in _SICK]
    if sick:
        text = f"{tally}; the health checks of {_some(sick)} fail: look after the worker"
        return (ready(Truth.FALSE, ReadyReason.WORKER_NOT_READY, text),)
    return (ready(Truth.TRUE, ReadyReason.REGISTERED, tally),)


def _unknown(tally: str, endpoints: Collection[str], unreadable: Mapping[str, str], then: str) -> Claims:
    """Of some replicas nobody can say; silence is said before trouble with a list."""
    silent = [endpoint for endpoint in endpoints if endpoint not in unreadable]
    if silent:
        reason, what = ReadyReason.GATEWAY_UNREACHABLE, f"no answer from {_some(silent)}{then}"
    else:
        reason, what = ReadyReason.REGISTRY_UNREADABLE, f"what {_some(endpoints)} lists can't be read: "
        what += unreadable[min(endpoints)]
    text = f"{tally}; {what}"
    return ready(Truth.UNKNOWN, reason, text), reconciling(ReconcilingReason.PROGRESSING_WITH_RETRY, text)


def _unchanged(observation: Observation) -> str:
    plan = _plan(observation)
    return f"{WOULD_BE}: {plan}" if plan else "with mode Observe nothing is changed"


def outstanding(observation: Observation) -> str:
    """What is said of a resource that is let alone: how it stands, and what is done once it may be."""
    if observation.said is not None:
        return next(claim.message for claim in observation.said if claim.type is ConditionType.READY)
    away = f", no answer from {_some(observation.away)}" if observation.away else ""
    plan = _plan(observation)
    then = f"; then it is {plan}" if plan else ", and left as it is"
    return f"registered as declared on {observation.registered} replicas{away}{then}"


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


def elsewhere(standing: str, *, may_be_both: bool) -> Claims:
    """It is registered at another place than is declared, and herder is told to change nothing.

    What `may_be_both` is registered as declared before it is taken off where it is.
    """
    steps = f"registered as declared, and then taken off {standing}"
    text = f"{WOULD_BE} {steps if may_be_both else f'taken off {standing}, and then registered as declared'}"
    return (ready(Truth.FALSE, ReadyReason.OBSERVED, text),)


def draining(entries: Mapping[str, Entry], *, is_over: bool) -> Claim:
    """What is said of a removal beside Ready: whether the requests under way have ended everywhere."""
    left = still_on(entries)
    if is_over or not left:
        return drained(Truth.TRUE, "no replica sends it requests any more")
    return drained(Truth.FALSE, left)


def still_on(entries: Mapping[str, Entry]) -> str:
    """What is said of the replicas that it is to be taken off yet; empty where there is none."""
    left = [endpoint for endpoint, entry in entries.items() if entry.state not in _GONE]
    return f"not off {_some(left)} yet" if left else ""


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


def _some(endpoints: Iterable[str]) -> str:
    names = sorted(endpoints)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
