"""Every workflow by its name, with the budgets of a resource that says nothing of them."""

from collections.abc import Mapping
from typing import Any

from herder.api.served import Removal
from herder.api.tokenizer import Loading
from herder.api.worker import Drain, Startup
from herder.engine import WorkflowDefinition
from herder.workflows import mcp, move, registration, removal, tokenizer, update, wasm


def workflows() -> Mapping[str, WorkflowDefinition[Any]]:
    """Return each workflow by the name that a status gives it."""
    removal_s = Removal().timeout_seconds
    definitions: tuple[WorkflowDefinition[Any], ...] = (
        registration.registration(Startup().timeout_seconds),
        update.update(Startup().timeout_seconds),
        move.move(Startup().timeout_seconds, Drain().timeout_seconds),
        removal.removal(Drain().timeout_seconds),
        wasm.registration(),
        wasm.removal(removal_s),
        tokenizer.registration(Loading().timeout_seconds),
        tokenizer.removal(removal_s),
        mcp.registration(is_required=True),
        mcp.removal(removal_s),
    )
    return {definition.name or definition.id: definition for definition in definitions}
