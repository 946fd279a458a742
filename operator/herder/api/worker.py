"""WorkerRegistration: one worker, how it is probed, drained, updated and removed, and what was found out about it."""

from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from herder.api.base import ApiModel
from herder.api.fields import SecretKeyRef, WorkerUrl
from herder.api.labels import Labels
from herder.api.markers import Clip, MapBy, Pattern, Rule, rules
from herder.api.served import OnTimeout, ServedSpec
from herder.api.status import MAX_REPLICAS, Endpoint, Line, ReplicaEntry, Word, WorkflowStatus

MAX_MODELS: Final = 64
MAX_FORMER: Final = 4
U32_MAX: Final = 2**32 - 1

_MODE_FITS_URL: Final = (
    "leave it out, or write GRPC with a grpc:// or grpcs:// URL, HTTP with an http:// or https:// one: "
    "the gateway takes the mode from the URL's scheme"
)
_BOOTSTRAP_OF_PREFILL: Final = "leave out bootstrapPort, or write workerType: Prefill: decode workers are given theirs"
_SETTLE_S: Final = 5
_DRAIN_S: Final = 300
_DRAIN_IN_TIME: Final = (
    f"make timeoutSeconds ({_DRAIN_S} where it is not written) at least as long as settleSeconds ({_SETTLE_S} where it "
    "is not written), or no drain could end in time"
)

Cost = Annotated[
    str,
    Field(max_length=16),
    Pattern(
        r"[0-9]*[1-9][0-9]*(\.[0-9]+)?|[0-9]+\.[0-9]*[1-9][0-9]*",
        'write a decimal number above 0 in quotes, such as "1.0" or "0.25"',
    ),
]
ModelId = Annotated[str, Field(min_length=1, max_length=253)]
Seconds = Annotated[int, Field(ge=1, le=86400)]
Threshold = Annotated[int, Field(ge=1, le=1000)]


class Runtime(StrEnum):
    """What serves the model."""

    AUTO = "Auto"
    SGLANG = "SGLang"
    VLLM = "vLLM"
    TRTLLM = "TRTLLM"
    MLX = "MLX"
    TOKEN_SPEED = "TokenSpeed"  # noqa: S105  (a runtime, not a password)
    EXTERNAL = "External"


class WorkerType(StrEnum):
    """Which part of a request the worker does."""

    REGULAR = "Regular"
    PREFILL = "Prefill"
    DECODE = "Decode"
    ENCODE = "Encode"


class ConnectionMode(StrEnum):
    """The protocol that the worker speaks."""

    AUTO = "Auto"
    HTTP = "HTTP"
    GRPC = "GRPC"


class Probe(StrEnum):
    """Who probes the worker before it is registered."""

    DIRECT = "Direct"
    GATEWAY = "Gateway"


class Health(ApiModel):
    """How each replica keeps checking the worker; what is left out is as the gateway's own flags say."""

    timeout_seconds: Seconds | None = None
    """How long one check may take."""

    check_interval_seconds: Seconds | None = None
    """Time between two checks."""

    success_threshold: Threshold | None = None
    """Checks in a row that must succeed until a sick worker is ready again."""

    failure_threshold: Threshold | None = None
    """Checks in a row that must fail until a ready worker gets no more requests."""

    disabled: bool | None = None
    """True: it is not checked and always counts as ready."""


class Startup(ApiModel):
    """How long a worker may take to come up."""

    timeout_seconds: Seconds = 1800
    """Time in which the worker must answer for the first time; after it the registration has failed."""


class Drain(ApiModel, json_schema_extra=rules(Rule("self.timeoutSeconds >= self.settleSeconds", _DRAIN_IN_TIME))):
    """How the worker is taken out of service when it is removed."""

    settle_seconds: Annotated[int, Field(ge=0, le=86400)] = _SETTLE_S
    """Time for which each replica lists it as draining, without new requests, before it takes it off its list."""

    timeout_seconds: Annotated[int, Field(ge=0, le=86400)] = _DRAIN_S
    """Time in which every replica must have confirmed the removal."""

    on_timeout: OnTimeout = OnTimeout.FORCE
    """Force lets the resource go when the time is up; Keep holds it until every replica has confirmed."""

    @model_validator(mode="after")
    def _end_in_time(self) -> Self:
        if self.timeout_seconds < self.settle_seconds:
            raise ValueError(_DRAIN_IN_TIME)
        return self


