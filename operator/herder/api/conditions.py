"""Conditions: each type beside its own reasons, how new ones follow old ones, and the rules that readers rely on.

`kubectl wait`, Argo CD and Flux read conditions by the kstatus rules: Ready sums up; Reconciling and Stalled are there
only while they are True, the first while herder is at work, the second when only a person or a changed input can help.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from herder.api.base import ApiModel
from herder.api.markers import Clip, Second

MAX_MESSAGE_LENGTH: Final = 1024


class Truth(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class ConditionType(StrEnum):
    """The conditions that herder writes, in the order in which a status lists them."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    REACHABLE = "Reachable"
    ROUTABLE = "Routable"
    """Of a worker: whether requests for its models reach it through every replica. Absent while that is not known."""
    DRAINED = "Drained"
    """While a worker is taken off a gateway: whether the requests under way on it have ended everywhere."""


class ReadyReason(StrEnum):
    """Why Ready is what it is."""

    REGISTERED = "Registered"
    """True: every replica lists the entry as declared."""
    REACHABLE = "Reachable"
    """True, of a gateway: every replica answers."""
    PUBLISHED = "Published"
    """True, of an MCP server: the file that the replicas start with lists it as declared."""
    OBSERVED = "Observed"
    """The gateway is only observed: the message says what would be changed."""

    REGISTERING = "Registering"
    REMOVING = "Removing"
    SUSPENDED = "Suspended"
    CANCELLED = "Cancelled"
    STEP_FAILED = "StepFailed"
    FOREIGN_ENTRY = "ForeignEntry"
    CONFLICT = "Conflict"
    GATEWAY_NOT_FOUND = "GatewayNotFound"
    GATEWAY_UNREACHABLE = "GatewayUnreachable"
    GATEWAY_REFUSES = "GatewayRefuses"
    """The gateway does not take herder's credentials."""
    REGISTRY_UNREADABLE = "RegistryUnreadable"
    """Unknown: a replica answers, but not with its list of what is declared."""
    SERVICE_NOT_FOUND = "ServiceNotFound"
    """The Service that a gateway's replicas are to be found by, or its port, does not exist."""
    NO_REPLICAS = "NoReplicas"
    SERVER_UNREACHABLE = "ServerUnreachable"
    """An MCP server that is required does not answer."""
    WORKER_UNREACHABLE = "WorkerUnreachable"
    WORKER_NOT_READY = "WorkerNotReady"
    """Registered, but a replica finds the worker sick."""
    LOAD_FAILED = "LoadFailed"
    """A replica can't load the tokenizer."""
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105  (a reason, not a password)
    SECRET_NOT_PERMITTED = "SecretNotPermitted"  # noqa: S105  (a reason, not a password)
    """The Secret is there, and is not to be sent to the host that the resource names."""
    ADDRESS_REFUSED = "AddressRefused"
    INVALID_SPEC = "InvalidSpec"


class ReconcilingReason(StrEnum):
    """What herder is doing about it."""

    PROGRESSING = "Progressing"
    PROGRESSING_WITH_RETRY = "ProgressingWithRetry"
    REMOVING = "Removing"


class StalledReason(StrEnum):
    """Why herder can't go on by itself."""

    STEP_FAILED = "StepFailed"
    CANCELLED = "Cancelled"
    FOREIGN_ENTRY = "ForeignEntry"
    CONFLICT = "Conflict"
    GATEWAY_NOT_FOUND = "GatewayNotFound"
    GATEWAY_REFUSES = "GatewayRefuses"
    SERVICE_NOT_FOUND = "ServiceNotFound"
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105  (a reason, not a password)
    SECRET_NOT_PERMITTED = "SecretNotPermitted"  # noqa: S105  (a reason, not a password)
    SERVER_UNREACHABLE = "ServerUnreachable"
    WORKER_UNREACHABLE = "WorkerUnreachable"
    WORKER_NOT_READY = "WorkerNotReady"
    LOAD_FAILED = "LoadFailed"
    ADDRESS_REFUSED = "AddressRefused"
    INVALID_SPEC = "InvalidSpec"


class RoutableReason(StrEnum):
    """Whether the replicas offer the worker's models."""

    MODELS_LISTED = "ModelsListed"
    MODELS_MISSING = "ModelsMissing"


class DrainedReason(StrEnum):
    """Whether the worker is still at work for a replica."""

    DRAINING = "Draining"
    DRAINED = "Drained"


