"""Every kind in every state that its status can be in, as the API server would give it back.

The statuses are the projections' own, so what is recorded here can't differ from what herder writes.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from herder.api.conditions import ReadyReason, Truth, ready
from herder.api.gateway import GatewayReplicaState, Mode, ModelGatewayStatus
from herder.api.mcp import McpServerStatus
from herder.api.meta import API_VERSION, MCP_SERVER, MODEL_GATEWAY, TOKENIZER, WASM_MODULE, WORKER_REGISTRATION, Kind
from herder.api.status import EntryState, RunStatus, Step, StepStatus, WorkflowRun, WorkflowStatus
from herder.api.tokenizer import TokenizerStatus
from herder.api.wasm import WasmModuleStatus
from herder.api.worker import WorkerRegistrationStatus
from herder.controller.fleet import gatewaystatus
from herder.controller.fleet.gateways import Access, Gateway
from herder.controller.fleet.seen import Seen
from herder.controller.known.blocked import Blocked
from herder.controller.listing.observation import Observation
from herder.controller.listing.views import View
from herder.controller.status import claims, of_lists, of_runs, project
from herder.controller.status.claims import Claims
from herder.controller.status.project import Moment
from herder.gateway.replica import Replica
from herder.net.address import AddressPolicy
from herder.net.http import Http
from herder.workflows.entry import Entry
from herder.workflows.errors import Problem
from unit.api.manifests import GATEWAY, MODULE, SERVER, TOKENS, WORKER, Spec

GENERATION: Final = 3
NOON: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
E1, E2 = "http://10.0.0.1:30000", "http://10.0.0.2:30000"

SERVED: Final[Mapping[Kind, tuple[type[WorkflowStatus], Spec]]] = {
    WORKER_REGISTRATION: (WorkerRegistrationStatus, WORKER),
    WASM_MODULE: (WasmModuleStatus, MODULE),
    MCP_SERVER: (McpServerStatus, SERVER),
    TOKENIZER: (TokenizerStatus, TOKENS),
}
KINDS: Final = (MODEL_GATEWAY, *SERVED)


@dataclass(frozen=True, slots=True)
class State:
    """An object in a state; `argo` is the health that Argo CD is to show."""

    name: str
    argo: str
    body: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The object's kind."""
        return str(self.body["kind"])


def states() -> list[State]:
    """Every kind in every state."""
    return [*_gateways(), *(state for kind in SERVED for state in _served(kind))]


def as_params(recorded: list[State]) -> list[Any]:
    """The states as pytest's parameters, each under its kind and name."""
    return [pytest.param(state, id=f"{state.kind} {state.name}") for state in recorded]


def served(kind: Kind, name: str) -> dict[str, Any]:
    """A kind that a gateway serves, in the state of that name; it may be changed."""
    return _copied(state.body for state in _served(kind) if state.name == name)


def gateway(name: str) -> dict[str, Any]:
    """A ModelGateway in the state of that name; it may be changed."""
    return _copied(state.body for state in _gateways() if state.name == name)


def _copied(bodies: Iterator[Mapping[str, Any]]) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(json.dumps(next(bodies)))
    return body


def _seen(*entries: EntryState, lacking: frozenset[str] = frozenset()) -> Observation:
    pairs = zip((E1, E2), entries, strict=True)
    return Observation({e: Entry(state, "id", "hash", NOON) for e, state in pairs}, lacking, frozenset())


_TROUBLE: Final = Problem("WorkerUnreachable", "no answer within 10 s", retryable=True)
_AT_WORK: Final = (
    Step(name="classify", status=StepStatus.SUCCEEDED, attempts=1),
    Step(
        name="detect_connection",
        status=StepStatus.RETRYING,
        attempts=4,
        next_retry_at=NOON,
        reason=_TROUBLE.reason,
        message=_TROUBLE.message,
    ),
)
_READY: Final = of_lists.settled(_seen(EntryState.READY, EntryState.READY))
_PUBLISHED: Final = (ready(Truth.TRUE, ReadyReason.PUBLISHED, "it is published"),)
_GOING: Final = of_runs.running(_AT_WORK, is_removal=True)
_BARRED: Final = claims.blocked(ReadyReason.GATEWAY_REFUSES, "set the key that the gateway asks for")

_CLAIMED: Final[Mapping[str, tuple[str, Claims]]] = {
    "ready": ("Healthy", _READY),
    "registering": ("Progressing", claims.registering("missing on both replicas")),
    "retried": ("Progressing", of_runs.running(_AT_WORK, is_removal=False)),
    "served while at work": ("Progressing", of_runs.running(_AT_WORK, is_removal=False, served=_PUBLISHED)),
    "failed": ("Degraded", of_runs.failed("detect_connection", _TROUBLE, is_removal=False)),
    "cancelled": ("Degraded", of_runs.cancelled()),
    "blocked": ("Degraded", claims.blocked(ReadyReason.GATEWAY_NOT_FOUND, "there is no ModelGateway shepherd")),
    "foreign": (
        "Degraded",
        of_runs.failed("register", Problem("ForeignEntry", "no", retryable=False), is_removal=False),
    ),
    "suspended": ("Suspended", claims.suspended()),
    "observed": (
        "Suspended",
        of_lists.settled(_seen(EntryState.READY, EntryState.ABSENT, lacking=frozenset({E2})), observe_only=True),
    ),
    "unknown": ("Progressing", of_lists.settled(_seen(EntryState.READY, EntryState.UNREACHABLE))),
    "gateway away": (
        "Progressing",
        of_runs.failed("register", Problem("GatewayUnreachable", "no answer", retryable=True), is_removal=False),
    ),
    "sick": ("Progressing", of_lists.settled(_seen(EntryState.READY, EntryState.NOT_READY))),
    "no replicas": ("Progressing", of_lists.settled(Observation({}, frozenset(), frozenset()))),
}
_LEAVING: Final[Mapping[str, Claims]] = {"going": _GOING, "going but barred": _BARRED, "going unnoticed": _READY}


