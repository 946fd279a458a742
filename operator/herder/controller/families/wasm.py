"""WasmModule: a module, identified on a replica by its name, which says whose it is and what was declared."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, override

from herder.api.meta import WASM_MODULE
from herder.api.wasm import WasmModuleSpec, WasmModuleStatus
from herder.controller.families.declared import Declared
from herder.controller.families.family import Body, Family
from herder.controller.families.orphans import rename_orphaned
from herder.controller.families.site import Site, Vault
from herder.controller.families.work import Leave, Order, Work
from herder.controller.listing.registries import Registry
from herder.controller.listing.views import View
from herder.workflows.entry import Entry
from herder.workflows.look import Look
from herder.workflows.owner import Owner
from herder.workflows.wasm import (
    WasmPlan,
    WasmRegistration,
    WasmRemoval,
    content_key,
    look,
    place_key,
    registration,
    removal,
    shown,
)


@dataclass(frozen=True)
class DeclaredModule(Declared):
    """A module as declared."""

    plan: WasmPlan
    content: str | None = None
    """The sha256 of the file, as the replicas said when they read it."""

    @property
    def key(self) -> str:
        """Return what all modules of the resource are found under."""
        return self.plan.key

    @property
    def spec_hash(self) -> str:
        """Return the hash of all that is sent."""
        return self.plan.spec_hash

    def look(self, record: Entry, view: View) -> Look:
        """Compare it with all that the replica lists of its resource, or of its content."""
        keys = self.plan.listing_keys(self.content)
        listed = {module.id: module for key in keys for module in view.listed(Registry.WASM, key)}
        return look(self.plan, record, listed.values(), self.content)

    def registration(self, order: Order) -> Work:
        """Return a run of wasm-registration, which sees to what was declared before, too."""
        data = WasmRegistration(
            self.plan, order.replicas, order.adopt, entries=order.entries, now=order.now, holder=order.holder
        )
        if order.resumes and isinstance(order.status, WasmModuleStatus) and order.status.module is not None:
            data.sha256, data.size_bytes = order.status.module.sha256, order.status.module.size_bytes
        return Work(registration(), data, lambda: shown(data))


class WasmFamily(Family[WasmModuleSpec]):
    """Modules. What is declared anew has another name, and the registration retires what has the former one."""

    kind = WASM_MODULE
    spec = WasmModuleSpec
    status = WasmModuleStatus
    shown_in = "module"
    key_in = "name"
    contested_field = "spec.source.path"
    registry = Registry.WASM
    moves = False

    def contested(self, spec: Mapping[str, Any]) -> str | None:
        """Return the path: a replica takes no content twice."""
        source = spec.get("source")
        path = source.get("path") if isinstance(source, Mapping) else None
        return path if isinstance(path, str) and path else None

    def concerns(self, body: Body, keys: frozenset[str]) -> bool:
        """Whether one of the keys is that of the resource's modules, or of the content that it declares or has."""
        metadata, spec, status = body["metadata"], body.get("spec"), body.get("status")
        module = status.get(self.shown_in) if isinstance(status, Mapping) else None
        contents = (part.get("sha256") for part in (spec, module) if isinstance(part, Mapping))
        own = {place_key(metadata["namespace"], metadata["name"])}
        return not keys.isdisjoint(own | {content_key(sha256) for sha256 in contents if isinstance(sha256, str)})

    def listing_key(self, body: Body) -> str | None:
        """Return what all modules of the resource are found under."""
        metadata = body["metadata"]
        is_registered = self.registered_key(body) is not None
        return place_key(metadata["namespace"], metadata["name"]) if is_registered else None

    @override
    async def declare(self, spec: WasmModuleSpec, owner: Owner, vault: Vault) -> Declared:
        """Return the declaration: it refers to nothing."""
        return DeclaredModule(WasmPlan(spec, owner))

    @override
    async def declare_at(self, spec: WasmModuleSpec, owner: Owner, vault: Vault, site: Site) -> Declared:
        """Return the declaration with what is known of its file: beside others' of that content none can be added."""
        plan = WasmPlan(spec, owner)
        known = site.status.module if isinstance(site.status, WasmModuleStatus) else None
        return DeclaredModule(plan, known.sha256 if known is not None and known.name == plan.name else None)

    def removal(self, leave: Leave) -> Work:
        """Return a run of wasm-removal: of all modules of the resource, whatever their names say was declared."""
        return Work(
            removal(leave.terms.timeout_s),
            WasmRemoval(leave.owner, leave.replicas, entries=leave.entries, now=leave.now),
        )

    async def leave(self, leave: Leave) -> None:
        """Have the modules' names say that they are to stay, where the policy was changed since they were given."""
        await rename_orphaned(leave.replicas, leave.key)
