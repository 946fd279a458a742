"""The next call that brings one replica's entry towards what is declared, decided without I/O.

A 202 of the gateway is a promise, ids are random, and a failed registration ends in a plain 404; so nothing is
concluded from what was sent. What the replica lists now, and what it says of the id that it gave, decide alone:

    listed    what else                              next
    -         its add is pending, or was just done   Wait
    -         nothing known, or its add has ended    Post
    draining  an earlier removal is under way        Wait     (what is posted or replaced now would be removed with it)
    foreign   not adopted                            Refuse
    several   spellings of the URL, not ranks        Refuse   (a change of one would hit the other too)
    any       a change by herder is being applied    Wait     (of two changes in flight the gateway drops one)
    foreign   adopted                                Replace
    ours      not as last sent by herder itself,
              or changed since by somebody else      Replace
    ours      the last change failed, and may pass   Replace
    ours      the last change failed                 Refuse
    ours      as declared                            Done
"""

import re
from dataclasses import dataclass
from typing import Final

from herder.api.status import EntryState
from herder.gateway.types import Job, JobStatus, Worker, WorkerStatus
from herder.net.text import untrusted
from herder.workflows.compare import difference
from herder.workflows.entry import Entry
from herder.workflows.owner import Owner
from herder.workflows.plan import Plan


@dataclass(frozen=True, slots=True)
class Post:
    """Ask the replica to register the worker."""


@dataclass(frozen=True, slots=True)
class Replace:
    """Replace everything that is set on the listed worker."""

    worker_id: str


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

_MAY_PASS: Final = re.compile("no longer at revision|detect_connection")
"""What the gateway says (measured on smg 1.13.0) when another change came in between, or the worker did not answer."""

type Move = Post | Replace | Wait | Refuse | Done

FOREIGN: Final = "ForeignEntry"
POD_UID_LABEL: Final = "smg.ai/pod-uid"
"""What the gateway's own pod discovery puts on the entries that it makes."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the entry is to become; `adopt` allows to take over one that herder did not make."""

    plan: Plan
    adopt: bool


def next_move(wanted: Wanted, record: Entry, listed: tuple[Worker, ...], own: Worker | None) -> Move:
    """Decide for one replica.

    `listed` holds the entries of the URL (several only for data-parallel ranks and for other spellings), `own` what the
    replica says of the recorded id, with the job that lists don't show; None if it says 404 or no call is under way.
    """
    if not listed:
        return Post() if own is None else PENDING
    if any(worker.status is WorkerStatus.DRAINING for worker in listed):
        return Wait("Draining", "an earlier registration of this URL is still being drained")
    foreign = [worker for worker in listed if not wanted.plan.owner.claims(worker.labels)]
    if foreign and not wanted.adopt:
        return Refuse(FOREIGN, _foreign(foreign[0], wanted.plan.owner), foreign[0].id)
    if len(listed) > 1 and any(worker.dp_base_url is None for worker in listed):
        return Refuse("SeveralEntries", _several(listed), listed[0].id)
    if own is not None and _is_being_changed(own):
        return APPLYING
    if foreign or not is_as_sent(wanted.plan, record, listed[0]) or _was_changed(wanted.plan, record, listed):
        return _replace((*foreign, *listed)[0])
    return _settled(own or listed[0], wanted.plan.secrets)


def is_as_sent(plan: Plan, record: Entry, worker: Worker) -> bool:
    """Whether what herder last sent to this replica, for this very entry, is what is declared now.

    The ranks of a data-parallel group get ids of their own, which no answer to a POST has named.
    """
    is_same_entry = worker.dp_base_url is not None or record.worker_id == worker.id
    return is_same_entry and record.spec_hash == plan.spec_hash


def _was_changed(plan: Plan, record: Entry, listed: tuple[Worker, ...]) -> bool:
    """Whether the entry differs though nothing was sent that it may not show yet: somebody else has changed it."""
    return record.state is not EntryState.PENDING and any(difference(worker, plan) for worker in listed)


def _replace(worker: Worker) -> Move:
    if worker.dp_base_url is None:
        return Replace(worker.id)
    return Refuse(
        "DataParallelGroup",
        "the gateway can't replace a data-parallel group: delete the resource, wait until it is gone, apply it again",
        worker.id,
    )


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
        return _replace(worker)
    said = untrusted(reason, secrets=secrets)
    return Refuse("GatewayRefused", f"the gateway did not apply the change: {said}", worker.id)


def _is_being_changed(worker: Worker) -> bool:
    job = change_of(worker)
    return worker.status is not WorkerStatus.PENDING and job is not None and job.is_running


def change_of(worker: Worker) -> Job | None:
    """Return the worker's latest change that has not succeeded (yet); a removal that came to nothing is none."""
    return worker.job if worker.job is not None and worker.job.type != "RemoveWorker" else None


def _foreign(worker: Worker, us: Owner) -> str:
    other = Owner.of(worker.labels)
    if other is not None:
        where = "here" if other.installation == us.installation else f"of herder installation {other.installation}"
        name = untrusted(f"{other.namespace}/{other.name} {where}")
        whose = f"the resource {name} (does another ModelGateway name the same replica?)"
    elif POD_UID_LABEL in worker.labels:
        whose = "the gateway's own pod discovery"
    else:
        whose = "somebody else"
    return (
        f"the URL is registered already, by {whose}: remove it there, "
        'or annotate this resource with herder.dev/adopt: "true" to take the entry over'
    )


def _several(listed: tuple[Worker, ...]) -> str:
    spellings = untrusted(" and ".join(sorted(worker.url for worker in listed)))
    return f"the URL is registered more than once, as {spellings}: remove these entries there, and one is made anew"