class WorkerRegistrationSpec(
    ServedSpec,
    json_schema_extra=rules(
        Rule(
            "!(self.connectionMode == 'GRPC' && self.url.matches('^(?i:https?)://')) && "
            "!(self.connectionMode == 'HTTP' && self.url.matches('^(?i:grpcs?)://'))",
            _MODE_FITS_URL,
            field_path=".connectionMode",
        ),
        Rule(
            "!has(self.bootstrapPort) || self.workerType == 'Prefill'",
            _BOOTSTRAP_OF_PREFILL,
            field_path=".bootstrapPort",
        ),
    ),
):
    """A worker that every replica of a gateway is to serve with."""

    url: WorkerUrl
    """Where the worker answers, as the gateway reaches it. A former URL stays registered until the new one serves."""

    runtime: Runtime = Runtime.AUTO
    """What serves the model; Auto finds out. External is a model provider outside, such as api.openai.com."""

    worker_type: WorkerType = WorkerType.REGULAR
    """Regular does whole requests; Prefill, Decode and Encode each do a part of one."""

    bootstrap_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Port at which a prefill worker hands its KV cache over to decode workers."""

    connection_mode: ConnectionMode = ConnectionMode.AUTO
    """HTTP or GRPC; Auto takes it from the URL's scheme."""

    probe: Probe = Probe.DIRECT
    """Direct: herder probes the worker itself. Gateway: the replicas do, where herder can't reach the worker."""

    models: Annotated[tuple[ModelId, ...], Field(max_length=MAX_MODELS)] = ()
    """Ids of the models that it serves; discovered when empty."""

    priority: Annotated[int, Field(ge=0, le=U32_MAX)] = 50
    """Workers with a higher priority are preferred."""

    cost: Cost = "1.0"
    """Relative cost of a request, a decimal number above 0 in quotes; 1.0 is the baseline."""

    labels: Labels = Field(default={})
    """Labels of the entry, which the gateway's routing reads. Those discovered are added; these win."""

    api_key_secret_ref: SecretKeyRef | None = None
    """The key that the worker asks for. Without one the gateway hands clients' own credentials on to it."""

    health: Health = Health()
    """How each replica keeps checking the worker."""

    startup: Startup = Startup()
    """How long the worker may take to come up."""

    drain: Drain = Drain()
    """How the worker is taken out of service when it is removed."""

    @field_validator("connection_mode")
    @classmethod
    def _fit_url(cls, mode: ConnectionMode, info: ValidationInfo) -> ConnectionMode:
        url: str | None = info.data.get("url")
        if mode is ConnectionMode.AUTO or url is None or (mode is ConnectionMode.GRPC) == url.startswith("grpc"):
            return mode
        raise ValueError(_MODE_FITS_URL)

    @field_validator("bootstrap_port")
    @classmethod
    def _fit_type(cls, port: int | None, info: ValidationInfo) -> int | None:
        if port is None or info.data.get("worker_type") is WorkerType.PREFILL:
            return port
        raise ValueError(_BOOTSTRAP_OF_PREFILL)


class DiscoveredWorker(ApiModel):
    """What was found out about the worker."""

    url: Endpoint
    """Its URL as registered: in lower case, without default port and trailing slash."""

    connection_mode: Word | None = None
    """HTTP or GRPC."""

    runtime: Word | None = None
    """What serves the model, in the words of spec.runtime, or Generic."""

    version: Line | None = None
    """Version of the runtime."""

    worker_type: Word | None = None
    """Regular, Prefill, Decode or Encode."""

    models: Annotated[tuple[Line, ...], Clip(MAX_MODELS)] = ()
    """Ids of the models that it serves."""

    context_length: Annotated[int, Field(ge=0)] | None = None
    """Longest context of the first model, in tokens."""

    dp_size: Annotated[int, Field(ge=1)] | None = None
    """Number of data-parallel ranks behind the URL."""


class FormerUrl(ApiModel):
    """A URL that the worker had before, and what each replica says of its entry under that."""

    url: Endpoint
    """The URL, spelled as registered."""

    replicas: Annotated[tuple[ReplicaEntry, ...], Clip(MAX_REPLICAS), MapBy("endpoint")] = ()
    """What each replica says; of one that is not named it has yet to be looked at."""


class WorkerRegistrationStatus(WorkflowStatus):
    """What herder observed and did about the worker."""

    worker: DiscoveredWorker | None = None
    """What was found out about the worker."""

    model: Line | None = None
    """The first model that it serves; while that is looked for under a changed URL, the one it serves meanwhile."""

    former: Annotated[tuple[FormerUrl, ...], Field(max_length=MAX_FORMER), MapBy("url")] | None = None
    """URLs that it had before spec.url was changed: each stays registered until the new one serves everywhere."""
