"""What each condition, and each reason that herder gives, means, and what there is to do about it: docs/reasons.md.

Messages say it for the case at hand; this is for looking a word up. A reason without a row fails a test.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from herder.api.conditions import (
    ConditionType,
    DrainedReason,
    ReachableReason,
    ReadyReason,
    ReconcilingReason,
    RoutableReason,
    Truth,
)

_IS, _NOT, _OPEN = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN
_RETRY: Final = "set the annotation `herder.dev/retry` to a new value"


@dataclass(frozen=True, slots=True)
class Meaning:
    """`statuses` are those of the condition that may have the reason; an empty `remedy` says that nothing is to do."""

    says: str
    remedy: str = ""
    statuses: tuple[Truth, ...] = (_NOT,)


class EventReason(StrEnum):
    """The reasons of Events that no condition has; a change of Ready is told with Ready's own reason."""

    DRIFTED = "Drifted"
    ORPHAN_REMOVED = "OrphanRemoved"
    REMOVED = "Removed"
    RELEASED = "Released"
    ABANDONED = "Abandoned"
    RETRYING = "Retrying"
    MOVING = "Moving"
    MOVED = "Moved"
    EPOCH_NOT_BELIEVED = "EpochNotBelieved"


CONDITIONS: Final[Mapping[ConditionType, str]] = {
    ConditionType.READY: "The summary, on every resource that herder has looked at.",
    ConditionType.RECONCILING: "Herder is at work, or tries again by itself. Only there while it is True.",
    ConditionType.STALLED: (
        "Only a person or a changed input can help. Only there while it is True, with the reason and the message that "
        "Ready has, or with `StepFailed` where Ready's reason is none of Stalled's."
    ),
    ConditionType.REACHABLE: "Of a ModelGateway: whether its replicas answer; of an McpServer: whether it does.",
    ConditionType.ROUTABLE: (
        "Of a WorkerRegistration: whether every replica offers the worker's models. Absent while that is not known."
    ),
    ConditionType.DRAINED: "Of a WorkerRegistration that is taken off: whether the requests under way have ended.",
}