def _served(kind: Kind) -> Iterator[State]:
    model, spec = SERVED[kind]

    def body(said: Claims, generation: int = GENERATION, **metadata: Any) -> dict[str, Any]:
        status = project.with_claims(model(workflow=_run(said)), said, Moment(NOON, generation))
        suspend = said == claims.suspended()
        return _object(kind, {**spec, "suspend": suspend}, status.dump(), **metadata)

    for name, (argo, said) in _CLAIMED.items():
        yield State(name, argo, body(said))
    for name, said in _LEAVING.items():
        yield State(name, "Progressing", body(said, deletionTimestamp="2026-11-24T12:00:00Z"))
    yield from _not_current(kind, spec, body(_READY, GENERATION - 1), body(_READY))


def _run(said: Claims) -> WorkflowRun:
    is_going, is_on = said == _GOING, any(claim.type == "Reconciling" for claim in said)
    return WorkflowRun(
        name=f"worker-{'removal' if is_going else 'registration'}",
        instance_id="01a20a25",
        generation=GENERATION,
        status=RunStatus.RUNNING if is_on else RunStatus.COMPLETED,
        started_at=NOON,
        finished_at=None if is_on else NOON,
    )


def _gateways() -> Iterator[State]:
    up, down, refuses = GatewayReplicaState.REACHABLE, GatewayReplicaState.UNREACHABLE, GatewayReplicaState.REFUSES
    missing = Blocked(ReadyReason.SERVICE_NOT_FOUND, "there is no Service shepherd")

    def body(seen: Seen, generation: int = GENERATION, **metadata: Any) -> dict[str, Any]:
        status = gatewaystatus.status(ModelGatewayStatus(), seen, generation, NOON)
        return _object(MODEL_GATEWAY, {**GATEWAY, "mode": "Enforce"}, status.dump(), **metadata)

    yield State("ready", "Healthy", body(_gateway(up, up)))
    yield State("asked for the first time", "Progressing", body(Seen(None)))
    yield State("asked in part", "Progressing", body(_gateway(up, None)))
    yield State("unknown", "Progressing", body(_gateway(up, down)))
    yield State("refuses", "Degraded", body(_gateway(up, refuses)))
    yield State("blocked", "Degraded", body(Seen(None, trouble=missing)))
    yield State("no replicas", "Progressing", body(_gateway()))
    yield State("going", "Progressing", body(_gateway(up, up), deletionTimestamp="2026-11-24T12:00:00Z"))
    yield from _not_current(MODEL_GATEWAY, GATEWAY, body(_gateway(up, up), GENERATION - 1), body(_gateway(up, up)))


def _gateway(*replicas: GatewayReplicaState | None) -> Seen:
    endpoints = (E1, E2)[: len(replicas)]
    http = Http(AddressPolicy())
    views = {e: View(state, trouble="no answer") for e, state in zip(endpoints, replicas, strict=True)}
    return Seen(Gateway(Access(endpoints, Mode.ENFORCE, 10), tuple(Replica(e, http) for e in endpoints), views))


def _not_current(kind: Kind, spec: Spec, old: dict[str, Any], new: dict[str, Any]) -> Iterator[State]:
    """States in which the status, or a part of it, is not about the object as it is now."""
    yield State("new", "Progressing", _object(kind, spec, None))
    yield State("nothing said yet", "Progressing", _object(kind, spec, {"observedGeneration": GENERATION}))
    yield State("changed", "Progressing", old)
    half = {**old["status"], "observedGeneration": GENERATION}
    yield State("changed in part", "Progressing", {**old, "status": half})
    yield State("of another generation", "Progressing", {**new, "status": {**new["status"], "observedGeneration": 2}})
    unnumbered = {field: value for field, value in new["status"].items() if field != "observedGeneration"}
    yield State("of no generation", "Progressing", {**new, "status": unnumbered})
    somebody = {"type": "Audited", "status": "True", "reason": "Fine", "message": "", "observedGeneration": 1}
    more = {**new["status"], "conditions": [*new["status"]["conditions"], somebody]}
    yield State("with somebody else's condition", "Healthy", {**new, "status": more})


def _object(kind: Kind, spec: Spec, status: Mapping[str, Any] | None, **metadata: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": kind.kind,
        "metadata": {"name": "a", "namespace": "team", "generation": GENERATION, **metadata},
        "spec": dict(spec),
    }
    return body if status is None else {**body, "status": status}
