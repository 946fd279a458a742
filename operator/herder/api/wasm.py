"""WasmModule: a middleware module, where it lies on the replicas' disks, and where in a request it acts."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from herder.api.base import ApiModel
from herder.api.markers import Clip, Pattern, Rule
from herder.api.paths import ModulePath
from herder.api.served import Removal, ServedSpec
from herder.api.status import Line, WorkflowStatus

MAX_ATTACH_POINTS: Final = 3

_DISTINCT: Final = "write each attach point once"


Sha256 = Annotated[
    str,
    Field(max_length=128),
    Pattern("[0-9a-f]{64}", "write the 64 lower-case hexadecimal digits that sha256sum prints"),
]


class ModuleType(StrEnum):
    """What a module is to the gateway."""

    MIDDLEWARE = "Middleware"


class AttachPoint(StrEnum):
    """When a module is called. The gateway takes OnError but never calls it (smg 1.13.0)."""

    ON_REQUEST = "OnRequest"
    ON_RESPONSE = "OnResponse"
    ON_ERROR = "OnError"


def _check_distinct(points: tuple[AttachPoint, ...]) -> tuple[AttachPoint, ...]:
    if len(set(points)) < len(points):
        raise ValueError(_DISTINCT)
    return points


AttachPoints = Annotated[
    tuple[AttachPoint, ...],
    Field(max_length=MAX_ATTACH_POINTS, json_schema_extra={"minItems": 1}),
    Rule("self.all(point, self.exists_one(other, other == point))", _DISTINCT),
    AfterValidator(_check_distinct),
]


class ModuleSource(ApiModel):
    """Where the module is."""

    path: ModulePath
    """File on each replica's own disk, such as on a mounted volume. It is read once, at the registration."""


class WasmModuleSpec(ServedSpec):
    """A WebAssembly component that every replica of a gateway is to run on requests."""

    source: ModuleSource
    """Where the module is."""

    sha256: Sha256 | None = None
    """What the file's SHA-256 must be: a replica that read another file does not keep it. A changed one replaces it."""

    module_type: ModuleType = ModuleType.MIDDLEWARE
    """Middleware, the only type that the gateway has."""

    attach_points: AttachPoints = (AttachPoint.ON_REQUEST,)
    """When it is called: OnRequest, OnResponse, OnError."""

    removal: Removal = Removal()
    """How long its removal may take."""


class RegisteredModule(ApiModel):
    """What the replicas hold."""

    name: Line
    """Its name in the gateway's registry, made from the resource's and its content's, so that it is unique."""

    sha256: Annotated[str, Clip(64)] | None = None
    """SHA-256 of the file as the replicas read it."""

    size_bytes: Annotated[int, Field(ge=0)] | None = None
    """Size of the file."""


class WasmModuleStatus(WorkflowStatus):
    """What herder observed and did about the module."""

    module: RegisteredModule | None = None
    """What the replicas hold."""
