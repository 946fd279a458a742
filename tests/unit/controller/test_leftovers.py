"""Which entries of a replica say that herder made them, and what becomes of those that nobody declares any more."""

from typing import Any
from uuid import UUID

import pytest

from herder.api.gateway import GatewayReplicaState
from herder.controller.fleet.leftovers import Ownership, leftovers_of, ownership_of, remove
from herder.controller.known.objects import Key
from herder.controller.listing.registries import Registry
from herder.controller.listing.views import Listed, View
from herder.gateway.errors import Gone
from herder.gateway.types import Worker
from herder.gateway.wasm import Module
from herder.workflows.owner import ORPHANED, Owner
from herder.workflows.wasm import ModuleName, listing_keys

OWNER = Owner("cluster", "ns", "a", "uid-1")
ELSEWHERE = Owner("another cluster", "ns", "a", "uid-1")


def worker(labels: dict[str, str], status: str = "ready", number: int = 1) -> Worker:
    return Worker.model_validate(
        {
            "id": str(UUID(int=number)),
            "url": "http://x:8000",
            "status": status,
            "worker_type": "regular",
            "connection_mode": "http",
            "runtime_type": "sglang",
            "priority": 50,
            "cost": 1.0,
            "labels": labels,
        }
    )


def module(name: str, number: int = 1) -> Module:
    return Module(
        id=str(UUID(int=number)), name=name, path="/srv/a.wasm", sha256="0f" * 32, size_bytes=1, attach_points=()
    )


def view(*entries: Worker | Module) -> View:
    modules: dict[str, tuple[Module, ...]] = {}
    for each in entries:
        if isinstance(each, Module):
            for key in listing_keys(each):
                modules[key] = (*modules.get(key, ()), each)
    workers = tuple(each for each in entries if isinstance(each, Worker))
    others = {Registry.WASM: Listed(modules, 0.0)}
    return View(GatewayReplicaState.REACHABLE, {"http://x:8000": workers} if workers else {}, others=others)


def made(owner: Owner = OWNER, *, is_orphan: bool = False) -> str:
    return str(ModuleName(owner, "hash", is_orphan))


FOUND: dict[str, tuple[Worker | Module, list[tuple[str, bool]]]] = {
    "a worker": (worker(OWNER.label), [("worker http://x:8000 of WorkerRegistration a", False)]),
    "a worker that was to stay": (
        worker(OWNER.label | ORPHANED),
        [("worker http://x:8000 of WorkerRegistration a", True)],
    ),
    "a worker that is being removed": (worker(OWNER.label, "draining"), []),
    "somebody else's worker": (worker({}), []),
    "a worker of the gateway's own discovery": (worker({"smg.ai/pod-uid": "u"}), []),
    "a module": (module(made()), [("module /srv/a.wasm of WasmModule a", False)]),
    "a module that was to stay": (module(made(is_orphan=True)), [("module /srv/a.wasm of WasmModule a", True)]),
    "somebody else's module": (module("a"), []),
}


@pytest.mark.parametrize(("entry", "found"), FOUND.values(), ids=FOUND)
def test_what_herder_made_says_so(entry: Worker | Module, found: list[tuple[str, bool]]) -> None:
    assert [(str(each), each.stays) for each in leftovers_of(view(entry))] == found


def test_a_module_that_is_listed_under_two_keys_is_one() -> None:
    listed = view(module(made(), 1), module(made(), 2), module("foreign", 3))

    assert len(list(leftovers_of(listed))) == 2
    assert ownership_of(listed, "cluster", "ns").foreign == 1


def test_what_another_installation_or_namespace_made_is_foreign() -> None:
    entries = (worker(OWNER.label), worker(ELSEWHERE.label, number=2), module(made(ELSEWHERE)), module(made(), 2))

    ours = (Key("WorkerRegistration", "ns", "a"), "uid-1"), (Key("WasmModule", "ns", "a"), "uid-1")
    assert ownership_of(view(*entries), "cluster", "ns") == Ownership(2, ours)
    assert ownership_of(view(*entries), "cluster", "other") == Ownership(4, ())


class FakeReplica:
    """A replica that knows one worker and no module."""

    def __init__(self, labels: dict[str, str]) -> None:
        self.deleted: list[str] = []
        self._labels = labels
        self.wasm = self

    async def get_worker(self, _worker_id: str) -> Worker:
        return worker(self._labels)

    async def delete_worker(self, worker_id: str, _url: str) -> None:
        self.deleted.append(worker_id)

    async def delete_module(self, _module_id: str) -> None:
        raise Gone("no such module")


async def test_only_what_is_there_as_it_was_listed_is_removed() -> None:
    same, adopted = FakeReplica(OWNER.label), FakeReplica(ELSEWHERE.label)
    left_since = FakeReplica(OWNER.label | ORPHANED)
    [left] = leftovers_of(view(worker(OWNER.label)))
    [gone] = leftovers_of(view(module(made())))
    replicas: list[Any] = [same, adopted, left_since]

    removed = [await remove(replica, left) for replica in replicas]

    assert removed == [True, False, False]
    assert (same.deleted, adopted.deleted, left_since.deleted) == ([left.entry.id], [], [])
    assert not await remove(replicas[0], gone)
