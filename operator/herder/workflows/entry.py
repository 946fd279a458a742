"""What is known of one worker on one replica: herder's record, shown as `.status.replicas`."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Self

from herder.api.status import EntryState
from herder.gateway.types import Worker, WorkerStatus

_STATES: Final = {
    WorkerStatus.PENDING: EntryState.PENDING,
    WorkerStatus.READY: EntryState.READY,
    WorkerStatus.NOT_READY: EntryState.NOT_READY,
    WorkerStatus.FAILED: EntryState.FAILED,
    WorkerStatus.DRAINING: EntryState.DRAINING,
    WorkerStatus.UNKNOWN: EntryState.UNKNOWN,
}

REGISTERED: Final = frozenset({EntryState.READY, EntryState.NOT_READY, EntryState.FAILED})
"""The states in which a replica holds the worker, whatever its own health checks say of it."""


def state_of(worker: Worker) -> EntryState:
    """Say in a status's word where a listed worker stands."""
    return _STATES[worker.status]


@dataclass(frozen=True, slots=True)
class Entry:
    """One worker on one replica. `spec_hash` is that of what herder itself sent last, None if that is not known."""

    state: EntryState
    worker_id: str | None = None
    spec_hash: str | None = None
    verified_at: datetime | None = None

    @property
    def is_lost_add(self) -> bool:
        """Whether a registration may be pending on the replica under an id that nobody has read."""
        return self.state is EntryState.PENDING and self.worker_id is None

    def seen(self, state: EntryState, at: datetime) -> Self:
        """Return the entry as the replica itself has just shown it; the time moves only when the state does."""
        return self if state is self.state and self.verified_at else replace(self, state=state, verified_at=at)


NO_ENTRY: Final = Entry(EntryState.ABSENT)
LOST_ADD: Final = Entry(EntryState.PENDING)
"""What must be assumed of a replica that a run which left no record may have posted to."""
