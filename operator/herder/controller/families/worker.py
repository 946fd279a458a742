"""WorkerRegistration: a worker, identified by its normalised URL."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from herder.api.base import ApiModel
from herder.api.conditions import Claim, ReadyReason, Truth, ready
from herder.api.meta import WORKER_REGISTRATION
from herder.api.status import EntryState, ReplicaEntry, Step, StepStatus, WorkflowStatus
from herder.api.worker import (
    MAX_FORMER,
    DiscoveredWorker,
    Drain,
    FormerUrl,
    WorkerRegistrationSpec,
    WorkerRegistrationStatus,
)
from herder.controller.families.declared import Declared, Post
from herder.controller.families.discovered import facts_of, worker_of
from herder.controller.families.family import Body, Family, parsed
from herder.controller.families.orphans import mark_orphaned
from herder.controller.families.site import Site, Vault
from herder.controller.families.work import Former, FormerShown, Leave, Order, Summary, Terms, Work
from herder.controller.listing.registries import Registry
from herder.controller.listing.views import View
from herder.gateway.replica import Replica
from herder.net.hosts import host_of, place_of
from herder.net.urls import InvalidUrl, normalise_url
from herder.workflows.compare import look
from herder.workflows.convergence import Convergence
from herder.workflows.entry import Entry, entries_of
from herder.workflows.facts import Facts
from herder.workflows.look import Look
from herder.workflows.move import NAME as MOVE
from herder.workflows.move import RetireFormer, move
from herder.workflows.owner import Owner
from herder.workflows.plan import Plan
from herder.workflows.registration import registration
from herder.workflows.registration.data import Registration
from herder.workflows.removal import removal
from herder.workflows.removal.data import Removal, in_flight
from herder.workflows.update import Update, update


@dataclass(frozen=True)
class DeclaredWorker(Declared):
    """A worker as declared."""

    plan: Plan

    @property
    def key(self) -> str:
        """Return the worker's URL."""
        return self.plan.url

    @property
    def spec_hash(self) -> str:
        """Return the hash of all that is sent, the worker's key included."""
        return self.plan.spec_hash

    def look(self, record: Entry, view: View) -> Look:
        """Compare it with the replica's list of workers."""
        return look(self.plan, record, view.listed(Registry.WORKERS, self.plan.url))

    def registration(self, order: Order) -> Work:
        """Return a run of worker-registration, or of worker-move where it has, or had when it began, a former URL."""
        data = self._data(Registration, order)
        data.former = _removals(order.former, self.plan.owner, order.replicas, order.now)
        is_asked_here = self.plan.is_probed_here or self.plan.is_discovered_here
        if order.resumes and is_asked_here and isinstance(order.status, WorkerRegistrationStatus):
            data.facts = facts_of(order.status.worker)
        budget_s = self.plan.spec.startup.timeout_seconds
        is_move = bool(data.former) or _goes_on_with_a_move(order)
        definition = move(budget_s, order.terms.timeout_s) if is_move else registration(budget_s)
        return Work(
            definition,
            data,
            shown=lambda: worker_of(data.plan, data.facts),
            served=lambda steps: serving(data, steps),
            former=lambda: {part.url: part.entries for part in data.former if not part.is_gone},
            load=lambda: in_flight(data.former),
        )

    def update(self, order: Order) -> Work:
        """Return a run of worker-update, which begins with what is known of the worker."""
        data = self._data(Update, order)
        if isinstance(order.status, WorkerRegistrationStatus):
            data.facts = facts_of(order.status.worker)
        definition = update(self.plan.spec.startup.timeout_seconds)
        return Work(definition, data, lambda: worker_of(data.plan, data.facts), former=lambda: order.former)

    def _data[D: Convergence](self, kind: type[D], order: Order) -> D:
        """Return what a run of a kind works on."""
        return kind(
            self.plan,
            order.replicas,
            order.tools.prober,
            order.adopt,
            entries=order.entries,
            now=order.now,
            holder=order.holder,
        )

    def again(self, status: WorkflowStatus) -> Post | None:
        """Post it with what was found out about it, under this URL."""
        if not isinstance(status, WorkerRegistrationStatus) or status.worker is None:
            return None
        spec = self.plan.worker_spec(facts_of(status.worker) if status.worker.url == self.plan.url else Facts())
        return lambda replica: replica.add_worker(spec)


