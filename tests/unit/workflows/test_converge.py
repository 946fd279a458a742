"""The table of herder.workflows.converge, row by row."""

from dataclasses import replace

import pytest

from herder.api.meta import OWNER_LABEL
from herder.api.status import EntryState
from herder.gateway.types import Worker
from herder.workflows.converge import (
    APPLYING,
    PENDING,
    Done,
    Patch,
    Post,
    Refuse,
    Remove,
    Replace,
    Wait,
    Wanted,
    next_move,
)
from herder.workflows.entry import LOST_ADD, NO_ENTRY, Entry
from unit.workflows.made import ID, OTHER_ID, OWNER, STRANGER, URL, change, plan, worker

PLAN = plan()
SENT = Entry(EntryState.PENDING, ID, PLAN.spec_hash)
DONE = replace(SENT, state=EntryState.READY)
OLDER = replace(DONE, spec_hash="of another declaration")
FOREIGN = worker(id=OTHER_ID, labels={})
RANKS = tuple(
    worker(id=worker_id, url=f"{URL}@{rank}", dp_base_url=URL, dp_rank=rank, dp_size=2)
    for rank, worker_id in enumerate((ID, OTHER_ID))
)
DRAINING = Wait("Draining", "an earlier registration of this URL is still being drained")

ROWS = {
    "nothing known": (NO_ENTRY, (), None, Post()),
    "the add has ended in a 404": (SENT, (), None, Post()),
    "an add may have been lost": (LOST_ADD, (), None, Post()),
    "its add is pending": (SENT, (), worker(status="pending"), PENDING),
    "registered since the list was read": (SENT, (), worker(job=change()), PENDING),
    "draining": (DONE, (worker(status="draining"),), None, DRAINING),
    "somebody else's is draining": (NO_ENTRY, (worker(status="draining", labels={}),), None, DRAINING),
    "one of two ranks is draining": (DONE, (RANKS[0], RANKS[1].model_copy(update={"status": "draining"})), None, None),
    "posted and listed": (SENT, (worker(),), worker(), Done(worker())),
    "posted and listed, the job still shown": (SENT, (worker(),), worker(job=change()), APPLYING),
    "listed but not connected yet": (DONE, (worker(status="pending"),), None, PENDING),
    "listed and found sick": (DONE, (worker(status="failed"),), None, Done(worker(status="failed"))),
    "as declared": (DONE, (worker(),), None, Done(worker())),
    "not as last sent": (OLDER, (worker(),), None, Replace(ID)),
    "not as last sent, that being applied": (
        replace(OLDER, state=EntryState.PENDING),
        (worker(),),
        worker(job=change()),
        APPLYING,
    ),
    "an add that was lost is listed": (LOST_ADD, (worker(),), None, Replace(ID)),
    "another id than that of the record": (replace(DONE, worker_id=OTHER_ID), (worker(),), None, Replace(ID)),
    "sent with another priority": (
        replace(DONE, spec_hash=plan(priority=3).spec_hash),
        (worker(priority=3),),
        None,
        Patch((ID,)),
    ),
    "sent with another key, which no list shows": (
        replace(DONE, spec_hash=plan(api_key="k3y").spec_hash),
        (worker(),),
        None,
        Replace(ID),
    ),
    "sent with another type": (
        replace(DONE, spec_hash=plan(workerType="Decode").spec_hash),
        (worker(worker_type="decode"),),
        None,
        Replace(ID),
    ),
    "priority changed since by somebody else": (DONE, (worker(priority=3),), None, Patch((ID,))),
    "type changed since by somebody else": (DONE, (worker(worker_type="decode"),), None, Replace(ID)),
    "label of its owner taken off by somebody else": (DONE, (worker(labels={}, priority=3),), None, Replace(ID)),
    "label of its owner made unreadable": (DONE, (worker(labels={OWNER_LABEL: ""}),), None, Replace(ID)),
    "ranks with another priority": (
        DONE,
        (RANKS[1].model_copy(update={"priority": 3}), RANKS[0]),
        None,
        Patch((ID, OTHER_ID)),
    ),
    "ranks that only a PUT could change": (OLDER, RANKS, None, Remove((ID, OTHER_ID))),
    "one of two ranks": (DONE, RANKS[1:], None, Remove((OTHER_ID,))),
    "one of two ranks, posted a moment ago": (SENT, RANKS[1:], None, Remove((OTHER_ID,))),
    "sent and not shown yet": (SENT, (worker(priority=3),), worker(priority=3), Done(worker(priority=3))),
    "the change is being applied": (SENT, (worker(priority=3),), worker(priority=3, job=change()), APPLYING),
    "a removal that came to nothing": (SENT, (worker(),), worker(job=change("RemoveWorker", "failed")), None),
    "another change came in between": (
        SENT,
        (worker(),),
        worker(job=change(status="failed", message=f"Worker {ID} at {URL} is no longer at revision 3, so …")),
        Replace(ID),
    ),
    "the worker did not answer the gateway": (
        SENT,
        (worker(),),
        worker(job=change(status="failed", message="AddWorker failed: step detect_connection_mode: timed out")),
        Replace(ID),
    ),
    "ranks as declared": (DONE, RANKS, None, Done(RANKS[0])),
    "ranks of a POST whose id never resolves": (replace(SENT, worker_id="gone"), RANKS, None, Done(RANKS[0])),
}


