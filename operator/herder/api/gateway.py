"""ModelGateway: where a gateway's replicas are, how to speak to them, and what they say."""

import re
from collections import Counter
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, PlainValidator, model_validator

from herder.api.base import ApiModel
from herder.api.fields import HttpUrl, ObjectName, SecretKeyRef
from herder.api.markers import Clip, IntOrString, MapBy, Rule, Second, rules
from herder.api.status import MAX_REPLICAS, Endpoint, Line, Status, Tally, Word

MAX_PLAN: Final = 32
MAX_UNREADABLE: Final = 8

_ONE_WAY: Final = "write exactly one of endpoints (a list of URLs) and service (whose replicas are followed)"
_SOME: Final = "write at least 1 item, the URL of a replica"
_MOST_CHARS: Final = 16 * 1024
"""Of all URLs together: every status repeats them, and is to stay below 64 KiB."""
_BRIEF: Final = f"write shorter URLs: together they may have {_MOST_CHARS} characters, for every status repeats them"
_DISTINCT: Final = "write each replica once; another of these URLs is the same as {}"


def _check_endpoints(endpoints: tuple[str, ...]) -> tuple[str, ...]:
    if not endpoints:
        raise ValueError(_SOME)
    twice = next((url for url, count in Counter(endpoints).items() if count > 1), None)
    if twice is not None:
        raise ValueError(_DISTINCT.format(twice))
    if sum(map(len, endpoints)) > _MOST_CHARS:
        raise ValueError(_BRIEF)
    return endpoints


Endpoints = Annotated[
    tuple[HttpUrl, ...],
    Field(max_length=MAX_REPLICAS, json_schema_extra={"minItems": 1, "x-kubernetes-list-type": "set"}),
    Rule(f"self.map(url, size(url)).sum() <= {_MOST_CHARS}", _BRIEF),
    AfterValidator(_check_endpoints),
]


_PORT: Final = "write a port of the Service: its number, 1 to 65535, without quotes, or its name without capitals"
_PORT_NAME: Final = "[a-z0-9-]{1,15}"
_MOST_PORT: Final = 65535


def _check_port(port: object) -> int | str:
    match port:
        case str() if re.fullmatch(_PORT_NAME, port) and not port.isdecimal():
            return port
        case int() if 1 <= port <= _MOST_PORT:
            return port
    raise ValueError(_PORT)


ServicePort = Annotated[
    int | str,
    IntOrString(),
    Rule(
        f"type(self) == int ? self >= 1 && self <= {_MOST_PORT} "
        f": self.matches('^{_PORT_NAME}$') && !self.matches('^[0-9]*$')",
        _PORT,
    ),
    PlainValidator(_check_port),
]
"""A port of a Service, by number or by name."""


class ServiceScheme(StrEnum):
    """How the replicas behind a Service are spoken to."""

    HTTP = "HTTP"
    HTTPS = "HTTPS"


class Mode(StrEnum):
    """Whether herder changes the gateway's registries."""

    ENFORCE = "Enforce"
    OBSERVE = "Observe"


class ServiceRef(ApiModel):
    """A Service in the same namespace; each address of its EndpointSlices is a replica, ready or not, 256 at most."""

    name: ObjectName
    """Name of the Service."""

    port: ServicePort
    """Port of the Service on which the gateway's API answers, by number or by name."""

    scheme: ServiceScheme = ServiceScheme.HTTP
    """HTTP or HTTPS. With HTTPS the replicas' certificate must bear the Service's name, NAME.NAMESPACE.svc."""


class GatewayAuth(ApiModel):
    """How herder makes itself known to the gateway."""

    api_key_secret_ref: SecretKeyRef
    """The gateway's own API key."""


class GatewayTls(ApiModel):
    """Whom herder trusts to be the gateway."""

    ca_secret_ref: SecretKeyRef
    """PEM bundle of the certificate authorities that may sign the gateway's certificate, instead of the system's."""


class Rollout(ApiModel):
    """What is rolled when the published file changes, for a replica reads it only when it starts."""

    deployment: ObjectName
    """Name of the Deployment of the replicas, in the same namespace."""


class HeaderPublishing(StrEnum):
    """What becomes of MCP servers that need headers from a Secret."""

    REFUSE = "Refuse"
    VARIABLES = "Variables"


class GatewayMcp(ApiModel):
    """How the gateway's MCP servers reach its replicas: as a file in a ConfigMap, which they read when they start."""

    config_map: ObjectName | None = None
    """Name of the ConfigMap that herder keeps; the gateway's own name followed by -mcp when absent. Its key mcp.yaml is
    the file for `smg launch --mcp-config-path`."""

    headers: HeaderPublishing = HeaderPublishing.REFUSE
    """Refuse publishes no server that needs headers: the gateway takes them from its file only, and no secret belongs
    there. Variables writes ${HERDER_MCP_SERVER_HEADER} in their place, for an init container to fill in."""

    rollout: Rollout | None = None
    """What is rolled when the file changes. Nothing when absent: a change takes effect when the replicas restart."""


