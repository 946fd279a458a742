"""The table of herder.workflows.removal.retire, row by row."""

import pytest

from herder.api.status import EntryState
from herder.gateway.types import Worker
from herder.workflows.entry import LOST_ADD, NO_ENTRY, Entry
from herder.workflows.removal.retire import DRAINING, PENDING, Ask, Delete, Gone, Move, next_move
from unit.workflows.made import ID, OTHER_ID, OWNER, STRANGER, URL, worker

KNOWN = Entry(EntryState.PENDING, ID)
SENT = Entry(EntryState.READY, ID, "what was sent")
THEIRS = worker(id=OTHER_ID, url=f"{URL}/", labels=STRANGER.label)

ROWS: dict[str, tuple[Entry, tuple[Worker, ...], Worker | None, Move]] = {
    "nothing known": (NO_ENTRY, (), None, Gone()),
    "a registration may be pending": (LOST_ADD, (), None, Ask()),
    "it may be, and the replica was away since": (Entry(EntryState.UNREACHABLE), (), None, Ask()),
    "it may be, under a spelling that others have": (LOST_ADD, (THEIRS,), None, Ask()),
    "its add is pending": (KNOWN, (), worker(status="pending"), PENDING),
    "its add is pending, the other spelling is others'": (KNOWN, (THEIRS,), worker(status="pending"), PENDING),
    "registered since the list was read": (KNOWN, (), worker(), PENDING),
    "its add has ended in a 404": (KNOWN, (), None, Gone()),
    "only others'": (NO_ENTRY, (THEIRS,), None, Gone()),
    "nobody's": (NO_ENTRY, (worker(labels={}),), None, Gone()),
    "ours, but for the label that was taken off": (SENT, (worker(labels={}),), None, Delete((ID,))),
    "ours and draining, without the label": (SENT, (worker(status="draining", labels={}),), None, DRAINING),
    "ours once, and adopted since": (SENT, (worker(labels=STRANGER.label),), None, Gone()),
    "listed but not connected yet": (KNOWN, (worker(status="pending"),), None, PENDING),
    "draining": (KNOWN, (worker(status="draining"),), None, DRAINING),
    "ready": (KNOWN, (worker(),), None, Delete((ID,))),
    "ready, though nothing is known of it": (NO_ENTRY, (worker(),), None, Delete((ID,))),
    "found sick": (KNOWN, (worker(status="failed"),), None, Delete((ID,))),
    "in a state of a newer gateway's": (KNOWN, (worker(status="hibernating"),), None, Delete((ID,))),
    "ours beside others'": (KNOWN, (worker(), THEIRS), None, Delete((ID,))),
    "ranks": (KNOWN, (worker(), worker(id=OTHER_ID)), None, Delete((ID, OTHER_ID))),
    "ranks, one of them draining": (KNOWN, (worker(status="draining"), worker(id=OTHER_ID)), None, Delete((OTHER_ID,))),
}


@pytest.mark.parametrize(("record", "listed", "own", "expected"), ROWS.values(), ids=ROWS)
def test_the_next_move_follows_from_what_is_listed(
    record: Entry, listed: tuple[Worker, ...], own: Worker | None, expected: Move
) -> None:
    assert next_move(OWNER, record, listed, own) == expected
