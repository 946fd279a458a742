"""Tokenizer: what requests find under its name on every replica."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, override

from herder.api.base import InvalidResource, parse
from herder.api.meta import TOKENIZER
from herder.api.tokenizer import LoadedTokenizer, TokenizerSpec, TokenizerStatus
from herder.controller.families.declared import Declared
from herder.controller.families.family import Family
from herder.controller.families.site import Vault
from herder.controller.families.work import Leave, Order, Work
from herder.controller.listing.registries import Registry
from herder.controller.listing.views import View
from herder.workflows.entry import Entry
from herder.workflows.look import Look
from herder.workflows.owner import Owner
from herder.workflows.tokenizer import (
    Content,
    TokenizerPlan,
    TokenizerRegistration,
    TokenizerRemoval,
    look,
    registration,
    removal,
    shown,
    unsure,
)


@dataclass(frozen=True)
class DeclaredTokenizer(Declared):
    """A tokenizer as declared."""

    plan: TokenizerPlan

    @property
    def key(self) -> str:
        """Return the tokenizer's name."""
        return self.plan.key

    @property
    def spec_hash(self) -> str:
        """Return the hash of all that is sent."""
        return self.plan.spec_hash

    def look(self, record: Entry, view: View) -> Look:
        """Compare it with the replica's list of tokenizers."""
        return look(self.plan, record, view.listed(Registry.TOKENIZERS, self.key))

    def registration(self, order: Order) -> Work:
        """Return a run of tokenizer-registration; what the status shows is what it puts back if it has to."""
        held = order.status.tokenizer if isinstance(order.status, TokenizerStatus) else None
        data = TokenizerRegistration(
            self.plan, order.replicas, order.adopt, held, entries=order.entries, now=order.now, holder=order.holder
        )
        return Work(registration(self.plan.spec.loading.timeout_seconds), data, lambda: shown(data))


class TokenizerFamily(Family[TokenizerSpec]):
    """Tokenizers. They carry no label, so that nothing of them is swept, and what is left needs no mark."""

    kind = TOKENIZER
    spec = TokenizerSpec
    status = TokenizerStatus
    shown_in = "tokenizer"
    key_in = "name"
    contested_field = "spec.name"
    registry = Registry.TOKENIZERS
    is_swept = False

    def contested(self, spec: Mapping[str, Any]) -> str | None:
        """Return the name."""
        name = spec.get("name")
        return name if isinstance(name, str) and name else None

    @override
    async def declare(self, spec: TokenizerSpec, owner: Owner, vault: Vault) -> Declared:
        """Return the declaration: it refers to nothing."""
        return DeclaredTokenizer(TokenizerPlan(spec, owner))

    def after_kill(self, record: Entry | None) -> Entry:
        """Return what must be assumed: that it was replaced, too."""
        return unsure(record)

    async def leave(self, leave: Leave) -> None:
        """Do nothing: no sweep takes a tokenizer."""

    def removal(self, leave: Leave) -> Work:
        """Return a run of tokenizer-removal."""
        sent = tuple(filter(None, (_declared(leave), _shown(leave))))
        data = TokenizerRemoval(leave.key, leave.replicas, sent, entries=leave.entries, now=leave.now)
        return Work(removal(leave.terms.timeout_s), data)


def _declared(leave: Leave) -> Content | None:
    """Return what is declared under the name, None if that can't be read or is of another name."""
    try:
        spec = parse(TokenizerSpec, leave.spec)
    except InvalidResource:
        return None
    return Content(spec.source, spec.chat_template_path) if spec.name == leave.key else None


def _shown(leave: Leave) -> Content | None:
    """Return what the replicas were seen to hold."""
    held: LoadedTokenizer | None = leave.status.tokenizer if isinstance(leave.status, TokenizerStatus) else None
    return Content(held.source, held.chat_template_path) if held is not None and held.source is not None else None
