"""What a ModelGateway's status says of each replica: pure, from what it said last."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from herder.api.gateway import EntryCounts, GatewayReplica, GatewayReplicaState, ModelGatewayStatus
from herder.api.status import MAX_REPLICAS
from herder.controller.fleet.gateways import Gateway
from herder.controller.fleet.seen import Seen
from herder.controller.listing.registries import Registry
from herder.controller.listing.views import UNHEARD, View


def answering(rows: Sequence[GatewayReplica]) -> int:
    return sum(row.state is GatewayReplicaState.REACHABLE for row in rows)


def rows_of(seen: Seen, gateway: Gateway, base: ModelGatewayStatus, now: datetime) -> tuple[GatewayReplica, ...]:
    before = {row.endpoint: row for row in base.replicas}
    counts = seen.counts.by_replica if seen.counts is not None else {}
    endpoints = [replica.endpoint for replica in gateway.replicas][:MAX_REPLICAS]
    rows = (_row(each, gateway.views.get(each, UNHEARD), counts.get(each), seen.unreadable) for each in endpoints)
    return tuple(_dated(row, before.get(row.endpoint), now) for row in rows)


def _row(
    endpoint: str, view: View, counts: EntryCounts | None, unreadable: Mapping[str, Mapping[Registry, str]]
) -> GatewayReplica:
    is_known = view.state is GatewayReplicaState.REACHABLE
    return GatewayReplica(
        endpoint=endpoint,
        state=view.state or GatewayReplicaState.UNKNOWN,
        workers=view.count if is_known else None,
        registered=counts.registered if counts is not None else None,
        foreign=counts.foreign if counts is not None else None,
        drifted=counts.drifted if counts is not None else None,
        orphaned=counts.orphaned if counts is not None else None,
        unreadable=tuple(unreadable.get(endpoint, ())),
    )


def _dated(row: GatewayReplica, before: GatewayReplica | None, now: datetime) -> GatewayReplica:
    """Say since when the replica has been seen so: the times move only when what they are of does."""
    now = now.replace(microsecond=0)  # as it reads back
    if before is None:
        before = GatewayReplica(endpoint=row.endpoint, state=GatewayReplicaState.UNKNOWN)
    since = before.unreadable_since if before.unreadable == row.unreadable else None
    row = row.model_copy(update={"unreadable_since": (since or now) if row.unreadable else None})
    is_same = before.model_copy(update={"verified_at": None}) == row
    return row.model_copy(update={"verified_at": before.verified_at if is_same and before.verified_at else now})
