"""The next call that takes one worker off one replica, decided without I/O.

A DELETE of a pending worker is answered with 202 and cancels nothing: the worker appears when it answers. A second
DELETE cuts the drain short. And neither a 404 nor an empty list proves that no registration is pending, for pending
ones are in no list (all measured on smg 1.13.0). So:

    ours listed       what else                                 next
    no                a registration may be pending, id lost    Ask       (a POST that can't succeed names the id)
    no                its add is still pending, or was just
                      done                                      Wait      (until it is listed, or has ended)
    no                nothing, or the recorded id is a 404      Gone
    pending           -                                         Wait
    draining          -                                         Wait
    else              -                                         Delete

What others list under the same URL, or another spelling of it, is never touched and proves nothing about ours.
"""

from dataclasses import dataclass
from typing import Final

from herder.api.status import EntryState
from herder.gateway.types import Worker, WorkerStatus
from herder.workflows.entry import Entry, is_ours
from herder.workflows.owner import Owner


@dataclass(frozen=True, slots=True)
class Ask:
    """Find out whether a registration is pending, and under which id."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again later; `state` is what the replica shows, `why` a line for people."""

    state: EntryState
    reason: str
    why: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Have these entries drained and removed."""

    worker_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gone:
    """The replica has no entry of ours and will get none."""


type Move = Ask | Wait | Delete | Gone

PENDING: Final = Wait(
    EntryState.PENDING,
    "WorkerPending",
    "the gateway is still registering it, and a DELETE now would not cancel that: waiting until that has ended",
)
DRAINING: Final = Wait(EntryState.DRAINING, "Draining", "the gateway is draining it")


def next_move(owner: Owner, record: Entry, listed: tuple[Worker, ...], own: Worker | None) -> Move:
    """Decide for one replica; `own` is what it says of the recorded id if that is not listed, None for a 404."""
    ours = [worker for worker in listed if is_ours(owner, record, worker)]
    if not ours:
        if record.is_lost_add:
            return Ask()
        return Gone() if own is None else PENDING
    if any(worker.status is WorkerStatus.PENDING for worker in ours):
        return PENDING
    settled = tuple(worker.id for worker in ours if worker.status is not WorkerStatus.DRAINING)
    return Delete(settled) if settled else DRAINING
