"""The steps that take a resource's modules off every replica, whatever it declares or has declared."""

from dataclasses import replace
from functools import partial
from typing import ClassVar, Final

from herder.api.status import EntryState
from herder.engine import WorkflowContext
from herder.gateway.errors import WasmDisabled
from herder.gateway.wasm import Module
from herder.workflows.entry import REGISTERED
from herder.workflows.errors import Waiting
from herder.workflows.fanout import insist, on_each
from herder.workflows.step import Step
from herder.workflows.wasm.advance import delete
from herder.workflows.wasm.data import Replica, WasmRemoval
from herder.workflows.wasm.sight import is_owned

type Context = WorkflowContext[WasmRemoval]

_PATIENCE_S: Final = 2.0
"""How long a replica that hangs may hold up the beginning of the removal from the others."""

_LANDS_WITHIN_S: Final = 5.0
"""An addition whose caller hung up is listed 0.03 s later (measured on smg 1.13.0); a large one is compiled first."""


async def _owned(replica: Replica, data: WasmRemoval) -> tuple[Module, ...]:
    """Return the resource's modules on a replica; one that keeps no modules has none."""
    try:
        listed = await replica.wasm.list_modules()
    except WasmDisabled:
        return ()
    return tuple(module for module in listed if is_owned(data.owner, module))


async def _find(replica: Replica, data: WasmRemoval) -> None:
    ours = await _owned(replica, data)
    record = data.entry(replica.endpoint)
    if ours:
        data.entries[replica.endpoint] = replace(record, worker_id=ours[0].id).seen(EntryState.READY, data.now())
    elif not record.is_lost_add:
        data.entries[replica.endpoint] = record.gone(data.now())


async def _remove(replica: Replica, data: WasmRemoval) -> None:
    """Take the modules off; raise Waiting while one may yet come."""
    endpoint, record = replica.endpoint, data.entry(replica.endpoint)
    ours = await _owned(replica, data)
    if ours:
        await delete(replica, ours)
        ours = await _owned(replica, data)
    if ours:
        raise Waiting("Removing", f"{endpoint}: a module came back while it was removed")
    if record.is_lost_add:
        missed_since = data.missed_since.setdefault(endpoint, data.now())
        if (data.now() - missed_since).total_seconds() < _LANDS_WITHIN_S:
            raise Waiting("Checking", f"{endpoint}: an addition may have been cut off there and still come true")
    data.entries[endpoint] = record.gone(data.now())


class Find(Step[WasmRemoval]):
    """Where the modules are listed. A replica that does not answer is left to the last step, which insists."""

    id: ClassVar[str] = "find"

    async def attempt(self, context: Context) -> None:
        """Look at every replica once."""
        data = context.data
        await on_each(data.replicas, partial(_find, data=data), data, patience_s=_PATIENCE_S)


def is_listed_anywhere(context: Context) -> bool:
    """Whether there is anything to remove."""
    return any(entry.state in REGISTERED for entry in context.data.entries.values())


class Remove(Step[WasmRemoval]):
    """Every replica that listed a module has been told to remove it. The gateway has no drain for modules."""

    id: ClassVar[str] = "remove"

    async def attempt(self, context: Context) -> None:
        """Tell each replica. What fails here is looked after by the last step, which insists."""
        data = context.data
        listing = [r for r in data.replicas if data.entry(r.endpoint).state in REGISTERED]
        await on_each(listing, partial(_remove, data=data), data)


class Confirm(Step[WasmRemoval]):
    """No replica lists a module of the resource or will: what was away or cut off meanwhile is removed here, too."""

    id: ClassVar[str] = "confirm"

    async def attempt(self, context: Context) -> None:
        """Look at every replica, and remove what is there."""
        data = context.data
        await insist(data, partial(_remove, data=data))
