"""What a declaration is made with: where the resource is to be registered, and where what it refers to comes from."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from herder.api.fields import SecretKeyRef
from herder.api.status import WorkflowStatus
from herder.controller.families.mcp_desk import Desk
from herder.workflows.probing import Prober


@dataclass(frozen=True, slots=True)
class Tools:
    """What the workflows of some kinds ask of the world, beside the replicas."""

    prober: Prober
    mcp: Desk


@dataclass(frozen=True, slots=True)
class Site:
    """Where a resource is to be registered: the gateway's name, and how it is looked after."""

    gateway: str
    observes: bool
    """Whether nothing is changed there."""
    resync_s: float
    hosts: tuple[str, ...]
    """Where what it is told goes, as a Secret names those that it is for."""
    status: WorkflowStatus
    """The resource's."""
    tools: Tools


class Vault(Protocol):
    """Where the content of Secrets comes from."""

    async def get(self, namespace: str, ref: SecretKeyRef, *, field: str, to: Iterable[str]) -> str:
        """Return what `ref`, found in the field named `field`, points to, to be sent to the hosts `to`.

        Raises SecretMissing, or KubeError.
        """
        ...

    async def get_all(self, namespace: str, name: str, *, field: str, to: Iterable[str]) -> dict[str, str]:
        """Return the texts of all keys of the Secret that the field named `field` names. Raises the same."""
        ...
