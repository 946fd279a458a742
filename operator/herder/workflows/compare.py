"""Whether a listed entry is what is declared, as far as a list shows it: API keys and health settings never are."""

from decimal import Decimal
from typing import Final

from herder.gateway.types import Worker
from herder.net.text import redacted, untrusted
from herder.workflows.plan import Plan

_COST_TOLERANCE: Final = Decimal("1e-6")
"""A share of the cost: the gateway keeps it in single precision."""


def difference(worker: Worker, plan: Plan, models: tuple[str, ...] = ()) -> str | None:
    """Return the first difference, as a line for people without a secret; None if there is none.

    `models` are those discovered, as a status shows them: without the API key, should one of them repeat it.
    """
    spec = plan.worker_spec_declared
    if worker.priority != spec.priority:
        return f"it lists priority {worker.priority}, not {spec.priority}"
    if abs(Decimal(str(worker.cost)) - spec.cost) > _COST_TOLERANCE * spec.cost:
        return f"it lists cost {worker.cost}, not {spec.cost}"
    if worker.worker_type != spec.worker_type:
        return f"it lists type {worker.worker_type}, not {spec.worker_type}"
    changed = next((name for name, value in spec.labels.items() if worker.labels.get(name) != value), None)
    if changed is not None:
        return f"its label {changed} is not as declared"
    listed = {model.id for model in worker.models} | {worker.model_id or ""}
    shown = {redacted(model, plan.secrets) for model in listed}
    if models and (listed | shown).isdisjoint(models):
        found, wanted = (untrusted(model, secrets=plan.secrets) for model in (worker.model_id or "none", models[0]))
        return f"it lists model {found}, not {wanted}"
    return None