class ReachableReason(StrEnum):
    """How many of a gateway's replicas answer, whatever they say; or whether an MCP server does."""

    ALL_REPLICAS = "AllReplicas"
    SOME_REPLICAS = "SomeReplicas"
    NO_REPLICA = "NoReplica"
    NOT_ASKED = "NotAsked"
    """Unknown: they have not been asked yet, or can't be: what is needed for that is missing."""
    SERVER_ANSWERS = "ServerAnswers"
    """Of an MCP server, which is asked for its tools."""
    SERVER_UNREACHABLE = "ServerUnreachable"


class Condition(ApiModel):
    """One aspect of the resource's state, in the shape of metav1.Condition."""

    type: Annotated[str, Field(min_length=1, max_length=316)]
    """Ready, Reconciling, Stalled; Reachable of a gateway; Routable and Drained of a worker."""

    status: Truth
    """True, False or Unknown."""

    observed_generation: Annotated[int, Field(ge=0)]
    """The generation of the spec that this says something about."""

    last_transition_time: Second
    """When the status last changed from one of its values to another."""

    reason: Annotated[str, Field(min_length=1, max_length=64)]
    """Why, in one CamelCase word for programs."""

    message: Annotated[str, Clip(MAX_MESSAGE_LENGTH)]
    """Why, and what to do about it, for people."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a condition is to say; `merge` adds since when and for which generation. Made by the functions below."""

    type: ConditionType
    status: Truth
    reason: ReadyReason | ReconcilingReason | StalledReason | ReachableReason | RoutableReason | DrainedReason
    message: str


def ready(status: Truth, reason: ReadyReason, message: str) -> Claim:
    """The summary, which every status has."""
    return Claim(ConditionType.READY, status, reason, message)


def reconciling(reason: ReconcilingReason, message: str) -> Claim:
    """Herder is at work; absent from the claims when it is not."""
    return Claim(ConditionType.RECONCILING, Truth.TRUE, reason, message)


def stalled(reason: StalledReason, message: str) -> Claim:
    """Herder waits for a person or a changed input; absent from the claims when it does not."""
    return Claim(ConditionType.STALLED, Truth.TRUE, reason, message)


def routable(status: Truth, message: str) -> Claim:
    """Whether every replica offers the worker's models; absent from the claims while that is not known."""
    is_so = status is Truth.TRUE
    reason = RoutableReason.MODELS_LISTED if is_so else RoutableReason.MODELS_MISSING
    return Claim(ConditionType.ROUTABLE, status, reason, message)


def drained(status: Truth, message: str) -> Claim:
    """Whether the worker's last requests have ended; absent from the claims unless it is taken off a gateway."""
    reason = DrainedReason.DRAINED if status is Truth.TRUE else DrainedReason.DRAINING
    return Claim(ConditionType.DRAINED, status, reason, message)


def reachable(status: Truth, reason: ReachableReason, message: str) -> Claim:
    """Whether a gateway's replicas answer, beside the summary."""
    return Claim(ConditionType.REACHABLE, status, reason, message)


_SUMMARY: Final = frozenset({ConditionType.READY, ConditionType.RECONCILING, ConditionType.STALLED})
_CLAIMABLE = (
    [ConditionType.READY],
    [ConditionType.READY, ConditionType.RECONCILING],
    [ConditionType.READY, ConditionType.STALLED],
)


def merge(old: Sequence[Condition], new: Iterable[Claim], now: datetime, generation: int) -> tuple[Condition, ...]:
    """The conditions that follow `old` when `new` is all there is to say about `generation`.

    `lastTransitionTime` moves to `now` only where a status flips. Of herder's own types those not claimed are dropped;
    types that somebody else wrote are kept as they are, behind ours. Raises ValueError unless `new` has exactly one
    Ready, at most one of Reconciling and Stalled, and no other type twice.
    """
    order = list(ConditionType)
    claims = sorted(new, key=lambda claim: order.index(claim.type))
    types = [claim.type for claim in claims]
    if [each for each in types if each in _SUMMARY] not in _CLAIMABLE or len(set(types)) < len(types):
        raise ValueError(f"claim Ready once and at most one of Reconciling and Stalled, each type once, not {claims}")
    before = {condition.type: condition for condition in old}
    foreign = (condition for condition in old if condition.type not in order)
    return (*(_follow(before.get(claim.type), claim, now, generation) for claim in claims), *foreign)


def _follow(before: Condition | None, claim: Claim, now: datetime, generation: int) -> Condition:
    since = before.last_transition_time if before and before.status is claim.status else now
    return Condition(
        type=claim.type,
        status=claim.status,
        observed_generation=generation,
        last_transition_time=since,
        reason=claim.reason,
        message=claim.message,
    )