class ModelGatewaySpec(
    ApiModel,
    json_schema_extra=rules(Rule("has(self.endpoints) != has(self.service)", _ONE_WAY)),
):
    """A gateway whose replicas herder keeps registered with what the other resources declare."""

    endpoints: Endpoints | None = None
    """URL of each replica, for a gateway whose replicas have fixed addresses."""

    service: ServiceRef | None = None
    """The Service in front of the replicas, for a gateway whose replicas come and go."""

    auth: GatewayAuth | None = None
    """Credentials for the gateway's API; none are sent when absent."""

    tls: GatewayTls | None = None
    """Trust for https replicas; the system's authorities when absent."""

    resync_seconds: Annotated[int, Field(ge=1, le=3600)] = 10
    """How often each replica's registry is compared with what is declared."""

    mode: Mode = Mode.ENFORCE
    """Enforce repairs every difference; Observe only reads, compares and reports."""

    mcp: GatewayMcp | None = None
    """How the gateway's MCP servers reach its replicas."""

    @model_validator(mode="after")
    def _locate_once(self) -> Self:
        if (self.endpoints is None) == (self.service is None):
            raise ValueError(_ONE_WAY)
        return self


class GatewayReplicaState(StrEnum):
    """Whether a replica can be driven."""

    REACHABLE = "Reachable"
    UNREACHABLE = "Unreachable"
    REFUSES = "Refuses"
    """It does not take the credentials."""
    UNKNOWN = "Unknown"
    """It has not been asked yet."""


class Action(StrEnum):
    """What herder does about a difference."""

    REGISTER = "Register"
    REPLACE = "Replace"
    REMOVE = "Remove"


Count = Annotated[int, Field(ge=0)]


class EntryCounts(ApiModel):
    """Entries in the replicas' registries, counted."""

    declared: Count = 0
    """How many there should be: one on each replica for each resource that declares one."""

    registered: Count = 0
    """How many of these there are, as declared."""

    foreign: Count = 0
    """How many there are that herder did not make, or made for another installation or namespace."""

    drifted: Count = 0
    """How many there are otherwise than declared."""

    orphaned: Count = 0
    """How many there are that herder made for a resource that is gone: left on purpose, or about to be swept off."""


class PlannedChange(ApiModel):
    """What would be changed on a replica."""

    endpoint: Endpoint
    """The replica's URL."""

    action: Action
    """Register, Replace, or Remove what no resource declares any more."""

    kind: Word
    """The kind of the resource that the entry is of."""

    name: Line
    """The name of that resource."""


class GatewayReplica(ApiModel):
    """One replica of the gateway."""

    endpoint: Endpoint
    """The replica's URL."""

    state: GatewayReplicaState
    """Reachable, Unreachable, Refuses (the credentials) or Unknown (not asked yet)."""

    workers: Annotated[int, Field(ge=0)] | None = None
    """How many workers it lists; absent while it does not answer."""

    registered: Count | None = None
    """How many of the declared entries it has as declared; absent while it does not answer."""

    foreign: Count | None = None
    """How many entries it has that herder did not make; absent while it does not answer."""

    drifted: Count | None = None
    """How many entries it has otherwise than declared; absent while it does not answer."""

    orphaned: Count | None = None
    """How many entries it has of resources that are gone; absent while it does not answer."""

    unreadable: Annotated[tuple[Word, ...], Clip(MAX_UNREADABLE)] = ()
    """Its registries that are needed and that it gives no readable answer for: models, tokenizers or wasm."""

    unreadable_since: Second | None = None
    """Since when these can't be read."""

    verified_at: Second | None = None
    """When its registries were first read so. It moves only when something else in this row does."""


class ModelGatewayStatus(Status):
    """What herder sees of the gateway."""

    ready: Tally | None = None
    """How many of the replicas answer, such as 2/2; absent where they can't be asked."""

    registered: Tally | None = None
    """How many of the declared entries the replicas have as declared, such as 5/6; absent where they can't be asked."""

    replicas: Annotated[tuple[GatewayReplica, ...], Clip(MAX_REPLICAS), MapBy("endpoint")] = ()
    """The replicas that herder knows of."""

    entries: EntryCounts | None = None
    """The entries in the replicas' registries, counted over all replicas that answer."""

    planned: Count | None = None
    """With mode Observe: how many changes would be made."""

    plan: Annotated[tuple[PlannedChange, ...], Clip(MAX_PLAN)] = ()
    """With mode Observe: the first of these changes."""
