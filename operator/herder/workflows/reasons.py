"""Why a step is retried, waits or has failed: each word that `.status.workflow.steps[].reason` can be, and its remedy.

What is raised says it for the case at hand. The remedy here is what a status adds to the message of a run that has
failed; where the message itself ends with it, `is_told`, it is only for docs/reasons.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from herder.api.meta import RETRY_ANNOTATION

AGAIN: Final = f"then set the annotation {RETRY_ANNOTATION} to a new value"


@dataclass(frozen=True, slots=True)
class StepReason:
    """`remedy` is empty where something ends by itself."""

    says: str
    remedy: str = ""
    is_told: bool = False


_STARTUP: Final = "spec.startup.timeoutSeconds is its budget"
_LOOKED_AT: Final = "it is looked at again at each resync"

_OF_GATEWAYS: Final[Mapping[str, StepReason]] = {
    "GatewayUnreachable": StepReason(
        "A replica gives no answer.", "see to the replica; the run goes on when it answers", is_told=True
    ),
    "GatewayError": StepReason(
        "A replica answered with an error of its own, or with something that its API does not promise.",
        "look into the gateway's log; the run goes on when it answers as it should",
        is_told=True,
    ),
    "GatewayRefuses": StepReason(
        "A replica does not take the credentials, or TLS does not hold.",
        "correct the Secret that spec.auth.apiKeySecretRef of the ModelGateway names",
        is_told=True,
    ),
    "GatewayRefused": StepReason(
        "The gateway does not take what is declared; the message has its own words.",
        f"correct what it refuses, {AGAIN}",
    ),
    "GatewayConflict": StepReason(
        "The gateway's registry holds something that stands in the way.", f"remove it there, {AGAIN}"
    ),
    "ForeignEntry": StepReason(
        "The gateway has the entry, and this resource has not made it.",
        "remove it there, or let the resource adopt it",
        is_told=True,
    ),
    "Conflict": StepReason(
        "A resource that exists has the entry.",
        "delete one of the two, or give them gateways of their own",
        is_told=True,
    ),
    "SeveralEntries": StepReason(
        "The URL is registered more than once, spelled differently.", f"remove these entries there, {AGAIN}"
    ),
    "Applying": StepReason("The gateway is still applying a change."),
    "Checking": StepReason("Something may have been cut off there, and still come true; that is waited for."),
    "NotListed": StepReason(
        "A replica has taken the entry off its list again.", f"look into the gateway's log, {AGAIN}"
    ),
    "NotAsDeclared": StepReason(
        "A replica lists it otherwise than declared, though it was told.",
        f"find out who else writes there, {AGAIN}",
    ),
}

_OF_WORKERS: Final[Mapping[str, StepReason]] = {
    "WorkerUnreachable": StepReason(
        "The worker gives no answer.", f"start the worker or correct spec.url, {AGAIN}; {_STARTUP}"
    ),
    "WorkerNotHealthy": StepReason(
        "The worker says that it is not healthy, or not yet.", f"mend the worker, {AGAIN}; {_STARTUP}"
    ),
    "WorkerUnauthorized": StepReason(
        "The worker asks for a key, or does not take the one it was sent.",
        "correct the Secret that spec.apiKeySecretRef names, or name one",
        is_told=True,
    ),
    "WorkerNotReady": StepReason(
        "A replica has the worker under its new URL and does not find it well, so it keeps the former one.",
        "mend the worker, or correct spec.url; when it is well that is noticed by itself",
    ),
    "WorkerError": StepReason("The worker answered with an error.", f"mend the worker, {AGAIN}; {_STARTUP}"),
    "BadAnswer": StepReason(
        "What answers at the URL does not speak as an inference server does.",
        f"correct spec.url or mend the worker, {AGAIN}",
    ),
    "WorkerPending": StepReason(
        "The gateway is still registering it: it probes the worker itself.",
        f"look into the gateway's log for the reason of `Failed job: type=AddWorker`, {AGAIN}",
    ),
    "WorkerGone": StepReason("The replica does not know the entry any more: it restarted, or somebody removed it."),
    "NoModels": StepReason("The worker lists no model yet.", f"have it load one, {AGAIN}; {_STARTUP}"),
    "ModelNotServed": StepReason(
        "The worker does not serve a model that is declared.", "correct spec.models, or leave it empty", is_told=True
    ),
    "RuntimeMismatch": StepReason(
        "The worker says that it is another runtime than is declared.",
        "correct spec.runtime, or leave it Auto",
        is_told=True,
    ),
    "UnknownProtocol": StepReason(
        "The worker speaks gRPC, but no protocol that the gateway knows under that runtime.",
        "correct spec.url or spec.runtime",
        is_told=True,
    ),
    "TokenizerNotLoaded": StepReason(
        "A replica can't load the tokenizer that a gRPC worker brings, and is not ready without it.",
        "declare a Tokenizer of the model's name, or start the gateway with --disable-tokenizer-autoload",
        is_told=True,
    ),
    "NotRoutable": StepReason(
        "A replica does not offer the worker's models yet.", f"look into the gateway's log, {AGAIN}"
    ),
    "Draining": StepReason("The gateway is draining it, or what was there before."),
}

_OF_FILES: Final[Mapping[str, StepReason]] = {
    "WasmDisabled": StepReason("The replica keeps no modules.", f"start it with --enable-wasm, {AGAIN}"),
    "NotAComponent": StepReason("The file is no WebAssembly component.", f"put one there, {AGAIN}"),
    "FileUnreadable": StepReason(
        "There is no such file on that replica's disk, or it is empty.",
        f"put the module there, or correct spec.source.path, {AGAIN}",
    ),
    "PathRefused": StepReason("The gateway loads no module from such a path.", "correct spec.source.path"),
    "Sha256Mismatch": StepReason(
        "The file's content is not what `sha256` says.",
        "put the declared file there, or correct spec.sha256",
        is_told=True,
    ),
    "DuplicateModule": StepReason("A module with the same content is registered; it has to go first."),
    "Removing": StepReason("A module came back while it was removed, and is removed again."),
    "Loading": StepReason("A replica is loading the tokenizer, which nothing can cut short."),
    "LoadFailed": StepReason(
        "A replica can't load the tokenizer.",
        f"put the tokenizer where spec.source says on each replica's disk, or correct spec.source, {AGAIN}; "
        "spec.loading.timeoutSeconds is how long it is tried",
    ),
}

_OF_MCP: Final[Mapping[str, StepReason]] = {
    "ServerUnreachable": StepReason(
        "The MCP server gives no answer.", f"start the server or correct spec.transport.url; {_LOOKED_AT}"
    ),
    "ServerRefused": StepReason(
        "What answers does not speak MCP, or answers with an error.",
        f"mend the server or correct spec.transport.url; {_LOOKED_AT}",
    ),
    "ServerUnauthorized": StepReason(
        "The MCP server asks for headers, or does not take those it was sent.",
        "correct the Secret that spec.headersSecretRef names, or name one",
        is_told=True,
    ),
    "HeadersNotPublishable": StepReason(
        "The server has headers, and the gateway's file is no place for a secret.",
        "set spec.mcp.headers of the ModelGateway to Variables, and have an init container fill them in",
        is_told=True,
    ),
    "VariableTaken": StepReason(
        "Two servers would need one variable for their headers.", "give one another name", is_told=True
    ),
    "RollingOut": StepReason("The gateway's Deployment is being rolled, so that its replicas read the new file."),
    "DeploymentNotFound": StepReason(
        "The Deployment that is to be rolled does not exist.",
        f"create it, or correct spec.mcp.rollout of the ModelGateway, {AGAIN}",
    ),
    "Drift": StepReason("The ConfigMap is not as it was written.", f"find out who else writes there, {AGAIN}"),
    "StillPublished": StepReason("The ConfigMap lists the server again.", "find out who else writes there"),
    "Contended": StepReason("Somebody else changes the ConfigMap all the time.", f"find out who, {AGAIN}"),
    "NotPermitted": StepReason("Herder lacks the rights to publish it.", f"update its chart's roles, {AGAIN}"),
    "PublishRefused": StepReason(
        "The API server does not take the ConfigMap; the message has its own words.", f"mend what it names, {AGAIN}"
    ),
    "ApiServerUnreachable": StepReason("The API server gives no answer.", f"see to it, {AGAIN}"),
    "GatewayNotFound": StepReason(
        "The ModelGateway went while the server was published.", "create it again", is_told=True
    ),
}

_OF_ALL: Final[Mapping[str, StepReason]] = {
    "AddressRefused": StepReason("The address is one that herder never calls.", "correct the URL"),
    "TlsRefused": StepReason(
        "The certificate does not hold, or no handshake came about.",
        f"mend the certificate; for a worker whose authority only the gateway knows set spec.probe to Gateway, {AGAIN}",
    ),
    "StepTimeout": StepReason("An attempt took longer than it may.", f"see to what is slow, {AGAIN}"),
    "StepFailed": StepReason("It failed without a reason of its own.", f"mend it, {AGAIN}"),
    "InternalError": StepReason(
        "A defect of herder's; its log has the details. It is tried again.", f"report it with the log's lines, {AGAIN}"
    ),
}

STEPS: Final[Mapping[str, Mapping[str, StepReason]]] = {
    "Gateways": _OF_GATEWAYS,
    "Workers": _OF_WORKERS,
    "Modules and tokenizers": _OF_FILES,
    "MCP servers": _OF_MCP,
    "All": _OF_ALL,
}
"""By what they are about."""

_EVERY: Final = {word: row for rows in STEPS.values() for word, row in rows.items()}
_UNKNOWN: Final = f"mend it, {AGAIN}"


def remedy_after(reason: str) -> str:
    """Return what a status adds to the message of a step that failed so; empty where the message ends with it."""
    row = _EVERY.get(reason)
    if row is None:
        return _UNKNOWN
    return "" if row.is_told else row.remedy or _UNKNOWN


def remedy_meanwhile(reason: str) -> str:
    """Return what is worth doing where a step goes on failing so, though it is still retried; empty if nothing is."""
    row = _EVERY.get(reason)
    return "" if row is None or row.is_told else row.remedy.partition(f", {AGAIN}")[0].partition("; ")[0]
