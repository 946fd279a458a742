"""A replica's registry of workers, read and changed so that none of the gateway's traps closes.

What the gateway does (measured on smg 1.13.0)              what WorkerRegistry does about it
────────────────────────────────────────────────────────    ────────────────────────────────────────────────────────
a second DELETE cuts the drain short                        never sends one: delete_worker says ALREADY_DRAINING
DELETE of a pending worker is lost, the worker appears      refuses: StillPending
a URL posted within 2 s of its removal reads as absent      add_worker waits until 2.5 s after the removal was seen
`http://h` and `http://h/` are two workers                  keys are normalised URLs; find_all returns both entries
of two changes in flight one is dropped                     one call at a time for a key; Busy while a job still runs
PUT during the drain shows `ready`, then removes            refuses: Draining
PUT wants the URL byte for byte                             sends the one that is registered
a registration that fails leaves a plain 404                nothing: 202 is a promise, callers poll until it is listed
a pending registration is in no list                        pending_add asks for its id with a POST that can't succeed

An id from a status may be anybody's: changes name the URL, too, and an entry of another URL is a Conflict.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Final

from pydantic import BaseModel

from herder.gateway.answers import parsed
from herder.gateway.calls import Calls
from herder.gateway.errors import (
    AlreadyExists,
    Busy,
    Conflict,
    CreateInProgress,
    Draining,
    GatewayError,
    Gone,
    Permanent,
    StillPending,
    Unavailable,
)
from herder.gateway.inquiry import question
from herder.gateway.removals import Removals
from herder.gateway.shared_read import SharedRead
from herder.gateway.spec import WorkerPatch, WorkerSpec
from herder.gateway.turns import Turns
from herder.gateway.types import Worker, WorkerList, WorkerStatus, url_key
from herder.net.text import untrusted

# 10,000 workers with a dozen labels each are 7 MB (measured on smg 1.13.0: 730 B a worker).
MAX_LIST_BYTES: Final = 64 << 20
_WORKER_ID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Removal(StrEnum):
    """What delete_worker found and did."""

    SENT = "Sent"  # the replica took the DELETE: the worker drains, then goes
    ALREADY_DRAINING = "AlreadyDraining"  # it was being removed; nothing was sent
    GONE = "Gone"  # the replica knows no such worker; nothing was sent


class _Added(BaseModel):
    worker_id: str


class WorkerRegistry:
    """The workers of the replica that `calls` goes to. Every method raises GatewayError as errors.py draws it.

    Waiting for an earlier call for the same worker is not counted in a call's deadline. `clock` returns monotonic
    seconds. One object for one replica and as long as that lives: what it was told to remove is remembered here.
    """

    def __init__(
        self,
        calls: Calls,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._calls = calls
        self._sleep = sleep
        self._turns = Turns()
        self._removals = Removals(clock)
        self._questions: dict[str, str] = {}  # key -> id of the registration that was made to fail
        self._shared_list = SharedRead(self._read_list, fails_all_with=Unavailable)

    async def list_workers(self) -> tuple[Worker, ...]:
        """Return all registered workers, in no order, as of a moment after this call; pending ones are not listed.

        Callers at the same time share one read.
        """
        return (await self._listed()).workers

    async def find_all(self, url: str) -> tuple[Worker, ...]:
        """Return the listed entries of one worker: none, one, its data-parallel ranks, or also spellings of its URL."""
        return (await self._listed()).by_key.get(url_key(url), ())

    async def get_worker(self, worker_id: str) -> Worker:
        """Return one entry, also while it is pending. Raises Gone, which proves no absence while its add may run."""
        try:
            return parsed(Worker, await self._calls.send("GET", _path(worker_id)))
        except Gone:
            self._removals.saw_missing(worker_id)
            raise

    async def add_worker(self, spec: WorkerSpec) -> str:
        """Ask for a registration and return its id. The id is a promise: it may turn into a plain 404.

        Waits until 2.5 s after a removal of the same URL that this object saw. Raises AlreadyExists or CreateInProgress
        with the id of the entry in the way.
        """
        key = url_key(spec.url)
        async with self._turns.of(key):
            await self._outlast_removal(key)
            answer = await self._calls.send("POST", "/workers", body=spec.body(), secrets=spec.secrets())
            return parsed(_Added, answer).worker_id

    async def pending_add(self, url: str) -> str | None:
        """Return the id of a registration of `url` that is under way or just done, None if there is none.

        For those who lost the id: it costs the gateway a registration that fails (see inquiry), and while that lasts
        add_worker raises CreateInProgress. Raises Conflict if there is one whose id the gateway does not tell.
        """
        key = url_key(url)
        async with self._turns.of(key):
            await self._outlast_removal(key)
            try:
                answer = await self._calls.send("POST", "/workers", body=question(key))
            except (CreateInProgress, AlreadyExists) as conflict:
                if conflict.worker_id is None:
                    raise
                return None if conflict.worker_id == self._questions.get(key) else conflict.worker_id
            self._questions[key] = parsed(_Added, answer).worker_id
            return None

    async def replace_worker(self, worker_id: str, spec: WorkerSpec) -> None:
        """Replace everything but the URL; what `spec` leaves out returns to defaults. Applied after a new probing.

        Raises Draining, Busy, StillPending, Gone, or Conflict if the entry belongs to another URL than `spec.url`.
        """
        key = url_key(spec.url)
        async with self._turns.of(key):
            entry = await self._idle_entry(worker_id, key)
            if self._is_draining(entry):
                raise Draining(f"{entry.url} is being removed: register it again once it is gone", worker_id)
            body = spec.body() | {"url": entry.url}
            await self._calls.send("PUT", _path(worker_id), body=body, secrets=spec.secrets())

    async def patch_worker(self, worker_id: str, url: str, patch: WorkerPatch) -> None:
        """Change what `patch` sets and nothing else, at once and without probing; allowed during the drain.

        Raises Busy, StillPending, Gone, or Conflict if the entry belongs to another URL than `url`.
        """
        key = url_key(url)
        async with self._turns.of(key):
            await self._idle_entry(worker_id, key)
            await self._calls.send("PATCH", _path(worker_id), body=patch.body(), secrets=patch.secrets())

    async def delete_worker(self, worker_id: str, url: str) -> Removal:
        """Have the worker drained and removed, once: repeating the call sends nothing more while that goes on.

        The removal is over when get_worker raises Gone or list_workers no longer holds the id.
        Raises StillPending (come back when it is ready or its add has ended), or Conflict if the entry is of another
        worker than `url`.
        """
        key = url_key(url)
        async with self._turns.of(key):
            try:
                entry = await self._entry(worker_id, key)
                if self._is_draining(entry):
                    return Removal.ALREADY_DRAINING
                await self._send_delete(entry)
            except Gone:
                self._removals.saw_gone(key)
                return Removal.GONE
            return Removal.SENT

    async def _listed(self) -> WorkerList:
        self._calls.silence.check()  # not to stand in line for a read that is to tell whether it still hangs
        return await self._shared_list()

    async def _read_list(self) -> WorkerList:
        being_removed = self._removals.unconfirmed_ids()
        answer = await self._calls.send("GET", "/workers", max_body_bytes=MAX_LIST_BYTES)
        listed = parsed(WorkerList, answer)
        for worker_id in being_removed.difference(worker.id for worker in listed.workers):
            self._removals.saw_missing(worker_id)
        return listed

    async def _entry(self, worker_id: str, key: str) -> Worker:
        """Return the entry if it is settled enough to be changed and belongs to `key`."""
        entry = await self.get_worker(worker_id)
        if entry.key != key:
            raise Conflict(f"entry {worker_id} belongs to another worker than {untrusted(key)}", worker_id)
        if entry.status is WorkerStatus.PENDING:
            raise StillPending(f"{untrusted(key)} is still being registered")
        return entry

    async def _idle_entry(self, worker_id: str, key: str) -> Worker:
        entry = await self._entry(worker_id, key)
        is_removal = entry.status is WorkerStatus.DRAINING
        if entry.job is not None and entry.job.is_running and not is_removal:
            raise Busy(f"an earlier change of {untrusted(key)} is still being applied")
        return entry

    def _is_draining(self, entry: Worker) -> bool:
        return entry.status is WorkerStatus.DRAINING or self._removals.is_under_way(entry.key, url_key(entry.url))

    async def _send_delete(self, entry: Worker) -> None:
        self._removals.began(entry.key, entry.id, url_key(entry.url))
        try:
            await self._calls.send("DELETE", _path(entry.id))
        except Unavailable:
            raise  # it may have been carried out: a repetition must look first
        except GatewayError:
            self._removals.withdrawn(entry.id)
            raise

    async def _outlast_removal(self, key: str) -> None:
        for worker_id in self._removals.unconfirmed(key):
            try:
                await self.get_worker(worker_id)
            except Gone:
                continue  # noted as gone just now
        while (left_s := self._removals.quiet_left_s(key)) > 0:
            await self._sleep(left_s)


def _path(worker_id: str) -> str:
    """Return the path of one entry. Ids come from answers and statuses: nothing but a UUID becomes part of a URL."""
    if not _WORKER_ID.fullmatch(worker_id):
        raise Permanent(f"{untrusted(worker_id)!r} is not a worker id")
    return f"/workers/{worker_id}"
