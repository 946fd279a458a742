"""What a ModelGateway's status says: pure, from what its replicas said last.

Ready says that every replica answers and takes the credentials: herder can do its work. What is not registered (yet) is
for the resources themselves to say, and counted here. Reachable says whether the replicas answer, whatever they say.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

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
from herder.api.gateway import MAX_PLAN, GatewayReplicaState, Mode, ModelGatewayStatus
from herder.controller.fleet.gatewayrows import answering, rows_of
from herder.controller.fleet.gateways import Gateway
from herder.controller.fleet.seen import Seen
from herder.controller.known.objects import Body, Key
from herder.controller.listing.registries import HELD_IN, Registry
from herder.controller.listing.views import View
from herder.controller.status import claims
from herder.controller.status.claims import Claims
from herder.gateway.answers import WHERE

_UNASKED: Final = "the replicas are being asked for the first time"
_HOLD: Final = frozenset(HELD_IN.values())
_CALLED: Final = {Registry.WASM: "modules", Registry.TOKENIZERS: "tokenizers"}
_NONE: Final = "the gateway has no replica: start one, or correct where they are looked for"


def status_of(body: Body) -> ModelGatewayStatus:
    """Return an object's status; one that can't be read, written by another version, counts as none."""
    try:
        return parse(ModelGatewayStatus, body.get("status") or {}, at="status")
    except InvalidResource:
        return ModelGatewayStatus()


def status(base: ModelGatewayStatus, seen: Seen, generation: int, now: datetime) -> ModelGatewayStatus:
    """Return what follows `base`."""
    rows = rows_of(seen, seen.gateway, base, now) if seen.gateway is not None else ()
    only_looks = seen.gateway is not None and seen.gateway.access.mode is Mode.OBSERVE
    counts = seen.counts if seen.gateway is not None else None
    return base.model_copy(
        update={
            "observed_generation": generation,
            "conditions": merge(base.conditions, claims_of(seen), now, generation),
            "ready": f"{answering(rows)}/{len(rows) + len(seen.taken)}" if seen.trouble is None else None,
            "registered": f"{counts.total.registered}/{counts.total.declared}" if counts is not None else None,
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
    return (*_summary(views, seen), _reachable(views))


def shared(taken: Mapping[str, Key]) -> str:
    """Return what is said where replicas are driven for older gateways of the same namespace."""
    endpoint, by = next(iter(taken.items()))
    more = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
    remedy = "name each replica in one ModelGateway of a namespace, or delete one of the two"
    return f"{endpoint}{more} is driven for the older ModelGateway {by.name}, and left alone for this one: {remedy}"


def _summary(views: Mapping[str, View], seen: Seen) -> Claims:
    if not views:
        return (ready(Truth.FALSE, ReadyReason.NO_REPLICAS, _NONE),)
    refusing = _those(views, GatewayReplicaState.REFUSES)
    if refusing:
        text = _trouble(refusing[0], views[refusing[0]], seen.gateway)
        return ready(Truth.FALSE, ReadyReason.GATEWAY_REFUSES, text), stalled(StalledReason.GATEWAY_REFUSES, text)
    if seen.taken:
        text = f"{_tally(views)}; {shared(seen.taken)}"
        return ready(Truth.FALSE, ReadyReason.CONFLICT, text), stalled(StalledReason.CONFLICT, text)
    silent = _those(views, GatewayReplicaState.UNREACHABLE)
    if silent:
        text = f"{_tally(views)}; {_trouble(silent[0], views[silent[0]], seen.gateway)}"
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
    unread = _unread(seen.unreadable)
    if unread:
        text = f"{_tally(views)}; {unread}"
        return (
            ready(Truth.UNKNOWN, ReadyReason.REGISTRY_UNREADABLE, text),
            reconciling(ReconcilingReason.PROGRESSING_WITH_RETRY, text),
        )
    return (ready(Truth.TRUE, ReadyReason.REACHABLE, _tally(views)),)


def _unread(unreadable: Mapping[str, Mapping[Registry, str]]) -> str:
    """Return which registry of which replica can't be read, of those that hold what is declared; empty if all can."""
    held = {(e, of): said for e, troubles in unreadable.items() for of, said in troubles.items() if of in _HOLD}
    if not held:
        return ""
    (endpoint, registry), said = next(iter(held.items()))
    more = f" (and {len(held) - 1} more lists)" if len(held) > 1 else ""
    return f"the list of {_CALLED[registry]} of {endpoint} can't be read{more}: {said}"


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
    as_what = " as a gateway does" if any(_answers(*each) for each in views.items()) else ""
    is_none = len(views) == 1 and silent == 1
    return f"its one replica does not answer{as_what}" if is_none else f"{of} {verb}{as_what}"


def _answers(endpoint: str, view: View) -> bool:
    """Whether something answers there, though not as it should: what is said of silence names who is silent."""
    return view.state is GatewayReplicaState.UNREACHABLE and f"//{urlsplit(endpoint).netloc}" not in view.trouble


def _trouble(endpoint: str, view: View, gateway: Gateway | None) -> str:
    """What is said of a replica that can't be driven, with a remedy; a refusal brings its own, if any."""
    field = gateway.access.named_in if gateway is not None else "spec.endpoints"
    if WHERE in view.trouble or view.state is GatewayReplicaState.REFUSES:
        return f"{endpoint}: {view.trouble.replace(WHERE, field)}"
    if _answers(endpoint, view):
        return f"{endpoint}: {view.trouble}; see to it, or correct {field}"
    return f"{view.trouble}; start it, or correct {field}"


def _those(views: Mapping[str, View], state: GatewayReplicaState | None) -> list[str]:
    return [endpoint for endpoint, view in views.items() if view.state is state]
