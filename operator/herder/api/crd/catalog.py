"""The kinds that are rendered, with the columns that `kubectl get` shows and the fields that it can select by."""

from dataclasses import dataclass
from typing import Final, Literal

from herder.api.base import ApiModel
from herder.api.gateway import ModelGatewaySpec, ModelGatewayStatus
from herder.api.mcp import McpServerSpec, McpServerStatus
from herder.api.meta import MCP_SERVER, MODEL_GATEWAY, TOKENIZER, WASM_MODULE, WORKER_REGISTRATION, Kind
from herder.api.status import Status
from herder.api.tokenizer import TokenizerSpec, TokenizerStatus
from herder.api.wasm import WasmModuleSpec, WasmModuleStatus
from herder.api.worker import WorkerRegistrationSpec, WorkerRegistrationStatus


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `kubectl get`; `wide` ones are shown with -o wide only."""

    name: str
    json_path: str
    description: str
    type: Literal["string", "integer", "date"] = "string"
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
_STEP: Final = Column("Step", ".status.progress", "The step of the run in progress.")
_REGISTERED: Final = Column("Registered", ".status.registered", "On how many of the replicas it is registered.")
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
            Column("Registered", ".status.registered", "How many of the declared entries the replicas have."),
            Column("Drifted", ".status.entries.drifted", "How many they have otherwise than declared.", type="integer"),
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
            _STEP,
            _REGISTERED,
            Column("URL", ".spec.url", "Where the worker answers."),
            Column("Model", ".status.model", "The first model that it serves."),
            _REASON,
            _AGE,
        ),
        selectable=(".spec.gatewayRef.name", ".spec.url"),
    ),
    Definition(
        kind=WASM_MODULE,
        description="A WebAssembly middleware module that herder keeps registered on every replica of a gateway.",
        spec=WasmModuleSpec,
        status=WasmModuleStatus,
        columns=(
            _READY,
            _STEP,
            _REGISTERED,
            Column("Path", ".spec.source.path", "Where the module is on the replicas' disks."),
            Column("Points", ".spec.attachPoints", "When it is called.", wide=True),
            _REASON,
            _AGE,
        ),
        selectable=(".spec.gatewayRef.name", ".spec.source.path"),
    ),
    Definition(
        kind=MCP_SERVER,
        description="An MCP server whose tools the replicas of a gateway are to offer.",
        spec=McpServerSpec,
        status=McpServerStatus,
        columns=(
            _READY,
            _STEP,
            Column("Tools", ".status.server.toolCount", "How many tools it offers.", type="integer"),
            Column("URL", ".spec.transport.url", "Where the server answers."),
            _REASON,
            _AGE,
        ),
        selectable=(".spec.gatewayRef.name", ".spec.transport.url"),
    ),
    Definition(
        kind=TOKENIZER,
        description="A tokenizer that every replica of a gateway is to load.",
        spec=TokenizerSpec,
        status=TokenizerStatus,
        columns=(
            _READY,
            _STEP,
            _REGISTERED,
            Column("Tokenizer", ".spec.name", "The name under which requests find it."),
            Column("Source", ".spec.source", "Where it is loaded from.", wide=True),
            _REASON,
            _AGE,
        ),
        selectable=(".spec.gatewayRef.name", ".spec.name"),
    ),
)
