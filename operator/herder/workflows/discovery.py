"""Which models a worker serves, asked of the worker itself, and whether those declared are among them."""

from collections.abc import Sequence
from typing import Final

from herder.net.text import redacted, untrusted
from herder.workflows.convergence import Convergence
from herder.workflows.errors import Permanent, Transient
from herder.workflows.probing import ServedModel

_TELLTALE: Final = frozenset({"sglang", "vllm"})
"""The runtimes that say so themselves, as the owner of each model that they list."""


async def ask_models(data: Convergence) -> tuple[ServedModel, ...]:
    """Return what the worker itself says that it serves."""
    plan = data.plan
    if plan.is_grpc:
        return await data.prober.grpc.models(plan.asked)
    return await data.prober.list_models(plan.url, plan.api_key)


async def models_served(data: Convergence) -> tuple[str, ...]:
    """Ask the worker, and return the ids as a status shows them: see `checked_models`."""
    return checked_models(await ask_models(data), data)


def checked_models(served: Sequence[ServedModel], data: Convergence) -> tuple[str, ...]:
    """Return the ids declared, or where none are those served, without the key.

    Raises Transient if there are none yet, for /health may answer before the models are loaded, and Permanent if one
    that is declared is not among them, or if the worker says to be another runtime than is declared.
    """
    plan = data.plan
    _check_runtime(served, data)
    if not served:
        raise Transient("NoModels", f"{plan.url} lists no model yet")
    ids = tuple(model.id for model in served)
    missing = [model for model in plan.spec.models if model not in ids]
    if missing:
        raise Permanent(
            "ModelNotServed",
            f"{plan.url} does not serve {missing[0]!r} but {untrusted(', '.join(ids), secrets=data.secrets)}",
        )
    return plan.spec.models or tuple(redacted(model, data.secrets) for model in ids)


def _check_runtime(served: Sequence[ServedModel], data: Convergence) -> None:
    """Raise Permanent if models say that they are another's; of a runtime that is declared the gateway asks nothing."""
    said = {model.owned_by for model in served} & _TELLTALE
    if data.plan.runtime in _TELLTALE and said and data.plan.runtime not in said:
        raise Permanent(
            "RuntimeMismatch",
            f"{data.plan.url} lists models of {min(said)}, not of {data.plan.runtime}: correct spec.runtime, or leave "
            "it Auto",
        )