@pytest.mark.parametrize(("record", "listed", "own", "expected"), ROWS.values(), ids=ROWS)
def test_the_next_move_follows_from_what_is_listed(
    record: Entry, listed: tuple[Worker, ...], own: Worker | None, expected: object
) -> None:
    move = next_move(Wanted(PLAN, adopt=False), record, listed, own)

    if expected is None:  # the row is about what is not done: the worker is left as it is
        assert isinstance(move, Wait | Done)
    else:
        assert move == expected


REFUSALS = {
    "somebody's": ((FOREIGN,), False, "ForeignEntry", "by somebody else: remove it there, or annotate"),
    "pod discovery's": (
        (worker(labels={"smg.ai/pod-uid": "u"}),),
        False,
        "ForeignEntry",
        "by the gateway's own pod discovery",
    ),
    "another resource's": ((worker(labels=STRANGER.label),), False, "ForeignEntry", "the resource ns/other here"),
    "another cluster's": (
        (worker(labels={OWNER_LABEL: "elsewhere/ns/other/uid-9"}),),
        False,
        "ForeignEntry",
        "the resource ns/other of herder installation elsewhere",
    ),
    "one of several": ((worker(), worker(id=OTHER_ID, url=f"{URL}/", labels={})), False, "ForeignEntry", "adopt"),
    "several, adopted": (
        (worker(), worker(id=OTHER_ID, url=f"{URL}/", labels={})),
        True,
        "SeveralEntries",
        f"as {URL} and {URL}/: remove these entries there",
    ),
}


@pytest.mark.parametrize(("listed", "adopt", "reason", "says"), REFUSALS.values(), ids=REFUSALS)
def test_what_can_not_be_brought_to_the_declaration_is_refused_with_a_remedy(
    listed: tuple[Worker, ...], adopt: bool, reason: str, says: str
) -> None:
    move = next_move(Wanted(PLAN, adopt=adopt), DONE, listed, None)

    assert isinstance(move, Refuse)
    assert move.reason == reason
    assert says in move.why


def test_the_entry_that_is_refused_is_the_foreign_one() -> None:
    theirs = worker(id=OTHER_ID, url=f"{URL}/", labels={})

    moves = [
        next_move(Wanted(PLAN, adopt=False), DONE, pair, None) for pair in ((worker(), theirs), (theirs, worker()))
    ]

    assert [isinstance(move, Refuse) and move.worker_id for move in moves] == [OTHER_ID] * 2


def test_a_change_that_the_gateway_refuses_for_good_is_told_in_its_words() -> None:
    own = worker(job=change(status="failed", message="label tool_parser\n unknown"))

    move = next_move(Wanted(PLAN, adopt=False), SENT, (worker(),), own)

    assert move == Refuse("GatewayRefused", "the gateway did not apply the change: label tool_parser unknown", ID)


@pytest.mark.parametrize("labels", [{}, STRANGER.label], ids=["nobody's", "another resource's"])
def test_a_foreign_entry_that_is_adopted_is_replaced(labels: dict[str, str]) -> None:
    move = next_move(Wanted(PLAN, adopt=True), NO_ENTRY, (worker(labels=labels),), None)

    assert move == Replace(ID)


def test_ranks_of_somebody_else_that_are_adopted_are_made_anew() -> None:
    ranks = tuple(rank.model_copy(update={"labels": {}}) for rank in RANKS)

    assert next_move(Wanted(PLAN, adopt=True), NO_ENTRY, ranks, None) == Remove((ID, OTHER_ID))


def test_an_entry_of_a_resource_of_the_same_name_is_no_stranger() -> None:
    """The resource was deleted and made anew: what its former self left is taken over without being asked."""
    former = replace(OWNER, uid="former")

    move = next_move(Wanted(PLAN, adopt=False), NO_ENTRY, (worker(labels=former.label),), None)

    assert move == Replace(ID)
