"""The kinds that are rendered, with the columns that `kubectl get` shows and the fields that it can select by."""

from dataclasses import dataclass
from typing import Final, Literal

from herder.api.base import ApiModel
from herder.api.gateway import ModelGatewaySpec, ModelGatewayStatus
from herder.api.meta import MODEL_GATEWAY, WORKER_REGISTRATION, Kind
from herder.api.status import Status
from herder.api.worker import WorkerRegistrationSpec, WorkerRegistrationStatus


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `kubectl get`; `wide` ones are shown with -o wide only."""

    name: str
    json_path: str
    description: str
    type: Literal["string", "date"] = "string"
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Definition:
    """All that a CustomResourceDefinition is rendered from."""

    kind: Kind
    description: str
    spec: type[ApiModel]
    status: type[Status]
    columns: tuple[Column, ...]
    selectable: tuple[str, ...] = ()


_READY: Final = Column("Ready", '.status.conditions[?(@.type=="Ready")].status', "Whether all is as declared.")
_REASON: Final = Column("Reason", '.status.conditions[?(@.type=="Ready")].reason', "Why, in one word.", wide=True)
_AGE: Final = Column("Age", ".metadata.creationTimestamp", "Time since it was created.", type="date")

DEFINITIONS: Final = (
    Definition(
        kind=MODEL_GATEWAY,
        description="A gateway whose replicas herder keeps registered with what other resources declare.",
        spec=ModelGatewaySpec,
        status=ModelGatewayStatus,
        columns=(
            _READY,
            Column("Replicas", ".status.ready", "How many of the replicas answer."),
            Column("Mode", ".spec.mode", "Enforce or Observe."),
            _REASON,
            _AGE,
        ),
    ),
    Definition(
        kind=WORKER_REGISTRATION,
        description="A worker that herder keeps registered on every replica of a gateway.",
        spec=WorkerRegistrationSpec,
        status=WorkerRegistrationStatus,
        columns=(
            _READY,
            Column("Step", ".status.progress", "The step of the run in progress."),
            Column("Registered", ".status.registered", "On how many of the replicas it is registered."),
            Column("URL", ".spec.url", "Where the worker answers."),
            Column("Model", ".status.worker.models[0]", "The first model that it serves."),
            _REASON,
            _AGE,
        ),
        selectable=(".spec.gatewayRef.name", ".spec.url"),
    ),
)
