"""McpServer: a server of the Model Context Protocol whose tools a gateway offers to models."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from herder.api.base import ApiModel
from herder.api.fields import HttpUrl, ObjectName
from herder.api.markers import Clip, MapBy, Rule
from herder.api.served import Removal, ServedSpec
from herder.api.status import Line, Word, WorkflowStatus

MAX_TOOLS: Final = 128

_ONLY_STREAMABLE: Final = (
    "write StreamableHTTP: the gateway dropped SSE, "
    "and a Stdio server would be a program that every replica starts by itself"
)


class TransportType(StrEnum):
    """How the server is spoken to. Only one can be used; the others are named to be refused with a reason."""

    STREAMABLE_HTTP = "StreamableHTTP"
    SSE = "SSE"
    STDIO = "Stdio"


def _check_type(transport: TransportType) -> TransportType:
    if transport is not TransportType.STREAMABLE_HTTP:
        raise ValueError(_ONLY_STREAMABLE)
    return transport


class Transport(ApiModel):
    """How the server is reached."""

    type: Annotated[
        TransportType,
        Rule(f"self == '{TransportType.STREAMABLE_HTTP}'", _ONLY_STREAMABLE),
        AfterValidator(_check_type),
    ] = TransportType.STREAMABLE_HTTP
    """StreamableHTTP."""

    url: HttpUrl
    """Where the server answers, as both herder and the gateway reach it."""


class HeadersSecretRef(ApiModel):
    """A Secret in the same namespace; each key of it is the name of a header, its value the header's."""

    name: ObjectName
    """Name of the Secret."""


class McpServerSpec(ServedSpec):
    """An MCP server that every replica of a gateway is to offer the tools of."""

    transport: Transport
    """How the server is reached."""

    headers_secret_ref: HeadersSecretRef | None = None
    """Headers that the server asks for, such as Authorization."""

    required: bool = False
    """True: the resource is Ready only while the server answers. False: it is published all the same, and retried."""

    removal: Removal = Removal()
    """How long its removal may take."""


class McpTool(ApiModel):
    """A tool that the server offers."""

    name: Line
    """Its name."""

    description: Annotated[str, Clip(120)] | None = None
    """The beginning of what the server says of it."""


class PublishedServer(ApiModel):
    """What was found out about the server, and where it is published."""

    name: Line
    """Its name in the published file."""

    url: Annotated[str, Clip(2048)] | None = None
    """Where it answers."""

    server: Line | None = None
    """Name and version that the server gives itself."""

    protocol_version: Word | None = None
    """Version of the protocol that was agreed on."""

    tool_count: Annotated[int, Field(ge=0)] | None = None
    """How many tools it offers."""

    tools: Annotated[tuple[McpTool, ...], Clip(MAX_TOOLS), MapBy("name")] = ()
    """The first of its tools."""

    config_map: Line | None = None
    """ConfigMap that it is published in."""


class McpServerStatus(WorkflowStatus):
    """What herder observed and did about the server."""

    server: PublishedServer | None = None
    """What was found out about the server, and where it is published."""
