"""Why a step is retried, waits or has failed: each word that `.status.workflow.steps[].reason` can be, and its remedy.

What is raised says it for the case at hand. The remedy here is what a status adds to the message of a run that has
failed; where the message itself ends with it, `is_told`, it is only for docs/reasons.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from herder.workflows.errors import AGAIN


@dataclass(frozen=True, slots=True)
class StepReason:
    """What helps: a `change` that herder sees, and begins a new run by itself, or a `mend` of which it learns nothing.

    Both are empty where something ends by itself.
    """

    says: str
    change: str = ""
    mend: str = ""
    note: str = ""
    is_told: bool = False

    @property
    def meanwhile(self) -> str:
        """What is worth doing while it is still tried again."""
        return " or ".join(filter(None, (self.change, self.mend)))

    @property
    def remedy(self) -> str:
        """What is to be done once it is not."""
        if not self.change:
            return f"{self.mend}, then {AGAIN}{self._noted}" if self.mend else ""
        told = f", or {self.mend} and {AGAIN}" if self.mend else ""
        return f"{self.change}{told}{self._noted}"

    @property
    def _noted(self) -> str:
        return f"; {self.note}" if self.note else ""


_STARTUP: Final = "spec.startup.timeoutSeconds is its budget"
_LOOKED_AT: Final = "it is looked at again at each resync"
_LOG: Final = "look into the gateway's log"

_OF_GATEWAYS: Final[Mapping[str, StepReason]] = {
    "GatewayUnreachable": StepReason(
        "A replica gives no answer.", change="see to the replica; the run goes on when it answers", is_told=True
    ),
    "GatewayError": StepReason(
        "A replica answered with an error of its own, or with something that its API does not promise.",
        change=f"{_LOG}; the run goes on when it answers as it should",
        is_told=True,
    ),
    "GatewayRefuses": StepReason(
        "A replica does not take the credentials, or TLS does not hold.",
        change="correct the Secrets that spec.auth and spec.tls of the ModelGateway name, or name them there",
        is_told=True,
    ),
    "GatewayRefused": StepReason(
        "The gateway does not take what is declared; the message has its own words.",
        change="correct what it refuses",
        mend="start the gateway with other flags",
    ),
    "GatewayConflict": StepReason(
        "The gateway's registry holds something that stands in the way.", mend="remove it there"
    ),
    "ForeignEntry": StepReason(
        "The gateway has the entry, and this resource has not made it.",
        change="remove it there, or let the resource adopt it",
        is_told=True,
    ),
    "Conflict": StepReason(
        "A resource that exists has the entry.",
        change="delete one of the two, or give them gateways of their own",
        is_told=True,
    ),
    "SeveralEntries": StepReason(
        "The URL is registered more than once, spelled differently.", mend="remove these entries there"
    ),
    "Applying": StepReason("The gateway is still applying a change."),
    "Checking": StepReason("Something may have been cut off there, and still come true; that is waited for."),
    "NotListed": StepReason("A replica has taken the entry off its list again.", mend=_LOG),
    "NotAsDeclared": StepReason(
        "A replica lists it otherwise than declared, though it was told.", mend="find out who else writes there"
    ),
}

_OF_WORKERS: Final[Mapping[str, StepReason]] = {
    "WorkerUnreachable": StepReason(
        "The worker gives no answer.", change="correct spec.url", mend="start the worker", note=_STARTUP
    ),
    "WorkerNotHealthy": StepReason(
        "The worker says that it is not healthy, or not yet.", mend="mend the worker", note=_STARTUP
    ),
    "WorkerUnauthorized": StepReason(
        "The worker asks for a key, or does not take the one it was sent.",
        change="correct the Secret that spec.apiKeySecretRef names, or name one",
        is_told=True,
    ),
    "WorkerNotReady": StepReason(
        "A replica has the worker under its new URL and does not find it well, so it keeps the former one.",
        change="mend the worker, or correct spec.url",
        note="when it is well that is noticed by itself",
    ),
    "WorkerError": StepReason("The worker answered with an error.", mend="mend the worker", note=_STARTUP),
    "BadAnswer": StepReason(
        "What answers at the URL does not speak as an inference server does, or has no health check there.",
        change="correct spec.url",
        mend="mend the worker",
    ),
    "WorkerPending": StepReason(
        "The gateway is still registering it: it probes the worker itself.",
        mend=f"{_LOG} for the reason of `Failed job: type=AddWorker`",
    ),
    "WorkerGone": StepReason("The replica does not know the entry any more: it restarted, or somebody removed it."),
    "NoModels": StepReason("The worker lists no model yet.", mend="have it load one", note=_STARTUP),
    "ModelNotServed": StepReason(
        "The worker does not serve a model that is declared.",
        change="correct spec.models or leave it empty",
        mend="have the worker serve it",
    ),
    "RuntimeMismatch": StepReason(
        "The worker says that it is another runtime than is declared.",
        change="correct spec.runtime, or leave it Auto",
        is_told=True,
    ),
    "UnknownProtocol": StepReason(
        "The worker speaks gRPC, but no protocol that the gateway knows under that runtime.",
        change="correct spec.url or spec.runtime",
        is_told=True,
    ),
    "TokenizerNotLoaded": StepReason(
        "A replica can't load the tokenizer that a gRPC worker brings, and is not ready without it.",
        change="declare a Tokenizer of the model's name, or start the gateway with --disable-tokenizer-autoload",
        is_told=True,
    ),
    "NotRoutable": StepReason("A replica does not offer the worker's models yet.", mend=_LOG),
    "Draining": StepReason("The gateway is draining it, or what was there before."),
}

_OF_FILES: Final[Mapping[str, StepReason]] = {
    "WasmDisabled": StepReason("The replica keeps no modules.", mend="start it with --enable-wasm"),
    "NotAComponent": StepReason(
        "The file is no WebAssembly component.", change="correct spec.source.path", mend="put one there"
    ),
    "FileUnreadable": StepReason(
        "There is no such file on that replica's disk, or it is empty.",
        change="correct spec.source.path",
        mend="put the module there",
    ),
    "PathRefused": StepReason("The gateway loads no module from such a path.", change="correct spec.source.path"),
    "Sha256Mismatch": StepReason(
        "The file's content is not what `sha256` says.",
        change="correct spec.sha256",
        mend="put the declared file there",
    ),
    "DuplicateModule": StepReason("A module with the same content is registered; it has to go first."),
    "Removing": StepReason("A module came back while it was removed, and is removed again."),
    "Loading": StepReason("A replica is loading the tokenizer, which nothing can cut short."),
    "LoadFailed": StepReason(
        "A replica can't load the tokenizer.",
        change="correct spec.source",
        mend="put the tokenizer there on each replica's disk",
        note="spec.loading.timeoutSeconds is how long it is tried",
    ),
}

_OF_MCP: Final[Mapping[str, StepReason]] = {
    "ServerUnreachable": StepReason(
        "The MCP server gives no answer.", change="start the server or correct spec.transport.url", note=_LOOKED_AT
    ),
    "ServerRefused": StepReason(
        "What answers does not speak MCP, or answers with an error.",
        change="mend the server or correct spec.transport.url",
        note=_LOOKED_AT,
    ),
    "ServerUnauthorized": StepReason(
        "The MCP server asks for headers, or does not take those it was sent.",
        change="correct the Secret that spec.headersSecretRef names, or name one",
        is_told=True,
    ),
    "HeadersNotPublishable": StepReason(
        "The server has headers, and the gateway's file is no place for a secret.",
        change="set spec.mcp.headers of the ModelGateway to Variables, and have an init container fill them in",
        is_told=True,
    ),
    "VariableTaken": StepReason(
        "Two servers would need one variable for their headers.", mend="declare one of them under another name"
    ),
    "RollingOut": StepReason("The gateway's Deployment is being rolled, so that its replicas read the new file."),
    "DeploymentNotFound": StepReason(
        "The Deployment that is to be rolled does not exist.",
        mend="create it, or correct spec.mcp.rollout of the ModelGateway",
    ),
    "Drift": StepReason("The ConfigMap is not as it was written.", mend="find out who else writes there"),
    "StillPublished": StepReason("The ConfigMap lists the server again.", change="find out who else writes there"),
    "Contended": StepReason("Somebody else changes the ConfigMap all the time.", mend="find out who"),
    "NotPermitted": StepReason("Herder lacks the rights to publish it.", mend="update its chart's roles"),
    "PublishRefused": StepReason(
        "The API server does not take the ConfigMap; the message has its own words.", mend="mend what it names"
    ),
    "ApiServerUnreachable": StepReason("The API server gives no answer.", mend="see to it"),
    "GatewayNotFound": StepReason(
        "The ModelGateway went while the server was published.", change="create it again", is_told=True
    ),
}

_OF_ALL: Final[Mapping[str, StepReason]] = {
    "AddressRefused": StepReason(
        "The address is one that herder never calls.",
        change="correct spec.url, or spec.transport.url of an McpServer",
        mend="have its name stand for another address, or for loopback start herder with --allow-loopback,",
        is_told=True,
    ),
    "TlsRefused": StepReason(
        "The certificate does not hold, or no handshake came about.",
        change="set spec.probe to Gateway for a worker whose authority only the gateway knows",
        mend="mend the certificate",
    ),
    "StepTimeout": StepReason("An attempt took longer than it may.", mend="see to what is slow"),
    "StepFailed": StepReason("It failed without a reason of its own.", mend="mend it"),
    "InternalError": StepReason(
        "A defect of herder's; its log has the details. It is tried again.", mend="report it with the log's lines"
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
_UNKNOWN: Final = _OF_ALL["StepFailed"]


def remedy_after(reason: str) -> str:
    """Return what a status adds to the message of a step that failed so; empty where the message ends with it."""
    row = _EVERY.get(reason, _UNKNOWN)
    return "" if row.is_told else row.remedy or _UNKNOWN.remedy


def remedy_meanwhile(reason: str) -> str:
    """Return what is worth doing where a step goes on failing so, though it is still retried; empty if nothing is."""
    row = _EVERY.get(reason)
    return "" if row is None or row.is_told else row.meanwhile
