"""What the replicas' lists say of one worker, beside what herder itself did there."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from herder.api.gateway import GatewayReplicaState
from herder.api.status import EntryState
from herder.controller.families.worker import DeclaredWorker
from herder.controller.listing.views import UNHEARD, View
from herder.controller.scene.observe import Reading, observe
from herder.gateway.types import Worker
from herder.workflows.entry import LOST_ADD, NO_ENTRY, Entry
from unit.workflows.made import ID, OTHER_ID, STRANGER, URL, plan, worker

if TYPE_CHECKING:
    from herder.controller.listing.observation import Observation

E1, E2 = "http://replica-1", "http://replica-2"
THEN = datetime(2030, 1, 1, tzinfo=UTC)
NOW = THEN + timedelta(hours=1)
PLAN = plan()
DECLARED = DeclaredWorker(PLAN)
SENT = Entry(EntryState.READY, ID, PLAN.spec_hash, THEN)


def listing(*workers: Worker, began_at_s: float = 100.0) -> View:
    return View(GatewayReplicaState.REACHABLE, {URL: workers} if workers else {}, len(workers), began_at_s)


def look(record: Entry | None, view: View, *, ended_at_s: float = 0.0) -> tuple[Entry, bool, bool]:
    """The entry, whether it is lacking, and whether its replica is away."""
    records = {} if record is None else {E1: record}
    seen = observe(DECLARED, records, [E1], Reading({E1: view}, ended_at_s, NOW))
    return seen.entries[E1], E1 in seen.lacking, E1 in seen.away


AWAY = View(GatewayReplicaState.UNREACHABLE)
REFUSES = View(GatewayReplicaState.REFUSES)
PENDING = Entry(EntryState.PENDING, ID, PLAN.spec_hash, THEN)

CASES: dict[str, tuple[Entry | None, View, Entry, bool]] = {
    "as sent": (SENT, listing(worker()), SENT, False),
    "sick": (
        SENT,
        listing(worker(status="not_ready")),
        replace(SENT, state=EntryState.NOT_READY, verified_at=NOW),
        False,
    ),
    "registering": (PENDING, listing(worker()), replace(SENT, verified_at=NOW), False),
    "draining": (
        SENT,
        listing(worker(status="draining")),
        replace(SENT, state=EntryState.DRAINING, verified_at=NOW),
        True,
    ),
    "changed by somebody": (SENT, listing(worker(priority=7)), SENT, True),
    "label changed by somebody": (SENT, listing(worker(labels=STRANGER.label | PLAN.owner.label)), SENT, False),
    "declared anew": (replace(SENT, spec_hash="old"), listing(worker()), replace(SENT, spec_hash="old"), True),
    "under another id": (
        SENT,
        listing(worker(id=OTHER_ID)),
        Entry(EntryState.READY, OTHER_ID, None, THEN),
        True,
    ),
    "foreign": (
        None,
        listing(worker(labels={})),
        Entry(EntryState.FOREIGN, ID, None, NOW),
        True,
    ),
    "foreign still": (
        Entry(EntryState.FOREIGN, ID, None, THEN),
        listing(worker(labels={})),
        Entry(EntryState.FOREIGN, ID, None, THEN),
        True,
    ),
    "another resource's": (
        None,
        listing(worker(labels=STRANGER.label)),
        Entry(EntryState.FOREIGN, ID, None, NOW),
        True,
    ),
    "gone": (SENT, listing(), Entry(EntryState.ABSENT, None, None, NOW), True),
    "absent still": (
        Entry(EntryState.ABSENT, None, None, THEN),
        listing(),
        Entry(EntryState.ABSENT, None, None, THEN),
        True,
    ),
    "never there": (None, listing(), NO_ENTRY, True),
    "a registration may be pending": (PENDING, listing(), PENDING, True),
    "a registration may be pending, its id lost": (
        LOST_ADD,
        listing(),
        replace(LOST_ADD, verified_at=NOW),
        True,
    ),
    "away while it was registering": (
        replace(PENDING, state=EntryState.UNREACHABLE),
        listing(),
        replace(PENDING, verified_at=NOW),
        True,
    ),
    "away": (SENT, AWAY, replace(SENT, state=EntryState.UNREACHABLE, verified_at=NOW), False),
    "refuses": (SENT, REFUSES, replace(SENT, state=EntryState.UNREACHABLE, verified_at=NOW), False),
    "away still": (
        replace(SENT, state=EntryState.UNREACHABLE),
        AWAY,
        replace(SENT, state=EntryState.UNREACHABLE),
        False,
    ),
    "away, never registered": (None, AWAY, replace(NO_ENTRY, state=EntryState.UNREACHABLE, verified_at=NOW), True),
    "not heard of yet": (SENT, UNHEARD, SENT, False),
    "not heard of yet, never registered": (None, UNHEARD, NO_ENTRY, True),
}


@pytest.mark.parametrize(("record", "view", "entry", "is_lacking"), CASES.values(), ids=CASES)
def test_one_replica(record: Entry | None, view: View, entry: Entry, is_lacking: bool) -> None:
    assert look(record, view) == (entry, is_lacking, view.is_away)


@pytest.mark.parametrize(("record", "view"), [case[:2] for case in CASES.values()], ids=CASES)
def test_looking_again_at_what_was_noted_changes_nothing(record: Entry | None, view: View) -> None:
    first, *_ = look(record, view)

    later = observe(DECLARED, {E1: first}, [E1], Reading({E1: view}, 0.0, NOW + timedelta(hours=1)))

    assert later.entries[E1] == first


def test_a_list_that_was_read_before_the_run_ended_says_nothing() -> None:
    entry, is_lacking, _ = look(SENT, listing(began_at_s=5.0), ended_at_s=5.0)

    assert (entry, is_lacking) == (SENT, False)


@pytest.mark.parametrize(
    ("view", "left_out", "is_away"),
    [
        (listing(began_at_s=5.0), frozenset(), True),
        (UNHEARD, frozenset(), True),
        (listing(), frozenset({E1}), True),
        (listing(), frozenset({E2}), False),
        (listing(), frozenset(), False),
    ],
    ids=["list is older", "not heard of yet", "list answers, left out", "another was left out", "list is newer"],
)
def test_a_replica_that_gave_a_run_no_answer_counts_as_away_until_it_is_read_and_its_pause_is_over(
    view: View, left_out: frozenset[str], is_away: bool
) -> None:
    record = replace(NO_ENTRY, state=EntryState.UNREACHABLE, verified_at=THEN)

    seen = observe(DECLARED, {E1: record}, [E1], Reading({E1: view}, 5.0, NOW, left_out))

    assert (E1 in seen.away, seen.is_actionable) == (is_away, not is_away)
    assert (seen.entries[E1] == record) == is_away


def test_ranks_of_a_data_parallel_worker_count_as_one_entry() -> None:
    ranks: list[dict[str, Any]] = [
        {"id": id_, "url": f"{URL}@{rank}", "dp_base_url": URL, "dp_rank": rank, "dp_size": 2}
        for rank, id_ in enumerate((ID, OTHER_ID))
    ]

    entry, is_lacking, _ = look(SENT, listing(*(worker(**rank) for rank in ranks)))

    assert (entry, is_lacking) == (SENT, False)


def test_the_tally_counts_what_can_be_seen_to_be_registered() -> None:
    views = {E1: listing(worker()), E2: AWAY}

    seen = observe(DECLARED, {E1: SENT, E2: SENT}, [E1, E2], Reading(views, 0.0, NOW))

    assert (seen.registered, seen.is_satisfied, seen.is_actionable) == ("1/2", True, False)


def test_what_lacks_the_worker_can_be_given_it_if_it_answers() -> None:
    views = {E1: listing(), E2: AWAY}

    seen = observe(DECLARED, {}, [E1, E2], Reading(views, 0.0, NOW))
    only_away = observe(DECLARED, {E1: SENT}, [E1, E2], Reading(views | {E1: listing(worker())}, 0.0, NOW))

    assert (seen.lacking, seen.is_actionable) == (frozenset({E1, E2}), True)
    assert (only_away.lacking, only_away.is_actionable) == (frozenset({E2}), False)


def test_a_foreign_entry_is_noticed() -> None:
    seen: Observation = observe(DECLARED, {}, [E1], Reading({E1: listing(worker(labels={}))}, 0.0, NOW))

    assert seen.has_foreign