READY: Final[Mapping[ReadyReason, Meaning]] = {
    ReadyReason.REGISTERED: Meaning("Every replica lists the entry as declared.", statuses=(_IS,)),
    ReadyReason.REACHABLE: Meaning("Of a gateway: every replica answers and takes the credentials.", statuses=(_IS,)),
    ReadyReason.PUBLISHED: Meaning(
        "Of an MCP server: the file that the replicas start with lists it as declared.", statuses=(_IS,)
    ),
    ReadyReason.OBSERVED: Meaning(
        "The gateway's mode is Observe, and something would be changed; the message says what.",
        "set `spec.mode` of the ModelGateway to `Enforce` when it is to be done",
    ),
    ReadyReason.REGISTERING: Meaning(
        "A registration or an update is in progress, or about to begin; of a gateway, its replicas are being asked for "
        "the first time."
    ),
    ReadyReason.REMOVING: Meaning(
        "It is taken off the replicas. What failed is tried again until the time of `spec.drain` or `spec.removal` is "
        "over, with `onTimeout: Keep` for as long as it takes.",
        "see to the replica that the message names; `onTimeout: Force` lets the resource go without it",
    ),
    ReadyReason.SUSPENDED: Meaning(
        "`spec.suspend` is true: nothing but a deletion is done, not even repair.",
        "set `spec.suspend` to false to go on",
    ),
    ReadyReason.CANCELLED: Meaning(
        "The run was cancelled by annotation.", f"{_RETRY} to begin another, or change the spec"
    ),
    ReadyReason.STEP_FAILED: Meaning(
        "A step of the run failed for good; the message names it, and its own reason is in `.status.workflow.steps`.",
        f"do what the message says; a changed spec or Secret begins a new run by itself, for all else {_RETRY}",
    ),
    ReadyReason.FOREIGN_ENTRY: Meaning(
        "The gateway has the entry already, and this resource has not made it. It is left as it is.",
        'remove it there, or set the annotation `herder.dev/adopt: "true"` to take it over without a gap; either is '
        "noticed by itself",
    ),
    ReadyReason.CONFLICT: Meaning(
        "Another resource, which is older or has the entry already, declares the same one; of a gateway, and of all "
        "that refers to it: an older gateway of the namespace names its replicas, too.",
        "delete one of the two, or have them name gateways that share no replica; the other goes on by itself",
    ),
    ReadyReason.GATEWAY_NOT_FOUND: Meaning(
        "There is no such ModelGateway in the resource's namespace.",
        "create it, or correct `spec.gatewayRef.name`; it is noticed by itself",
    ),
    ReadyReason.GATEWAY_UNREACHABLE: Meaning(
        "A replica has not answered for longer than a grace period, so nobody can say.",
        "see to the replica, or take it off the gateway; it is given what it lacks as soon as it answers",
        statuses=(_OPEN,),
    ),
    ReadyReason.GATEWAY_REFUSES: Meaning(
        "A replica does not take herder's credentials, or its certificate does not hold.",
        "correct the Secrets that `spec.auth` and `spec.tls` of the ModelGateway name, or name them there; they are "
        "read anew by itself",
    ),
    ReadyReason.REGISTRY_UNREADABLE: Meaning(
        "A replica answers, but its list of modules or tokenizers can't be read, so nobody can say what is in it.",
        "see to the replica, whose log may say more; the list is read again every ten seconds at the latest",
        statuses=(_OPEN,),
    ),
    ReadyReason.SERVICE_NOT_FOUND: Meaning(
        "The Service of `spec.service`, or its port, does not exist in the gateway's namespace.",
        "create it, or correct `spec.service`; it is noticed by itself",
    ),
    ReadyReason.NO_REPLICAS: Meaning(
        "The gateway has no replica: no endpoint behind its Service.",
        "start one, or correct where they are looked for; it is noticed by itself",
    ),
    ReadyReason.SERVER_UNREACHABLE: Meaning(
        "An MCP server that is `required` does not answer.",
        "start it or correct `spec.transport.url`; it is looked at again at each resync",
    ),
    ReadyReason.WORKER_UNREACHABLE: Meaning(
        "The worker did not answer within `spec.startup.timeoutSeconds`.",
        f"correct `spec.url`, which begins a new run by itself; or start the worker and {_RETRY}",
    ),
    ReadyReason.WORKER_NOT_READY: Meaning(
        "Registered as declared, but a replica's own health checks of the worker fail.",
        "look after the worker; when it is well again that is noticed by itself",
    ),
    ReadyReason.LOAD_FAILED: Meaning(
        "A replica can't load the tokenizer; the message has the gateway's own words.",
        f"correct `spec.source`, which begins a new run by itself; or put it there on each replica's disk and {_RETRY}",
    ),
    ReadyReason.SECRET_NOT_FOUND: Meaning(
        "A Secret that the resource or its gateway names does not exist, lacks the key, or is kept from herder.",
        "create it, add the key, or let herder `get` it; it is looked for again by itself",
    ),
    ReadyReason.SECRET_NOT_PERMITTED: Meaning(
        "The Secret is there, and its annotation `herder.dev/hosts` does not name the host that it would be sent to.",
        "add the host there if the key is for it, or correct the URL; it is noticed by itself",
    ),
    ReadyReason.ADDRESS_REFUSED: Meaning(
        "The address is one that herder never calls: loopback, link-local, a cloud's metadata, its own or the API "
        "server's. Or it is a replica of the gateway that it would be a worker of.",
        "correct `spec.url` (of an McpServer `spec.transport.url`), which begins a new run by itself; or have its name "
        f"stand for another address, or for loopback start herder with `--allow-loopback`, and {_RETRY}",
    ),
    ReadyReason.INVALID_SPEC: Meaning(
        "The spec breaks a rule, though the API server took it: another version's CRD, perhaps.",
        "correct the field that the message names; install the CRDs of this version",
    ),
}

