"""Entries of a replica that say which resource they were made for: read off a view, and removed one by one.

A tokenizer says nothing of the kind: none is ever taken for a leftover.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from herder.api.meta import WASM_MODULE, WORKER_REGISTRATION
from herder.controller.known.objects import Key
from herder.controller.listing.registries import Registry
from herder.controller.listing.views import View
from herder.gateway.errors import Gone
from herder.gateway.replica import Replica
from herder.gateway.types import Worker, WorkerStatus
from herder.gateway.wasm import Module
from herder.workflows.owner import ORPHANED, Owner
from herder.workflows.wasm import ModuleName


@dataclass(frozen=True, slots=True)
class Leftover:
    """An entry that herder made: `entry` as it was listed, `key` what it is declared as where there is one such key."""

    entry: Worker | Module
    owner: Owner
    key: str | None
    stays: bool
    """Whether it was to stay when its resource was deleted."""

    @property
    def resource(self) -> Key:
        """The resource that it was made for."""
        kind = WORKER_REGISTRATION if isinstance(self.entry, Worker) else WASM_MODULE
        return Key(kind.kind, self.owner.namespace, self.owner.name)

    def __str__(self) -> str:
        what = f"worker {self.entry.url}" if isinstance(self.entry, Worker) else f"module {self.entry.path}"
        return f"{what} of {self.resource.kind} {self.owner.name}"


def leftovers_of(view: View) -> Iterator[Leftover]:
    """Yield the entries that herder made, each once, but for those that are being removed."""
    for workers in view.workers.values():
        for worker in workers:
            owner = Owner.of(worker.labels)
            if owner is not None and worker.status is not WorkerStatus.DRAINING:
                yield Leftover(worker, owner, worker.key, ORPHANED.items() <= worker.labels.items())
    for module in _modules(view).values():
        name = ModuleName.of(module.name)
        if name is not None:
            yield Leftover(module, name.owner, None, name.is_orphan)


def lists(view: View, leftover: Leftover) -> bool:
    """Whether a replica lists the very entry: then it is the same replica under another URL, or has copied it."""
    entry = leftover.entry
    if isinstance(entry, Worker):
        return any(worker.id == entry.id for worker in view.workers.get(entry.key, ()))
    return entry.id in _modules(view)


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whose the entries of a replica say to be."""

    foreign: int
    """How many no resource of the gateway's own namespace, and of this installation, has made."""
    ours: tuple[tuple[Key, str], ...]
    """Of each of the others: the resource that it was made for, and its uid."""


def ownership_of(view: View, installation: str, namespace: str) -> Ownership:
    """Sort a replica's entries; `namespace` is the gateway's."""
    workers = (worker for listed in view.workers.values() for worker in listed)
    owners = [(WORKER_REGISTRATION, Owner.of(worker.labels)) for worker in workers]
    names = (ModuleName.of(module.name) for module in _modules(view).values())
    owners += [(WASM_MODULE, name.owner if name is not None else None) for name in names]
    ours = tuple(
        (Key(kind.kind, owner.namespace, owner.name), owner.uid)
        for kind, owner in owners
        if owner is not None and (owner.installation, owner.namespace) == (installation, namespace)
    )
    return Ownership(len(owners) - len(ours), ours)


async def remove(replica: Replica, leftover: Leftover) -> bool:
    """Remove an entry if the replica still has it as it was listed; return whether it had. Raises GatewayError."""
    entry = leftover.entry
    with suppress(Gone):
        if isinstance(entry, Worker):
            labels = (await replica.get_worker(entry.id)).labels
            is_left_since = not leftover.stays and ORPHANED.items() <= labels.items()
            if Owner.of(labels) != leftover.owner or is_left_since:
                return False  # adopted, or left on purpose, since it was listed
            await replica.delete_worker(entry.id, entry.url)
        else:
            await replica.wasm.delete_module(entry.id)  # a module's name never changes
        return True
    return False


def _modules(view: View) -> dict[str, Module]:
    """Return the listed modules by id; each is listed under several keys."""
    listed = view.others.get(Registry.WASM)
    entries = listed.entries.values() if listed is not None else ()
    return {module.id: module for modules in entries for module in modules}
