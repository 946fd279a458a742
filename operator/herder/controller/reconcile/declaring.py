"""What a resource declares, with what its Secrets hold: how the scout comes to a `Declared`."""

from collections.abc import Iterable

from herder.api.fields import SecretKeyRef
from herder.controller.families.declared import Declared
from herder.controller.families.site import Site, Tools, Vault
from herder.controller.fleet.gateways import Gateway
from herder.controller.fleet.rotation import Rotation
from herder.controller.known.subject import Subject
from herder.controller.reconcile.glance import only_observed


class Declaring:
    """Looks up what a spec refers to; its resource is looked at again when that has changed."""

    def __init__(self, rotation: Rotation, tools: Tools) -> None:
        self._rotation = rotation
        self._tools = tools

    async def declared(self, subject: Subject, gateway: Gateway) -> Declared:
        """Return what is declared on a gateway. Raises SecretMissing, KubeError."""
        return await self._declare(subject, gateway, self._rotation.vault(subject.key, gateway.access.resync_s))

    async def keyless(self, subject: Subject, gateway: Gateway) -> Declared:
        """Return what is declared but for what Secrets hold: to be compared, and never sent."""
        return await self._declare(subject, gateway, _NoSecrets())

    async def _declare(self, subject: Subject, gateway: Gateway, vault: Vault) -> Declared:
        name = subject.gateway.name if subject.gateway is not None else ""
        observes, resync_s = only_observed(gateway), gateway.access.resync_s
        site = Site(name, observes, resync_s, gateway.access.hosts, subject.status, self._tools)
        declared: Declared = await subject.family.declare_at(subject.spec, subject.owner, vault, site)
        return declared


class _NoSecrets:
    """A vault that knows no content."""

    async def get(self, _namespace: str, _ref: SecretKeyRef, *, field: str, to: Iterable[str]) -> str:  # noqa: ARG002
        return ""

    async def get_all(
        self,
        _namespace: str,
        _name: str,
        *,
        field: str,  # noqa: ARG002  (a Vault)
        to: Iterable[str],  # noqa: ARG002
    ) -> dict[str, str]:
        return {}