RECONCILING: Final[Mapping[ReconcilingReason, Meaning]] = {
    ReconcilingReason.PROGRESSING: Meaning("A step is at work, or waits for what ends by itself.", statuses=(_IS,)),
    ReconcilingReason.PROGRESSING_WITH_RETRY: Meaning(
        "An attempt failed, or what is waited for may never come; it is tried again by itself.",
        "the message says of what, why and when next",
        statuses=(_IS,),
    ),
    ReconcilingReason.REMOVING: Meaning("It is taken off the replicas.", statuses=(_IS,)),
}

REACHABLE: Final[Mapping[ReachableReason, Meaning]] = {
    ReachableReason.ALL_REPLICAS: Meaning("Every replica answers, whatever it says.", statuses=(_IS,)),
    ReachableReason.SOME_REPLICAS: Meaning("Some do not answer; the message names one.", "see to that replica"),
    ReachableReason.NO_REPLICA: Meaning(
        "None answers, or there is none.", "see to the gateway, and to what stands between it and herder"
    ),
    ReachableReason.NOT_ASKED: Meaning(
        "They have not been asked yet, or what is needed for it is missing: then the message says what.",
        statuses=(_OPEN,),
    ),
    ReachableReason.SERVER_ANSWERS: Meaning("The MCP server told herder its tools.", statuses=(_IS,)),
    ReachableReason.SERVER_UNREACHABLE: Meaning(
        "The MCP server did not; the message says how it failed.", "see to the server, or to its URL and headers"
    ),
}

ROUTABLE: Final[Mapping[RoutableReason, Meaning]] = {
    RoutableReason.MODELS_LISTED: Meaning("`/v1/models` of every replica lists the worker's models.", statuses=(_IS,)),
    RoutableReason.MODELS_MISSING: Meaning(
        "A replica's `/v1/models` does not list them: requests for these models do not reach the worker through it.",
        "see to the worker's health and to the replica's log",
    ),
}

DRAINED: Final[Mapping[DrainedReason, Meaning]] = {
    DrainedReason.DRAINING: Meaning("A replica still has it, and requests may be under way."),
    DrainedReason.DRAINED: Meaning("No replica sends it requests any more: it is safe to stop.", statuses=(_IS,)),
}

EVENTS: Final[Mapping[EventReason, Meaning]] = {
    EventReason.DRIFTED: Meaning(
        "What was registered was missing or changed, and is being put right.",
        "if it comes back each time, find out who else writes there",
    ),
    EventReason.ORPHAN_REMOVED: Meaning(
        "On a ModelGateway: entries were swept off a replica that herder had made for a resource that is gone."
    ),
    EventReason.REMOVED: Meaning(
        "It is off every replica, or out of the gateway's file of MCP servers, and the finalizer is off the resource."
    ),
    EventReason.RELEASED: Meaning(
        "The finalizer is off, and entries were left, or may be; the message says why.",
        "a Warning says that a replica did not confirm: what it still lists is swept when it is back",
    ),
    EventReason.ABANDONED: Meaning(
        "It was registered at another place, which is given up as it is; the message says why.",
        "a Warning says that a replica did not confirm: look there, or let the sweep do it",
    ),
    EventReason.RETRYING: Meaning(
        "A step of a run has failed for the first time, or waits for long, and is tried again; the message says why.",
        "what the message says, if it goes on; Ready says how it stands",
    ),
    EventReason.MOVING: Meaning(
        "The worker's `spec.url` was changed: it is registered under the new one, and then taken off under the former."
    ),
    EventReason.MOVED: Meaning("It is well under the new URL on every replica, drained and off under the former one."),
    EventReason.EPOCH_NOT_BELIEVED: Meaning(
        "`.status.epoch` was one that no operator has come to, written by somebody else; it was put right.",
        "find out who writes there: the status is herder's",
    ),
}
