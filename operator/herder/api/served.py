"""What the specs of all kinds that a gateway serves share: whose they are, and what becomes of them."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from herder.api.base import ApiModel
from herder.api.fields import GatewayRef


class OnTimeout(StrEnum):
    """What happens to a resource whose removal does not end in time."""

    FORCE = "Force"
    KEEP = "Keep"


class DeletionPolicy(StrEnum):
    """What becomes of the gateway's entries when the resource is deleted."""

    DEREGISTER = "Deregister"
    ORPHAN = "Orphan"


class ServedSpec(ApiModel):
    """What every replica of a gateway is to have."""

    gateway_ref: GatewayRef
    """The ModelGateway that is to know it."""

    deletion_policy: DeletionPolicy = DeletionPolicy.DEREGISTER
    """Deregister takes it off first; Orphan leaves what replicas, or the file of MCP servers, list of it as it is."""

    suspend: bool = False
    """True: nothing but its deletion is carried out until it is false again; what is registered stays registered."""


class Removal(ApiModel):
    """How long the removal may take when the resource is deleted."""

    timeout_seconds: Annotated[int, Field(ge=0, le=86400)] = 60
    """Time in which every replica must have confirmed the removal."""

    on_timeout: OnTimeout = OnTimeout.FORCE
    """Force lets the resource go when the time is up; Keep holds it until every replica has confirmed."""
