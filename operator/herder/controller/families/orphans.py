"""Entries that are left on purpose: marked, so that the sweep does not take them for forgotten ones.

A registration brings the mark with it. What is left to do here is for those whose policy was changed right before the
deletion, so that no registration was sent any more.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

import structlog

from herder.gateway.errors import GatewayError
from herder.gateway.replica import Replica
from herder.gateway.spec import WorkerPatch
from herder.gateway.wasm import Module, ModuleSpec
from herder.workflows.entry import Entry
from herder.workflows.owner import ORPHANED, Owner
from herder.workflows.wasm import ModuleName

log = structlog.get_logger(__name__)

_PATIENCE_S: Final = 2.0
"""How long a replica that hangs may hold up the going of the resource."""

_MODULE_PATIENCE_S: Final = 10.0
"""The same where the replica has to compile a module."""


async def mark_orphaned(replicas: Iterable[Replica], url: str, entries: Mapping[str, Entry]) -> None:
    """Mark the entries of a resource whose deletionPolicy is Orphan. A replica that can't be told is only logged."""
    async with asyncio.TaskGroup() as group:
        for replica in replicas:
            worker_id = entries[replica.endpoint].worker_id if replica.endpoint in entries else None
            if worker_id is not None:
                group.create_task(_mark(replica, worker_id, url))


async def _mark(replica: Replica, worker_id: str, url: str) -> None:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await replica.patch_worker(worker_id, url, WorkerPatch(labels=ORPHANED))
    except (GatewayError, TimeoutError) as error:
        log.warning("orphan.unmarked", endpoint=replica.endpoint, worker=worker_id, error=str(error))


async def rename_orphaned(replicas: Iterable[Replica], name: str) -> None:
    """Give the modules of a resource whose deletionPolicy is Orphan names that say so; `name` is that of one of them.

    A name can't be changed, and no content is taken twice: each goes and is added again at once, for without such a
    name it would be swept. A replica where that fails is only logged.
    """
    known = ModuleName.of(name)
    if known is None:
        return
    async with asyncio.TaskGroup() as group:
        for replica in replicas:
            group.create_task(_rename_all(replica, known.owner))


async def _rename_all(replica: Replica, owner: Owner) -> None:
    try:
        async with asyncio.timeout(_MODULE_PATIENCE_S):
            for module in await replica.wasm.list_modules():
                name = ModuleName.of(module.name)
                if name is not None and name.owner.place == owner.place and not name.is_orphan:
                    await _rename(replica, module, replace(name, is_orphan=True))
    except (GatewayError, TimeoutError) as error:
        log.warning("orphan.unmarked", endpoint=replica.endpoint, owner=str(owner), error=str(error))


async def _rename(replica: Replica, module: Module, name: ModuleName) -> None:
    """Add a module again under another name; what its file holds by now is taken off if that is something else."""
    await replica.wasm.delete_module(module.id)
    await replica.wasm.add_module(ModuleSpec(str(name), module.path, module.attach_points))
    for each in await replica.wasm.list_modules():
        if each.name == str(name) and each.sha256 != module.sha256:
            log.warning("orphan.changed", endpoint=replica.endpoint, path=module.path, sha256=each.sha256)
            await replica.wasm.delete_module(each.id)
