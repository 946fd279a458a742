"""Whose a module of a gateway's registry is: its name says so, for modules carry no labels.

    herder.dev/<installation>/<namespace>/<name>/<uid>/<spec hash>[/orphan]

The gateway takes names of any length and with any character (measured on smg 1.13.0 with 10,000), finds a module that
it has just added by its name alone, and never changes one: so a name is unique, and what is declared anew is a new one.
"""

from dataclasses import dataclass
from typing import Final, Self

from herder.api.meta import OWNED_LABEL_PREFIX, OWNER_LABEL
from herder.gateway.wasm import Module
from herder.workflows.owner import Owner

_ORPHAN: Final = "orphan"
_PARTS: Final = 5


@dataclass(frozen=True, slots=True)
class ModuleName:
    """What the name of a module that herder made says.

    `is_orphan` is on those that stay when their resource is deleted: no sweep takes them for forgotten ones.
    """

    owner: Owner
    spec_hash: str
    is_orphan: bool = False

    @classmethod
    def of(cls, name: str) -> Self | None:
        """Read a module's name; None if herder did not make it."""
        if not name.startswith(OWNED_LABEL_PREFIX):
            return None
        parts = name.removeprefix(OWNED_LABEL_PREFIX).split("/")
        is_orphan = parts[_PARTS:] == [_ORPHAN]
        if len(parts) != _PARTS + is_orphan:
            return None
        owner = Owner.of({OWNER_LABEL: "/".join(parts[: _PARTS - 1])})
        spec_hash = parts[_PARTS - 1]
        return cls(owner, spec_hash, is_orphan) if owner is not None and spec_hash else None

    def __str__(self) -> str:
        tail = f"/{_ORPHAN}" if self.is_orphan else ""
        return f"{OWNED_LABEL_PREFIX}{self.owner.label[OWNER_LABEL]}/{self.spec_hash}{tail}"


def place_key(namespace: str, name: str) -> str:
    """Return what all modules of one resource are found under, whatever it declares or has declared."""
    return f"{namespace}/{name}"


def content_key(sha256: str) -> str:
    """Return what all modules of one content are found under, whoever made them."""
    return f"sha256:{sha256}"


def listing_keys(module: Module) -> tuple[str, ...]:
    """Return what a listed module is to be found under: its content and, if herder made it, its resource."""
    name = ModuleName.of(module.name)
    content = content_key(module.sha256)
    return (content,) if name is None else (place_key(name.owner.namespace, name.owner.name), content)
