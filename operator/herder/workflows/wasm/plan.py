"""What is to be registered: one WasmModule's declaration, ready to be sent."""

from dataclasses import dataclass
from functools import cached_property

from herder.api.served import DeletionPolicy
from herder.api.wasm import WasmModuleSpec
from herder.gateway.wasm import ModuleSpec
from herder.workflows.digest import digest
from herder.workflows.owner import Owner
from herder.workflows.wasm.naming import ModuleName, content_key, place_key


@dataclass(frozen=True)
class WasmPlan:
    """A module as declared. Nothing of it is secret."""

    spec: WasmModuleSpec
    owner: Owner

    @property
    def key(self) -> str:
        """What its modules on a replica are found under: the same, whatever is declared."""
        return place_key(self.owner.namespace, self.owner.name)

    def listing_keys(self, content: str | None = None) -> tuple[str, ...]:
        """Return under what all is found that `look` is to see: its own modules, and others' of its content.

        `content` is the file's sha256 where that is known though none is declared.
        """
        sha256 = self.spec.sha256 or content
        return (self.key,) if sha256 is None else (self.key, content_key(sha256))

    @cached_property
    def spec_hash(self) -> str:
        """A hash of all that is declared and sent, but for the name, which it is a part of."""
        spec = self.spec
        points = sorted(spec.attach_points)
        return digest(spec.source.path, spec.sha256, spec.module_type.value, points, self.is_orphaned)

    @cached_property
    def name(self) -> str:
        """Its name in the gateway's registry: another one as soon as anything else is declared."""
        return str(ModuleName(self.owner, self.spec_hash, self.is_orphaned))

    @property
    def is_orphaned(self) -> bool:
        """Whether the module is to stay when its resource goes; it says so from the start."""
        return self.spec.deletion_policy is DeletionPolicy.ORPHAN

    @cached_property
    def module_spec(self) -> ModuleSpec:
        """What a replica is sent."""
        points = tuple(point.value for point in self.spec.attach_points)
        return ModuleSpec(self.name, self.spec.source.path, points, self.spec.module_type.value)
