"""The next call that brings one replica's entry towards what is declared, decided without I/O.

A 202 of the gateway is a promise, ids are random, and a failed registration ends in a plain 404; so nothing is
concluded from what was sent. What the replica lists now, and what it says of the id that it gave, decide alone:

    listed    what else                              next
    -         its add is pending, or was just done   Wait
    -         nothing known, or its add has ended    Post
    draining  an earlier removal is under way        Wait     (what is posted or replaced now would be removed with it)
    foreign   a living resource's, or not adopted    Refuse
    several   spellings of the URL, not ranks        Refuse   (a change of one would hit the other too)
    any       a change by herder is being applied    Wait     (of two changes in flight the gateway drops one)
    ours      as declared                            Done
    ours      the last change failed for good        Refuse
    any       else                                   mended, see below

How an entry is mended: one that is ours and differs only in what a PATCH can change is patched, any other is replaced
by a PUT. The gateway puts no ranks of a data-parallel worker, and of a POST of their URL nothing comes while one of
them is listed: all of them are removed, with their drain, and the worker is posted again when they are gone. So it is
when some of the ranks are missing.
"""

import re
from dataclasses import dataclass
from typing import Final

from herder.api.status import EntryState
from herder.gateway.fingerprint import patch_suffices
from herder.gateway.types import Job, JobStatus, Worker, WorkerStatus
from herder.net.text import untrusted
from herder.workflows import refusals
from herder.workflows.compare import (
    difference,
    fixed_difference,
    in_order,
    is_as_sent,
    is_same_entry,
    missing_ranks,
)
from herder.workflows.entry import Entry, is_ours
from herder.workflows.owner import Holder, Owner, nobody
from herder.workflows.plan import Plan


@dataclass(frozen=True, slots=True)
class Post:
    """Ask the replica to register the worker."""


@dataclass(frozen=True, slots=True)
class Patch:
    """Change what a PATCH can change, on these entries: one, or all ranks of a data-parallel worker."""

    worker_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Replace:
    """Replace everything that is set on the listed worker."""

    worker_id: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Have these ranks drained and removed, to post the worker anew."""

    worker_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again later; `why` is a line for people."""

    reason: str
    why: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """The entry `worker_id` may not be touched, or can't be brought to what is declared."""

    reason: str
    why: str
    worker_id: str


@dataclass(frozen=True, slots=True)
class Done:
    """The replica lists the worker as declared, under this entry."""

    worker: Worker


PENDING: Final = Wait("WorkerPending", "the gateway is still registering it")
APPLYING: Final = Wait("Applying", "the gateway is still applying the change")
DRAINING: Final = Wait("Draining", "an earlier registration of this URL is still being drained")

_MAY_PASS: Final = re.compile("no longer at revision|detect_connection")
"""What the gateway says (measured on smg 1.13.0) when another change came in between, or the worker did not answer."""

type Move = Post | Patch | Replace | Remove | Wait | Refuse | Done


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the entry is to become; `adopt` allows to take over one that is not ours, but for what `holder` names."""

    plan: Plan
    adopt: bool
    holder: Holder = nobody


def next_move(wanted: Wanted, record: Entry, listed: tuple[Worker, ...], own: Worker | None) -> Move:
    """Decide for one replica.

    `listed` holds the entries of the URL (several only for data-parallel ranks and for other spellings), `own` what the
    replica says of the recorded id, with the job that lists don't show; None if it says 404 or no call is under way.
    """
    if not listed:
        return Post() if own is None else PENDING
    listed = in_order(listed)
    obstacle = _obstacle(wanted, record, listed)
    if obstacle is not None:
        return obstacle
    if own is not None and _is_being_changed(own):
        return APPLYING
    if not all(wanted.plan.owner.claims(worker.labels) for worker in listed):
        return _renewed(listed)
    if not is_as_sent(wanted.plan, record, listed[0]) or _was_changed(wanted.plan, record, listed):
        return _mended(wanted.plan, record, listed)
    return _settled(own or listed[0], wanted.plan.secrets)


def _obstacle(wanted: Wanted, record: Entry, listed: tuple[Worker, ...]) -> Move | None:
    """Return why nothing may be sent, if that is so."""
    if any(worker.status is WorkerStatus.DRAINING for worker in listed):
        return DRAINING
    foreign = [worker for worker in listed if not is_ours(wanted.plan.owner, record, worker)]
    for worker in foreign:
        holder = wanted.holder(Owner.of(worker.labels), worker.id)
        if holder is not None:
            return Refuse(refusals.CONFLICT, refusals.held(holder), worker.id)
    if foreign and not wanted.adopt:
        return Refuse(refusals.FOREIGN, refusals.foreign(foreign[0], wanted.plan.owner), foreign[0].id)
    if len(listed) > 1 and any(worker.dp_base_url is None for worker in listed):
        return Refuse("SeveralEntries", refusals.several(listed), listed[0].id)
    return None


def _was_changed(plan: Plan, record: Entry, listed: tuple[Worker, ...]) -> bool:
    """Whether the entry differs though nothing was sent that it may not show yet: somebody else has changed it."""
    if missing_ranks(listed):
        return True
    return record.state is not EntryState.PENDING and any(difference(worker, plan) for worker in listed)


def _mended(plan: Plan, record: Entry, listed: tuple[Worker, ...]) -> Move:
    """Return the least that makes an entry of ours what is declared."""
    patchable = (
        is_same_entry(record, listed[0])
        and not missing_ranks(listed)
        and not any(fixed_difference(worker, plan) for worker in listed)
        and all(patch_suffices(record.spec_hash, plan.worker_spec_declared, worker.labels) for worker in listed)
    )
    return Patch(tuple(worker.id for worker in listed)) if patchable else _renewed(listed)


def _renewed(listed: tuple[Worker, ...]) -> Move:
    """Return what makes an entry anew, whatever it was."""
    if listed[0].dp_base_url is None:
        return Replace(listed[0].id)
    return Remove(tuple(worker.id for worker in listed))


def _settled(worker: Worker, secrets: tuple[str, ...]) -> Move:
    job = change_of(worker)
    if worker.status is WorkerStatus.PENDING:
        return PENDING
    if job is None:
        return Done(worker)
    if job.status is not JobStatus.FAILED:
        return APPLYING
    reason = job.message or "no reason"
    if _MAY_PASS.search(reason):
        return _renewed((worker,))
    said = untrusted(reason, secrets=secrets)
    return Refuse("GatewayRefused", f"the gateway did not apply the change: {said}", worker.id)


def _is_being_changed(worker: Worker) -> bool:
    job = change_of(worker)
    return worker.status is not WorkerStatus.PENDING and job is not None and job.is_running


def change_of(worker: Worker) -> Job | None:
    """Return the worker's latest change that has not succeeded (yet); a removal that came to nothing is none."""
    return worker.job if worker.job is not None and worker.job.type != "RemoveWorker" else None
