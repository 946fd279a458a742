"""The WebAssembly modules of one replica: listed, added and removed so that none of the gateway's traps closes.

What the gateway does (measured on smg 1.13.0)              what WasmRegistry does about it
────────────────────────────────────────────────────────    ────────────────────────────────────────────────────────
the id that an addition answers may be another module's,    add_module returns none: callers look for the module by
which has the same name                                     name and content
contents are compared before they are registered, so that   one addition at a time
additions at the same moment bring copies of one file
a file that is no file is tried for 3.6 s, a large one is   an addition has a deadline of its own
compiled first
an addition whose caller hangs up may be carried out        nothing: Unavailable says so
the reason of a refusal is a sentence in a 400              one type for each kind of reason
an id that it does not know is a 400                        Gone
without --enable-wasm each call is a 500 without a word     WasmDisabled
"""

import asyncio
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final

from pydantic import AliasPath, BeforeValidator, ConfigDict, Field

from herder.gateway.answers import JOB_PREAMBLE, parsed
from herder.gateway.calls import Calls
from herder.gateway.errors import (
    DuplicateModule,
    FileUnreadable,
    GatewayError,
    Gone,
    NotAComponent,
    Permanent,
    Transient,
    WasmDisabled,
)
from herder.gateway.shared_read import SharedRead
from herder.gateway.types import Parsed
from herder.net.http import MAX_BODY_BYTES, Answer
from herder.net.text import untrusted

ADD_DEADLINE_S: Final = 120.0
"""How long a replica may take over one addition: 0.1 to 0.4 s for a small module, more to compile a large one."""

MAX_LIST_BYTES: Final = 16 << 20

_MODULE_ID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DUPLICATE: Final = re.compile(r"Duplicate SHA256 hash detected: .*\b(?P<sha256>[0-9a-f]{64})\b")
_UNREADABLE: Final = re.compile(r"Failed to (access|read) file|Module file size cannot be 0")
_JUDGES: Final = frozenset({"validate_descriptor", "check_duplicate", "validate_wasm_component"})
"""The gateway's steps that find fault with what they are given, and would again."""


def _words(points: object) -> object:
    """Read `[{"Middleware": "OnRequest"}]` as `("OnRequest",)`; what else a newer gateway may say is left to fail."""
    if not isinstance(points, list):
        return points
    return tuple(next(iter(point.values()), None) if isinstance(point, dict) else point for point in points)


class _Parsed(Parsed):
    model_config = ConfigDict(populate_by_name=True)


class Module(_Parsed):
    """A module as it is listed. `path` is where the replica read it, once, and `sha256` what it read."""

    id: str = Field(validation_alias="module_uuid")
    name: str = Field(validation_alias=AliasPath("module_meta", "name"))
    path: str = Field(validation_alias=AliasPath("module_meta", "file_path"))
    sha256: str = Field(validation_alias=AliasPath("module_meta", "sha256_hash"))
    size_bytes: int = Field(validation_alias=AliasPath("module_meta", "size_bytes"))
    attach_points: Annotated[tuple[str, ...], BeforeValidator(_words)] = Field(
        validation_alias=AliasPath("module_meta", "attach_points")
    )


@dataclass(frozen=True, slots=True)
class ModuleSpec:
    """What a replica is told about a module. `path` is on the replica's own disk, `attach_points` in its words."""

    name: str
    path: str
    attach_points: tuple[str, ...]
    module_type: str = "Middleware"

    def body(self) -> dict[str, object]:
        """Return the JSON object of an addition."""
        points = [{self.module_type: point} for point in self.attach_points]
        return {
            "name": self.name,
            "file_path": self.path,
            "module_type": self.module_type,
            "attach_points": points,
        }


class _Listing(_Parsed):
    modules: tuple[Module, ...]


class _Result(_Parsed):
    error: str | None = Field(default=None, validation_alias=AliasPath("add_result", "Error"))


class _Added(_Parsed):
    modules: tuple[_Result, ...]


class WasmRegistry:
    """Reads and changes the modules of the replica that `calls` goes to.

    Every method raises GatewayError, WasmDisabled where the replica keeps no modules.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._adding = asyncio.Lock()
        self._shared_list = SharedRead(self._read_list)

    async def list_modules(self) -> tuple[Module, ...]:
        """Return all modules, in no order, as of a moment after this call; callers at the same time share one read."""
        return await self._shared_list()

    async def add_module(self, spec: ModuleSpec) -> None:
        """Have the replica read, check and register a module; it is listed when this returns.

        Raises DuplicateModule, FileUnreadable or NotAComponent, Permanent for what else it finds fault with, and
        Unavailable if there was no answer, though it may be registered all the same.
        """
        async with self._adding:
            answer = await self._exchange("POST", "/wasm", body={"modules": [spec.body()]}, deadline_s=ADD_DEADLINE_S)
        fault = _fault_of(answer)
        if fault is not None:
            raise fault
        parsed(_Added, self._calls.accepted(answer))

    async def delete_module(self, module_id: str) -> None:
        """Remove a module: requests that come after this returns do without it. Raises Gone if none has this id."""
        if not _MODULE_ID.fullmatch(module_id):
            raise Permanent(f"{untrusted(module_id)!r} is not a module's id")
        answer = await self._exchange("DELETE", f"/wasm/{module_id}")
        if answer.status == HTTPStatus.BAD_REQUEST and f"{module_id} not found" in answer.body.decode(errors="replace"):
            raise Gone(f"the gateway knows no module {module_id}")
        self._calls.accepted(answer)

    async def _read_list(self) -> tuple[Module, ...]:
        answer = await self._exchange("GET", "/wasm", max_body_bytes=MAX_LIST_BYTES)
        return parsed(_Listing, self._calls.accepted(answer)).modules

    async def _exchange(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        max_body_bytes: int = MAX_BODY_BYTES,
        deadline_s: float | None = None,
    ) -> Answer:
        answer = await self._calls.exchange(
            method, path, body=body, max_body_bytes=max_body_bytes, deadline_s=deadline_s
        )
        if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR and not answer.body:
            raise WasmDisabled("the gateway keeps no modules: start it with --enable-wasm")
        return answer


def _fault_of(answer: Answer) -> GatewayError | None:
    """Return what an addition was refused for in the gateway's own words; None if it was not, or in other words."""
    if answer.status not in {HTTPStatus.OK, HTTPStatus.BAD_REQUEST}:
        return None
    try:
        results = _Added.model_validate_json(answer.body).modules
    except ValueError:
        return None
    said = next((result.error for result in results if result.error is not None), None)
    return None if said is None else _fault(said)


def _fault(said: str) -> GatewayError:
    preamble = JOB_PREAMBLE.match(said)
    reason = said[preamble.end() :] if preamble else said
    message = f"the gateway refused the module: {untrusted(reason)}"
    duplicate = _DUPLICATE.search(reason)
    if duplicate:
        return DuplicateModule(message, duplicate["sha256"])
    if _UNREADABLE.match(reason):
        return FileUnreadable(message)
    if reason.startswith("Invalid WASM component"):
        return NotAComponent(message)
    is_judged = preamble is not None and preamble["step"] in _JUDGES
    return Permanent(message) if is_judged else Transient(message)
