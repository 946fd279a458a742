"""Whether a listed entry is what is declared, as far as a list shows it: API keys and health settings never are."""

from dataclasses import replace
from decimal import Decimal
from typing import Final

from herder.api.status import EntryState
from herder.gateway.types import Worker
from herder.net.text import redacted, untrusted
from herder.workflows.entry import MAY_BE_LOST, REGISTERED, Entry, is_ours, state_of
from herder.workflows.look import Look
from herder.workflows.owner import Owner
from herder.workflows.plan import Plan

_COST_TOLERANCE: Final = Decimal("1e-6")
"""A share of the cost: the gateway keeps it in single precision."""


def look(plan: Plan, record: Entry, listed: tuple[Worker, ...]) -> Look:
    """Return what the record becomes on a replica that lists `listed` under the plan's URL, and whether that is enough.

    Without a time: whoever looks says with `Entry.since` when the state was seen first.
    """
    if not listed:
        return Look(_unlisted(record), has_it=False, difference="it does not list the worker")
    ordered = in_order(listed)
    worker = ordered[0]
    others = [each for each in ordered if not is_ours(plan.owner, record, each)]
    if others:
        foreign = replace(record, state=EntryState.FOREIGN, worker_id=worker.id, spec_hash=None)
        owner = Owner.of(others[0].labels)
        return Look(foreign, has_it=False, difference="it lists the URL for somebody else", owner=owner)
    spec_hash = record.spec_hash if is_same_entry(record, worker) else None
    entry = replace(record, state=state_of(worker), worker_id=worker.id, spec_hash=spec_hash)
    found = group_difference(ordered, plan)
    if spec_hash != plan.spec_hash:
        return Look(entry, has_it=False, difference=found or "what it was told last is not what is declared now")
    return Look(entry, has_it=entry.state in REGISTERED and found is None, difference=found)


def _unlisted(record: Entry) -> Entry:
    """Of what is in no list a registration may still be pending: then its record is kept, for the removal needs it."""
    if record.state in MAY_BE_LOST:
        return replace(record, state=EntryState.PENDING)
    return replace(record, state=EntryState.ABSENT, worker_id=None, spec_hash=None)


def in_order(listed: tuple[Worker, ...]) -> tuple[Worker, ...]:
    """Return the entries in an order of their own, ranks first: a replica lists them each time in another."""
    return tuple(sorted(listed, key=lambda worker: (worker.dp_rank or 0, worker.url, worker.id)))


def is_same_entry(record: Entry, worker: Worker) -> bool:
    """Whether a listed entry is the one that the record tells of.

    The ranks of a data-parallel group get ids of their own, which no answer to a POST has named.
    """
    return worker.dp_base_url is not None or record.worker_id == worker.id


def is_as_sent(plan: Plan, record: Entry, worker: Worker) -> bool:
    """Whether what herder last sent to this replica, for this very entry, is what is declared now."""
    return is_same_entry(record, worker) and record.spec_hash == plan.spec_hash


def group_difference(listed: tuple[Worker, ...], plan: Plan, models: tuple[str, ...] = ()) -> str | None:
    """Return the first difference of a worker, or of all the ranks of a data-parallel one; None if there is none."""
    missing = missing_ranks(listed)
    if missing:
        return f"it lists {len(listed)} of the worker's {len(listed) + missing} data-parallel ranks"
    return next((line for line in (difference(each, plan, models) for each in listed) if line is not None), None)


def models_of(listed: tuple[Worker, ...]) -> frozenset[str]:
    """Return the ids under which the entries of one worker serve; none for one that takes any model."""
    named = {model.id for worker in listed for model in worker.models}
    return frozenset(named or {worker.model_id for worker in listed if worker.model_id})


def missing_ranks(listed: tuple[Worker, ...]) -> int:
    """Return how many ranks of a data-parallel group are not listed; of another worker, none."""
    sizes = [worker.dp_size for worker in listed if worker.dp_base_url is not None and worker.dp_size is not None]
    return max(0, max(sizes) - len(listed)) if sizes else 0


def difference(worker: Worker, plan: Plan, models: tuple[str, ...] = ()) -> str | None:
    """Return the first difference, as a line for people without a secret; None if there is none.

    `models` are those discovered, as a status shows them: without the API key, should one of them repeat it.
    """
    return patchable_difference(worker, plan) or fixed_difference(worker, plan, models)


def patchable_difference(worker: Worker, plan: Plan) -> str | None:
    """Return the first difference that a PATCH ends."""
    spec = plan.worker_spec_declared
    if worker.priority != spec.priority:
        return f"it lists priority {worker.priority}, not {spec.priority}"
    if abs(Decimal(str(worker.cost)) - spec.cost) > _COST_TOLERANCE * spec.cost:
        return f"it lists cost {worker.cost}, not {spec.cost}"
    changed = next((name for name, value in spec.labels.items() if worker.labels.get(name) != value), None)
    return None if changed is None else f"its label {changed} is not as declared"


def fixed_difference(worker: Worker, plan: Plan, models: tuple[str, ...] = ()) -> str | None:
    """Return the first difference that a PATCH leaves as it is."""
    spec = plan.worker_spec_declared
    if worker.worker_type != spec.worker_type:
        return f"it lists type {worker.worker_type}, not {spec.worker_type}"
    if plan.runtime is not None and worker.runtime_type != plan.runtime:
        return f"it lists runtime {untrusted(worker.runtime_type)}, not {plan.runtime}"
    if spec.bootstrap_port is not None and worker.bootstrap_port != spec.bootstrap_port:
        return f"it lists bootstrap port {worker.bootstrap_port or 'none'}, not {spec.bootstrap_port}"
    return _model_difference(worker, plan, models)


def _model_difference(worker: Worker, plan: Plan, models: tuple[str, ...]) -> str | None:
    listed = {name for model in worker.models for name in (model.id, *model.aliases)} | {worker.model_id or ""}
    shown = {redacted(model, plan.secrets) for model in listed}
    if plan.is_external and models:
        # a worker of one's own is listed with one model, a provider with all that the gateway found there
        absent = next((model for model in plan.spec.models if model not in listed), None)
        return None if absent is None else f"it lists no model {absent}"
    if not models or not (listed | shown).isdisjoint(models):
        return None
    found, wanted = (untrusted(model, secrets=plan.secrets) for model in (worker.model_id or "none", models[0]))
    return f"it lists model {found}, not {wanted}"
