"""Bringing one replica's module to what is declared: observe, decide, make at most one kind of call, and look again."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Final, assert_never

import structlog

from herder.api.status import EntryState
from herder.gateway import errors as gateway
from herder.gateway.wasm import Module
from herder.workflows.entry import Entry
from herder.workflows.errors import Permanent, Waiting
from herder.workflows.refusals import CONFLICT, FOREIGN, held
from herder.workflows.wasm.converge import Add, Delete, Done, Refuse, next_move
from herder.workflows.wasm.data import Replica, WasmRegistration
from herder.workflows.wasm.sight import Sight, foreign_text, look, owner_of, see

log = structlog.get_logger(__name__)

_MOST_MOVES: Final = 6
"""A deletion, an addition, a refusal that tells the content, then both again; and the look that finds it done."""

MISMATCH: Final = "Sha256Mismatch"


async def bring(replica: Replica, data: WasmRegistration) -> None:
    """Make one move after another until the replica lists a module under the declared name.

    Raises Permanent, Waiting, and GatewayError. Repeating it is always safe: it looks before it acts.
    """
    for _ in range(_MOST_MOVES):
        if await _is_there(replica, data):
            return
    raise Waiting("Applying", f"{replica.endpoint}: others are changing its modules at the same time")


async def _is_there(replica: Replica, data: WasmRegistration) -> bool:
    """Make one move, unless none is left to be made; return whether that is so."""
    endpoint = replica.endpoint
    content = data.plan.spec.sha256 or data.contents.get(endpoint)
    listed = await replica.wasm.list_modules()
    sight = see(data.plan, listed, content)
    move = next_move(sight, content, adopt=may_take(data, sight.foreign), is_sent=endpoint in data.added)
    match move:
        case Add():
            await _add(replica, data)
        case Delete(modules):
            log.info("module.makes_way", endpoint=endpoint, modules=[module.name for module in modules])
            await delete(replica, modules)
        case Refuse(module):
            raise refused(endpoint, data, module)
        case Done():
            data.note(endpoint, look(data.plan, data.entry(endpoint), listed).entry)
            return True
        case _:
            assert_never(move)
    return False


def may_take(data: WasmRegistration, modules: Iterable[Module]) -> bool:
    """Whether others' modules may be taken over: herder is told to, and none is a living resource's."""
    return data.adopt and not any(_holder(data, module) for module in modules)


def refused(endpoint: str, data: WasmRegistration, module: Module) -> Permanent:
    """Note that somebody else's module is in the way, and return the error that says so."""
    data.note_foreign(endpoint, module)
    holder = _holder(data, module)
    if holder is not None:
        return Permanent(CONFLICT, f"{endpoint}: {held(holder, 'a module with this content')}")
    return Permanent(FOREIGN, f"{endpoint}: {foreign_text(module, data.plan.owner)}")


def _holder(data: WasmRegistration, module: Module) -> str | None:
    return data.holder(owner_of(module), module.id)


async def _add(replica: Replica, data: WasmRegistration) -> None:
    endpoint, record = replica.endpoint, data.entries.get(replica.endpoint)
    # Noted before it is sent: a call that is cut off, or whose answer is lost, is carried out all the same.
    data.entries[endpoint] = Entry(EntryState.PENDING, spec_hash=data.plan.spec_hash)
    data.added.add(endpoint)
    try:
        await replica.wasm.add_module(data.plan.module_spec)
    except gateway.DuplicateModule as duplicate:
        _take_back(data, endpoint, record)
        _note_content(data, endpoint, duplicate.sha256)
    except (gateway.Permanent, gateway.FileUnreadable):
        _take_back(data, endpoint, record)
        raise


def _take_back(data: WasmRegistration, endpoint: str, record: Entry | None) -> None:
    """Nothing came of an addition, that is certain: what was known before it holds again."""
    data.added.discard(endpoint)
    if record is None:
        del data.entries[endpoint]
    else:
        data.entries[endpoint] = record


def _note_content(data: WasmRegistration, endpoint: str, sha256: str) -> None:
    """The replica has told what its file holds: with what is in the way known, the next look can decide."""
    if data.plan.spec.sha256 not in {None, sha256}:
        raise mismatch(endpoint, data, sha256)
    data.contents[endpoint] = data.sha256 = sha256


def mismatch(where: str, data: WasmRegistration, found: str) -> Permanent:
    """Say that a file is another one than is declared."""
    spec = data.plan.spec
    return Permanent(MISMATCH, f"{where}: {spec.source.path} has the sha256 {found}, not {spec.sha256}")


async def delete(replica: Replica, modules: Iterable[Module]) -> None:
    """Take modules off a replica. One that is gone already is no trouble. Raises GatewayError."""
    for module in modules:
        with suppress(gateway.Gone):
            await replica.wasm.delete_module(module.id)


async def withdraw(replica: Replica, data: WasmRegistration) -> None:
    """After a failure: where the module as it was before is still at work, take the new one off again."""
    listed = await replica.wasm.list_modules()
    sight: Sight = see(data.plan, listed)
    if sight.former:
        await delete(replica, (*sight.right, *sight.wrong))
        data.added.discard(replica.endpoint)
        left = tuple(module for module in listed if module not in (*sight.right, *sight.wrong))
        data.note(replica.endpoint, look(data.plan, data.entry(replica.endpoint), left).entry)
