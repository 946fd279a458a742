"""WorkerRegistration: a worker, identified by its normalised URL."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from herder.api.meta import WORKER_REGISTRATION
from herder.api.status import WorkflowStatus
from herder.api.worker import (
    ConnectionMode,
    DiscoveredWorker,
    Drain,
    Runtime,
    WorkerRegistrationSpec,
    WorkerRegistrationStatus,
)
from herder.controller.families.family import Declared, Family, Leave, Order, Post, Site, Terms, Vault, Work, parsed
from herder.controller.listing.registries import Registry
from herder.controller.listing.views import View
from herder.controller.repair.orphans import mark_orphaned
from herder.net.hosts import host_of
from herder.net.urls import InvalidUrl, normalise_url
from herder.workflows.compare import look
from herder.workflows.entry import Entry
from herder.workflows.facts import Facts
from herder.workflows.look import Look
from herder.workflows.owner import Owner
from herder.workflows.plan import Plan
from herder.workflows.registration import registration
from herder.workflows.registration.data import Registration
from herder.workflows.removal import removal
from herder.workflows.removal.data import Removal
from herder.workflows.update import Update, update

_RUNTIMES: Final = {runtime.lower(): runtime.value for runtime in Runtime} | {"generic": "Generic"}
_MODES: Final = {mode.lower(): mode.value for mode in ConnectionMode}


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
        """Return a run of worker-registration."""
        data = Registration(
            self.plan,
            order.replicas,
            order.tools.prober,
            order.adopt,
            entries=order.entries,
            now=order.now,
            holder=order.holder,
        )
        is_asked_here = self.plan.is_probed_here or self.plan.is_discovered_here
        if order.resumes and is_asked_here and isinstance(order.status, WorkerRegistrationStatus):
            data.facts = facts_of(order.status.worker)
        definition = registration(self.plan.spec.startup.timeout_seconds)
        return Work(definition, data, lambda: worker_of(data.plan, data.facts))

    def update(self, order: Order) -> Work:
        """Return a run of worker-update, which begins with what is known of the worker."""
        data = Update(
            self.plan,
            order.replicas,
            order.tools.prober,
            order.adopt,
            entries=order.entries,
            now=order.now,
            holder=order.holder,
        )
        if isinstance(order.status, WorkerRegistrationStatus):
            data.facts = facts_of(order.status.worker)
        definition = update(self.plan.spec.startup.timeout_seconds)
        return Work(definition, data, lambda: worker_of(data.plan, data.facts))

    def again(self, status: WorkflowStatus) -> Post | None:
        """Post it with what was found out about it."""
        if not isinstance(status, WorkerRegistrationStatus) or status.worker is None:
            return None
        spec = self.plan.worker_spec(facts_of(status.worker))
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
    has_update = True
    is_given_back = True

    def contested(self, spec: Mapping[str, Any]) -> str | None:
        """Return the normalised URL."""
        url = spec.get("url")
        try:
            return normalise_url(url) if isinstance(url, str) else None
        except InvalidUrl:
            return None

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
        await mark_orphaned(leave.replicas, leave.key, leave.entries)

    def removal(self, leave: Leave) -> Work:
        """Return a run of worker-removal."""
        data = Removal(leave.key, leave.owner, leave.replicas, entries=leave.entries, now=leave.now)
        return Work(removal(leave.terms.timeout_s), data)

    def terms(self, spec: Mapping[str, Any]) -> Terms:
        """Return how it is drained."""
        drain = parsed(Drain, spec.get("drain"))
        return Terms(drain.timeout_seconds, drain.on_timeout, drain.settle_seconds)


def worker_of(plan: Plan, facts: Facts) -> DiscoveredWorker:
    """Return what is shown of the worker, in the words of the spec."""
    return DiscoveredWorker(
        url=plan.url,
        connection_mode=_MODES.get(facts.connection_mode or ""),
        runtime=_RUNTIMES.get(facts.runtime or ""),
        version=facts.version,
        worker_type=plan.spec.worker_type.value,
        models=facts.models,
        context_length=facts.context_length,
        dp_size=facts.dp_size,
    )


def facts_of(worker: DiscoveredWorker | None) -> Facts:
    """Return what was found out about the worker."""
    if worker is None:
        return Facts()
    return Facts(
        connection_mode=worker.connection_mode.lower() if worker.connection_mode else None,
        runtime=worker.runtime.lower() if worker.runtime else None,
        version=worker.version,
        models=worker.models,
        context_length=worker.context_length,
        dp_size=worker.dp_size,
    )
