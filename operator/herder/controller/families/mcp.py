"""McpServer: a server that is published in its gateway's file, under its resource's name. No replica lists it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, override

import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential

from herder.api.mcp import McpServerSpec, McpServerStatus
from herder.api.meta import MCP_SERVER
from herder.controller.families.declared import Declared
from herder.controller.families.family import Family
from herder.controller.families.mcp_desk import Seen
from herder.controller.families.mcp_outlook import outlook, served
from herder.controller.families.site import Site, Vault
from herder.controller.families.work import Leave, Order, Work
from herder.controller.listing.observation import Observation
from herder.controller.listing.views import View
from herder.net.hosts import host_of
from herder.workflows.entry import Entry
from herder.workflows.errors import StepFault, Transient
from herder.workflows.look import Look
from herder.workflows.mcp import McpPlan, McpRegistration, McpRemoval, registration, removal, shown
from herder.workflows.owner import Owner

log = structlog.get_logger(__name__)

_PATIENCE_S: Final = 30.0
"""How long an API server that gives no answer may hold up the going of a resource whose entry is to stay."""


@dataclass(frozen=True)
class DeclaredServer(Declared):
    """A server as declared. `seen` is its gateway's file as of when the declaration was looked at."""

    plan: McpPlan
    site: Site
    found: Seen

    @property
    def key(self) -> str:
        """Return its name in the file."""
        return self.plan.key

    @property
    def spec_hash(self) -> str:
        """Return the hash of all that is sent and published."""
        return self.plan.spec_hash

    def seen(self) -> Observation:
        """Compare it with the file as it is known now, and with what the server said last."""
        desk, owner = self.site.tools.mcp, self.plan.owner
        file = desk.file(owner.namespace, self.site.gateway)
        now = Seen(file.latest or self.found.view, self.found.rolling, self.found.trouble)
        sighting, status = desk.sighting(owner.uid), _status(self.site)
        return outlook(self.plan, now, sighting, status, rolls=file.rolls, observes=self.site.observes)

    def look(self, record: Entry, view: View) -> Look:
        """Raise: no replica lists it."""
        raise NotImplementedError

    def registration(self, order: Order) -> Work:
        """Return a run of mcp-registration."""
        desk, owner = order.tools.mcp, self.plan.owner
        file = desk.file(owner.namespace, self.site.gateway)
        data = McpRegistration(self.plan, (), desk.asker(owner.uid), file, order.adopt, now=order.now)
        definition = registration(is_required=self.plan.spec.required)
        return Work(
            definition, data, lambda: shown(data), lambda steps: served(self.plan, steps, file.config_map, file.rolls)
        )


class McpFamily(Family[McpServerSpec]):
    """MCP servers."""

    kind = MCP_SERVER
    spec = McpServerSpec
    status = McpServerStatus
    shown_in = "server"
    key_in = "name"
    contested_field = "metadata.name"
    is_listed = False

    @override
    def contested(self, spec: Mapping[str, Any]) -> str | None:
        """Return None: two resources may publish one server under two names."""
        return None

    async def declare(self, spec: McpServerSpec, owner: Owner, vault: Vault) -> Declared:
        """Raise: it depends on the gateway how a server is published."""
        raise NotImplementedError

    async def declare_at(self, spec: McpServerSpec, owner: Owner, vault: Vault, site: Site) -> Declared:
        """Look up the headers and the gateway's file. From then on the server is looked at again and again."""
        ref, headers = spec.headers_secret_ref, dict[str, str]()
        if ref is not None:
            to = (host_of(spec.transport.url),)
            headers = await vault.get_all(owner.namespace, ref.name, field="spec.headersSecretRef", to=to)
        desk = site.tools.mcp
        file = desk.file(owner.namespace, site.gateway)
        plan = McpPlan(spec, owner, headers, file.headers)
        declared = DeclaredServer(plan, site, await desk.seen(owner.namespace, site.gateway))
        if headers or ref is None:
            desk.watch(owner.uid, owner.namespace, owner.name, plan.endpoint, site.resync_s)
        else:
            desk.forget(owner.uid)
        if spec.suspend:
            file.leave(plan.key)
        elif declared.seen().is_satisfied:
            file.trust(plan.key, plan.entry)
        return declared

    def removal(self, leave: Leave) -> Work:
        """Return a run of mcp-removal."""
        file = leave.tools.mcp.file(leave.owner.namespace, leave.gateway)
        return Work(removal(leave.terms.timeout_s), McpRemoval(leave.key, (), file, now=leave.now))

    @override
    def farewell(self, leave: Leave) -> str:
        """Say what running replicas have of it still, where nobody rolls them."""
        file = leave.tools.mcp.file(leave.owner.namespace, leave.gateway)
        if file.rolls is not None:
            return super().farewell(leave)
        return f"it is out of ConfigMap {file.config_map}; replicas that run drop it when they restart"

    async def leave(self, leave: Leave) -> None:
        """Have the file say that the entry is to stay, where the policy was changed since it was published."""
        file = leave.tools.mcp.file(leave.owner.namespace, leave.gateway)
        patient = AsyncRetrying(
            retry=retry_if_exception_type(Transient),
            wait=wait_exponential(multiplier=0.2, max=2.0),
            stop=stop_after_delay(_PATIENCE_S),
            reraise=True,
        )
        try:
            await patient(file.keep, leave.key)
        except StepFault as error:
            log.warning("orphan.unmarked", server=str(leave.owner), error=str(error))


def _status(site: Site) -> McpServerStatus:
    return site.status if isinstance(site.status, McpServerStatus) else McpServerStatus()
