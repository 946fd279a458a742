"""What a ModelGateway's status says: pure, from what its replicas said last.

Ready says that every replica answers and takes the credentials: herder can do its work. What is not registered (yet) is
for the resources themselves to say, and counted here. Reachable says whether the replicas answer, whatever they say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from herder.api.base import InvalidResource, parse
from herder.api.conditions import (
    Claim,
    ReachableReason,
    ReadyReason,
    ReconcilingReason,
    StalledReason,
    Truth,
    merge,
    reachable,
    ready,
    reconciling,
    stalled,
)
from herder.api.gateway import MAX_PLAN, EntryCounts, GatewayReplica, GatewayReplicaState, Mode, ModelGatewayStatus
from herder.api.status import MAX_REPLICAS
from herder.controller.fleet.census import Counts
from herder.controller.fleet.gateways import Gateway
from herder.controller.known.blocked import Blocked
from herder.controller.known.objects import Body, Key
from herder.controller.listing.views import UNHEARD, View
from herder.controller.status import claims
from herder.controller.status.claims import Claims

_UNASKED: Final = "the replicas are being asked for the first time"
_NONE: Final = "the gateway has no replica: start one, or correct where they are looked for"


@dataclass(frozen=True, slots=True)
class Seen:
    """All that is known of a gateway: `trouble` is why it can't be driven, `gateway` is None where it isn't (yet)."""

    gateway: Gateway | None
    trouble: Blocked | None = None
    counts: Counts | None = None
    taken: Mapping[str, Key] = field(default_factory=dict)
    """The replicas that an older gateway drives, each with that."""

    @property
    def is_unheard(self) -> bool:
        """Whether a replica has not said anything yet."""
        views = self.gateway.views.values() if self.gateway is not None else ()
        return any(view.state is None for view in views)


def status_of(body: Body) -> ModelGatewayStatus:
    """Return an object's status; one that can't be read, written by another version, counts as none."""
    try:
        return parse(ModelGatewayStatus, body.get("status") or {}, at="status")
    except InvalidResource:
        return ModelGatewayStatus()


def status(base: ModelGatewayStatus, seen: Seen, generation: int, now: datetime) -> ModelGatewayStatus:
    """Return what follows `base`."""
    rows = _rows(seen, seen.gateway, base, now) if seen.gateway is not None else ()
    only_looks = seen.gateway is not None and seen.gateway.access.mode is Mode.OBSERVE
    counts = seen.counts if seen.gateway is not None else None
    return base.model_copy(
        update={
            "observed_generation": generation,
            "conditions": merge(base.conditions, claims_of(seen), now, generation),
            "ready": f"{_answering(rows)}/{len(rows) + len(seen.taken)}" if seen.trouble is None else None,
            "replicas": rows,
            "entries": counts.total if counts is not None else None,
            "planned": len(counts.plan) if counts is not None and only_looks else None,
            "plan": counts.plan[:MAX_PLAN] if counts is not None and only_looks else (),
        }
    )


def is_news(base: ModelGatewayStatus, seen: Seen) -> bool:
    """Whether Ready says, or means, something else than before: that is not held back."""
    claim = next(claim for claim in claims_of(seen) if claim.type == "Ready")
    before = next((each for each in base.conditions if each.type == "Ready"), None)
    return before is None or (before.status, before.reason) != (claim.status, claim.reason)


def claims_of(seen: Seen) -> Claims:
    """Return what the conditions say."""
    if seen.trouble is not None:
        text = f"the replicas are not asked: {seen.trouble.message}"
        unknown = reachable(Truth.UNKNOWN, ReachableReason.NOT_ASKED, text)
        return (*claims.blocked(seen.trouble.reason, seen.trouble.message), unknown)
    views = seen.gateway.views if seen.gateway is not None else {}
    if seen.gateway is None or (views and all(view.state is None for view in views.values())):
        unknown = reachable(Truth.UNKNOWN, ReachableReason.NOT_ASKED, _UNASKED)
        return (*claims.registering(_UNASKED), unknown)
    return (*_summary(views, seen.taken), _reachable(views))


def shared(taken: Mapping[str, Key]) -> str:
    """Return what is said where replicas are driven for older gateways of the same namespace."""
    endpoint, by = next(iter(taken.items()))
    more = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
    remedy = "name each replica in one ModelGateway of a namespace, or delete one of the two"
    return f"{endpoint}{more} is driven for the older ModelGateway {by.name}, and left alone for this one: {remedy}"


def _summary(views: Mapping[str, View], taken: Mapping[str, Key]) -> Claims:
    if not views:
        return (ready(Truth.FALSE, ReadyReason.NO_REPLICAS, _NONE),)
    refusing = _those(views, GatewayReplicaState.REFUSES)
    if refusing:
        text = f"{refusing[0]}: {views[refusing[0]].trouble}"
        return ready(Truth.FALSE, ReadyReason.GATEWAY_REFUSES, text), stalled(StalledReason.GATEWAY_REFUSES, text)
    if taken:
        text = f"{_tally(views)}; {shared(taken)}"
        return ready(Truth.FALSE, ReadyReason.CONFLICT, text), stalled(StalledReason.CONFLICT, text)
    silent = _those(views, GatewayReplicaState.UNREACHABLE)
    if silent:
        text = f"{_tally(views)}; {views[silent[0]].trouble}"
        return (
            ready(Truth.UNKNOWN, ReadyReason.GATEWAY_UNREACHABLE, text),
            reconciling(ReconcilingReason.PROGRESSING_WITH_RETRY, text),
        )
    if _those(views, None):
        text = f"{_tally(views)}; the others are being asked for the first time"
        return (
            ready(Truth.UNKNOWN, ReadyReason.GATEWAY_UNREACHABLE, text),
            reconciling(ReconcilingReason.PROGRESSING, text),
        )
    return (ready(Truth.TRUE, ReadyReason.REACHABLE, _tally(views)),)


def _reachable(views: Mapping[str, View]) -> Claim:
    silent = [*_those(views, GatewayReplicaState.UNREACHABLE), *_those(views, None)]
    if not silent and views:
        return reachable(Truth.TRUE, ReachableReason.ALL_REPLICAS, _tally(views))
    if len(silent) < len(views):
        return reachable(Truth.FALSE, ReachableReason.SOME_REPLICAS, f"{_tally(views)}, not {silent[0]}")
    return reachable(Truth.FALSE, ReachableReason.NO_REPLICA, _tally(views) if views else _NONE)


def _tally(views: Mapping[str, View]) -> str:
    silent = len(_those(views, GatewayReplicaState.UNREACHABLE)) + len(_those(views, None))
    of = "its one replica" if len(views) == 1 else f"{len(views) - silent} of {len(views)} replicas"
    verb = "answers" if len(views) == 1 else "answer"
    return f"{of} {verb}" if silent < len(views) or len(views) > 1 else "its one replica does not answer"


def _those(views: Mapping[str, View], state: GatewayReplicaState | None) -> list[str]:
    return [endpoint for endpoint, view in views.items() if view.state is state]


def _answering(rows: Sequence[GatewayReplica]) -> int:
    return sum(row.state is GatewayReplicaState.REACHABLE for row in rows)


def _rows(seen: Seen, gateway: Gateway, base: ModelGatewayStatus, now: datetime) -> tuple[GatewayReplica, ...]:
    before = {row.endpoint: row for row in base.replicas}
    counts = seen.counts.by_replica if seen.counts is not None else {}
    endpoints = [replica.endpoint for replica in gateway.replicas][:MAX_REPLICAS]
    rows = (_row(each, gateway.views.get(each, UNHEARD), counts.get(each)) for each in endpoints)
    return tuple(_dated(row, before.get(row.endpoint), now) for row in rows)


def _row(endpoint: str, view: View, counts: EntryCounts | None) -> GatewayReplica:
    is_known = view.state is GatewayReplicaState.REACHABLE
    return GatewayReplica(
        endpoint=endpoint,
        state=view.state or GatewayReplicaState.UNKNOWN,
        workers=view.count if is_known else None,
        registered=counts.registered if counts is not None else None,
        foreign=counts.foreign if counts is not None else None,
        drifted=counts.drifted if counts is not None else None,
        orphaned=counts.orphaned if counts is not None else None,
    )


def _dated(row: GatewayReplica, before: GatewayReplica | None, now: datetime) -> GatewayReplica:
    """Say since when the replica has been seen so: the time moves only when something else in the row does."""
    since = before.verified_at if before is not None else None
    is_same = before is not None and before.model_copy(update={"verified_at": None}) == row
    return row.model_copy(update={"verified_at": since if is_same and since else now})