class WorkerFamily(Family[WorkerRegistrationSpec]):
    """Workers."""

    kind = WORKER_REGISTRATION
    spec = WorkerRegistrationSpec
    status = WorkerRegistrationStatus
    shown_in = "worker"
    key_in = "url"
    contested_field = "spec.url"
    drains = True
    terms_in = "spec.drain"
    has_update = True
    most_former = MAX_FORMER
    is_given_back = True

    def contested(self, spec: Mapping[str, Any]) -> str | None:
        """Return the normalised URL."""
        url = spec.get("url")
        try:
            return normalise_url(url) if isinstance(url, str) else None
        except InvalidUrl:
            return None

    def front_in(self, spec: Mapping[str, Any], fronts: Collection[str]) -> str | None:
        """Return the gateway's address that the URL's host and port are: it would send its requests to itself."""
        url = self.contested(spec)
        if url is None:
            return None
        return next((each for each in (place_of(url), host_of(url)) if each in fronts), None)

    async def declare(self, spec: WorkerRegistrationSpec, owner: Owner, vault: Vault) -> Declared:
        """Raise: it depends on the gateway whether the worker's key may be sent there."""
        raise NotImplementedError

    async def declare_at(self, spec: WorkerRegistrationSpec, owner: Owner, vault: Vault, site: Site) -> Declared:
        """Look up the worker's own key, which the worker is asked with and every replica is told."""
        ref, api_key = spec.api_key_secret_ref, None
        if ref is not None:
            to = (host_of(spec.url), *site.hosts)
            api_key = await vault.get(owner.namespace, ref, field="spec.apiKeySecretRef", to=to)
        return DeclaredWorker(Plan(spec, owner, api_key))

    def models(self, status: WorkflowStatus) -> tuple[str, ...]:
        """Return the models that were discovered."""
        worker = status.worker if isinstance(status, WorkerRegistrationStatus) else None
        return worker.models if worker is not None else ()

    async def leave(self, leave: Leave) -> None:
        """Mark the entries as left on purpose."""
        for url, entries in {leave.key: leave.entries, **leave.former}.items():
            await mark_orphaned(leave.replicas, url, entries)

    def removal(self, leave: Leave) -> Work:
        """Return a run of worker-removal."""
        former = _removals(leave.former, leave.owner, leave.replicas, leave.now)
        data = Removal(leave.key, leave.owner, leave.replicas, entries=leave.entries, former=former, now=leave.now)
        return Work(
            removal(leave.terms.timeout_s),
            data,
            former=lambda: {part.url: part.entries for part in former},
            load=lambda: in_flight(data.parts),
        )

    def former_keys(self, body: Body) -> tuple[str, ...]:
        """Return the former URLs."""
        status = body.get("status")
        rows = status.get("former") if isinstance(status, Mapping) else None
        return tuple(row["url"] for row in rows or () if isinstance(row, Mapping) and isinstance(row.get("url"), str))

    def former(self, status: WorkflowStatus) -> Former:
        """Return what a status shows of it under former URLs."""
        rows = status.former if isinstance(status, WorkerRegistrationStatus) else None
        return {row.url: entries_of(row.replicas) for row in rows or ()}

    def before(self, spec: WorkerRegistrationSpec, key: str) -> WorkerRegistrationSpec:
        """Return the spec with a former URL."""
        return spec.model_copy(update={"url": key})

    def with_former(self, rows: Mapping[str, tuple[ReplicaEntry, ...]]) -> FormerShown:
        """Return the field that shows former URLs."""
        return {"former": tuple(FormerUrl(url=url, replicas=each) for url, each in rows.items()) or None}

    def summary(self, found: ApiModel | None, base: WorkflowStatus, *, is_held: bool) -> Summary:
        """Return the model: while it is looked for anew, what the replicas have goes on being shown."""
        models = found.models if isinstance(found, DiscoveredWorker) else ()
        known = base.model if is_held and isinstance(base, WorkerRegistrationStatus) else None
        return {"model": models[0] if models else known}

    def terms(self, spec: Mapping[str, Any]) -> Terms:
        """Return how it is drained."""
        drain = parsed(Drain, spec.get("drain"))
        return Terms(drain.timeout_seconds, drain.on_timeout, drain.settle_seconds)


def _goes_on_with_a_move(order: Order) -> bool:
    """Whether another process left one: it may have been killed when all was done but to say that it has ended."""
    left = order.status.workflow if order.resumes else None
    return left is not None and left.name == MOVE


def _removals(
    former: Former, owner: Owner, replicas: tuple[Replica, ...], now: Callable[[], datetime]
) -> tuple[Removal, ...]:
    """Return what is to be done about each former URL."""
    return tuple(Removal(url, owner, replicas, entries=dict(entries), now=now) for url, entries in former.items())


def serving(data: Registration, steps: Iterable[Step]) -> tuple[Claim, ...]:
    """Say that a worker serves under its new URL while former ones are being taken off; nothing while it does not."""
    is_handed_over = any(step.name == RetireFormer.id and step.status is not StepStatus.PENDING for step in steps)
    states = [data.entry(replica.endpoint).state for replica in data.replicas]
    if not is_handed_over or any(state is not EntryState.READY for state in states):
        return ()
    left = ", ".join(part.url for part in data.former if not part.is_gone)
    of_former = f"; {left} is being taken off" if left else ""
    text = f"registered on {len(states)}/{len(states)} replicas{of_former}"
    return (ready(Truth.TRUE, ReadyReason.REGISTERED, text),)
