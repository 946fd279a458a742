"""Whose an entry of a gateway's registry is: the label that herder puts on every entry it makes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

from herder.api.meta import OWNED_LABEL_PREFIX, OWNER_LABEL

_PARTS: Final = 4

ORPHANED: Final = {f"{OWNED_LABEL_PREFIX}deletion-policy": "Orphan"}
"""On entries that are to be left when their resource is deleted: no sweep takes them for forgotten ones."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The resource that declared an entry. `installation` is the uid of the cluster's kube-system namespace."""

    installation: str
    namespace: str
    name: str
    uid: str

    @classmethod
    def of(cls, labels: dict[str, str]) -> Self | None:
        """Read the owner from an entry's labels; None if herder did not make it."""
        parts = labels.get(OWNER_LABEL, "").split("/")
        return cls(*parts) if len(parts) == _PARTS and all(parts) else None

    @property
    def label(self) -> dict[str, str]:
        """Return the label to put on an entry."""
        return {OWNER_LABEL: f"{self.installation}/{self.namespace}/{self.name}/{self.uid}"}

    def claims(self, labels: dict[str, str]) -> bool:
        """Whether an entry is this resource's, or was one of the same name's that was deleted and made anew."""
        other = Owner.of(labels)
        return other is not None and self.place == other.place

    @property
    def place(self) -> tuple[str, str, str]:
        """Return what survives a deletion and a new resource of the same name."""
        return self.installation, self.namespace, self.name


type Holder = Callable[[Owner | None, str], str | None]
"""Names the living resource of this installation that has an entry; None if none has it.

It is given whose the entry says to be, and its id. What a living resource has is taken over by no other: both would be
told to have it, and take it from each other for ever.
"""


def nobody(_owner: Owner | None, _entry_id: str) -> str | None:
    """Return None: no entry is a living resource's. A `Holder`."""
    return None
