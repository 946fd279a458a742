"""What is known of one worker on one replica: herder's record, shown as `.status.replicas`."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Self

from herder.api.status import EntryState, ReplicaEntry
from herder.gateway.types import Worker, WorkerStatus
from herder.workflows.owner import Owner
from herder.workflows.refusals import POD_UID_LABEL

_STATES: Final = {
    WorkerStatus.PENDING: EntryState.PENDING,
    WorkerStatus.READY: EntryState.READY,
    WorkerStatus.NOT_READY: EntryState.NOT_READY,
    WorkerStatus.FAILED: EntryState.FAILED,
    WorkerStatus.DRAINING: EntryState.DRAINING,
    WorkerStatus.UNKNOWN: EntryState.UNKNOWN,
}

REGISTERED: Final = frozenset({EntryState.READY, EntryState.NOT_READY, EntryState.FAILED, EntryState.UNKNOWN})
"""The states in which a replica holds the worker, whatever its own health checks, or a newer gateway, say of it."""

MAY_BE_LOST: Final = frozenset({EntryState.PENDING, EntryState.UNREACHABLE})
"""The states in which a registration may be under way on a replica that does not list it."""


def is_ours(owner: Owner, record: "Entry", worker: Worker) -> bool:
    """Whether a listed entry is the resource's: its label says so, or names nobody, and its id is that of the record.

    A PUT by hand takes the label off and leaves the id (measured on smg 1.13.0), which no other entry can have: the
    replica drew it when herder posted. An entry that somebody else has adopted bears their label.
    """
    if owner.claims(worker.labels):
        return True
    is_somebodys = Owner.of(worker.labels) is not None or POD_UID_LABEL in worker.labels
    return not is_somebodys and record.spec_hash is not None and record.worker_id == worker.id


def is_held(entry: "Entry") -> bool:
    """Whether a replica may have, or get, what the record tells of, and it is the resource's own."""
    return entry.state not in {EntryState.ABSENT, EntryState.FOREIGN}


def state_of(worker: Worker) -> EntryState:
    """Say in a status's word where a listed worker stands."""
    return _STATES[worker.status]


@dataclass(frozen=True, slots=True)
class Entry:
    """One worker on one replica. `spec_hash` is that of what herder itself sent last, None if that is not known.

    `worker_id` is kept until the replica itself says that it is gone: only by its id can a registration be found that
    is still pending.
    """

    state: EntryState
    worker_id: str | None = None
    spec_hash: str | None = None
    verified_at: datetime | None = None

    @property
    def is_lost_add(self) -> bool:
        """Whether a registration may be pending on the replica under an id that nobody has read."""
        return self.worker_id is None and self.state in MAY_BE_LOST

    def seen(self, state: EntryState, at: datetime) -> Self:
        """Return the entry as the replica itself has just shown it; the time moves only when the state does."""
        return self if state is self.state and self.verified_at else replace(self, state=state, verified_at=at)

    def since(self, former: Self, at: datetime) -> Self:
        """Return the entry with the time at which its state was seen first, if `former` is what it was until now."""
        is_news = self.state is not former.state or (former.verified_at is None and former != NO_ENTRY)
        return replace(self, verified_at=at if is_news else former.verified_at)

    def gone(self, at: datetime) -> Self:
        """Return what is left once the replica has no such entry: that it is so, and since when."""
        return replace(self.seen(EntryState.ABSENT, at), worker_id=None, spec_hash=None)


NO_ENTRY: Final = Entry(EntryState.ABSENT)
LOST_ADD: Final = Entry(EntryState.PENDING)
"""What must be assumed of a replica that a run which left no record may have posted to."""


def entries_of(rows: Iterable[ReplicaEntry]) -> dict[str, Entry]:
    """Return the records that a status shows, by endpoint."""
    return {row.endpoint: Entry(row.state, row.worker_id, row.spec_hash, row.verified_at) for row in rows}
