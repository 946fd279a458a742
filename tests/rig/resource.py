"""One resource of whatever kind: declared, annotated, waited for, deleted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rig.declared import Declared
from rig.waiting import eventually, wait_for_condition


@dataclass(frozen=True)
class Resource:
    """The resource `name` of a kind, such as Tokenizer, in a namespace; whether it is there or not."""

    declared: Declared
    kind: str
    name: str

    @property
    def path(self) -> str:
        """Its API path."""
        return self.declared.path(self.name, f"{self.kind.lower()}s")

    @property
    def status(self) -> dict[str, Any]:
        """What it says now."""
        found: dict[str, Any] = (self.declared.cluster.get(self.path) or {}).get("status", {})
        return found

    def write(self, spec: Mapping[str, Any]) -> None:
        """Declare it, or change its declaration."""
        self.declared.apply(self.kind, self.name, dict(spec))

    def annotate(self, **annotations: str) -> None:
        """Set annotations `herder.dev/KEY` of it."""
        words = {f"herder.dev/{key}": value for key, value in annotations.items()}
        self.declared.cluster.merge_patch(self.path, {"metadata": {"annotations": words}})

    async def until(
        self, kind: str = "Ready", *, status: str = "True", reason: str | None = None, timeout_s: float = 30
    ) -> dict[str, Any]:
        """Wait for a condition of its present generation and return the resource."""
        return await wait_for_condition(
            self.declared.cluster, self.path, kind, status=status, reason=reason, timeout_s=timeout_s
        )

    async def delete(self) -> None:
        """Delete it, and wait until it is gone."""
        self.declared.cluster.delete(self.path)
        await eventually(lambda: self.declared.cluster.get(self.path) is None, 30)
