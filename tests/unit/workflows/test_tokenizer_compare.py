"""Whose a listed tokenizer is, what differs, and which call is next: row by row."""

from datetime import UTC, datetime

import pytest

from herder.api.status import EntryState
from herder.gateway.tokenizers import Loading, LoadState, Tokenizer
from herder.workflows.entry import LOST_ADD, NO_ENTRY, Entry
from herder.workflows.look import Look
from herder.workflows.tokenizer import TokenizerPlan, look, unsure
from herder.workflows.tokenizer.converge import Done, Failed, Load, Move, Refuse, Swap, Wait, next_move
from unit.workflows.made import ID, OTHER_ID
from unit.workflows.tokenizer_world import NAME, OTHER, SOURCE, TEMPLATE, plan

LISTED = Tokenizer(id=ID, name=NAME, source=SOURCE, vocab_size=3)
FROM_OTHER = Tokenizer(id=ID, name=NAME, source=OTHER, vocab_size=3)
HASH = plan().spec_hash
THEIRS = "a tokenizer of this name is loaded already"
SINCE = datetime(2030, 1, 1, tzinfo=UTC)


def entry(state: EntryState, tokenizer_id: str | None = ID, spec_hash: str | None = HASH) -> Entry:
    """A record."""
    return Entry(state, tokenizer_id, spec_hash)


LOOKS: dict[str, tuple[TokenizerPlan, Entry, Tokenizer | None, Entry, bool, str | None]] = {
    "as recorded and declared": (
        plan(), entry(EntryState.READY), LISTED, entry(EntryState.READY), True, None,
    ),
    "back from being out of reach": (
        plan(), entry(EntryState.UNREACHABLE), LISTED, entry(EntryState.READY), True, None,
    ),
    "declared otherwise since": (
        plan(source=OTHER), entry(EntryState.READY), LISTED, entry(EntryState.READY), False,
        f"it was loaded from {SOURCE}, not {OTHER}",
    ),
    "declared with a template since": (
        plan(chatTemplatePath=TEMPLATE), entry(EntryState.READY), LISTED, entry(EntryState.READY), False,
        "it was loaded with another chat template than is declared",
    ),
    "its answer was lost": (
        plan(), entry(EntryState.PENDING, None), LISTED, entry(EntryState.READY), True, None,
    ),
    "an earlier one, whose answer was lost, was faster": (
        plan(), entry(EntryState.PENDING, OTHER_ID), LISTED, entry(EntryState.READY), True, None,
    ),
    "its answer was lost, and it is declared otherwise since": (
        plan(source=OTHER), entry(EntryState.PENDING, None), LISTED, entry(EntryState.READY), False,
        f"it was loaded from {SOURCE}, not {OTHER}",
    ),
    "a killed process may have loaded it": (
        plan(), LOST_ADD, LISTED, entry(EntryState.READY), True, None,
    ),
    "a killed process can't have loaded it": (
        plan(), LOST_ADD, FROM_OTHER, entry(EntryState.FOREIGN, ID, None), False, THEIRS,
    ),
    "nothing is known of it": (
        plan(), NO_ENTRY, LISTED, entry(EntryState.FOREIGN, ID, None), False, THEIRS,
    ),
    "ours had another id": (
        plan(), entry(EntryState.READY, OTHER_ID), LISTED, entry(EntryState.FOREIGN, ID, None), False, THEIRS,
    ),
    "another's as before": (
        plan(), entry(EntryState.FOREIGN, ID, None), LISTED, entry(EntryState.FOREIGN, ID, None), False, THEIRS,
    ),
    "another's that was out of reach": (
        plan(), entry(EntryState.UNREACHABLE, ID, None), LISTED, entry(EntryState.FOREIGN, ID, None), False, THEIRS,
    ),
    "gone": (
        plan(), entry(EntryState.READY), None, NO_ENTRY, False, None,
    ),
    "another's is gone": (
        plan(), entry(EntryState.FOREIGN, ID, None), None, NO_ENTRY, False, None,
    ),
    "still being loaded": (
        plan(), entry(EntryState.PENDING), None, entry(EntryState.PENDING), False, None,
    ),
    "perhaps being loaded since it was out of reach": (
        plan(), entry(EntryState.UNREACHABLE), None, entry(EntryState.PENDING), False, None,
    ),
    "never there": (
        plan(), NO_ENTRY, None, NO_ENTRY, False, None,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("declared", "record", "listed", "becomes", "has_it", "difference"), LOOKS.values(), ids=LOOKS)
def test_a_look_tells_what_a_list_shows(
    declared: TokenizerPlan,
    record: Entry,
    listed: Tokenizer | None,
    becomes: Entry,
    has_it: bool,
    difference: str | None,
) -> None:
    found = look(declared, record, () if listed is None else (listed,))

    assert (found.entry, found.has_it) == (becomes, has_it)
    assert (found.difference or "").startswith(difference or "")
    assert bool(found.difference) == bool(difference)


@pytest.mark.parametrize(("state", "since"), [(EntryState.READY, SINCE), (EntryState.UNREACHABLE, None)])
def test_a_look_leaves_the_moment_of_a_state_as_it_is_and_that_of_a_new_one_open(
    state: EntryState, since: datetime | None
) -> None:
    found = look(plan(), Entry(state, ID, HASH, SINCE), (LISTED,))

    assert found == Look(Entry(EntryState.READY, ID, HASH, since), has_it=True)


@pytest.mark.parametrize(
    ("record", "assumed"),
    [
        (None, LOST_ADD),
        (NO_ENTRY, LOST_ADD),
        (entry(EntryState.READY), entry(EntryState.PENDING)),
        (entry(EntryState.PENDING), entry(EntryState.PENDING)),
        (entry(EntryState.FOREIGN, ID, None), entry(EntryState.FOREIGN, ID, None)),
        (entry(EntryState.UNREACHABLE), entry(EntryState.UNREACHABLE)),
    ],
    ids=["no record", "absent", "loaded", "being loaded", "another's", "out of reach"],
)
def test_what_a_killed_process_may_have_done_is_assumed(record: Entry | None, assumed: Entry) -> None:
    assert unsure(record) == assumed


def loading(state: LoadState) -> Loading:
    """What the status of the recorded loading says."""
    return Loading(id=ID, status=state, message="no such file")


PENDING = entry(EntryState.PENDING)
OUTDATED = entry(EntryState.PENDING, ID, plan(source=OTHER).spec_hash)
MOVES: dict[str, tuple[TokenizerPlan, Entry, Tokenizer | None, Loading | None, bool, Move]] = {
    "nothing there": (plan(), NO_ENTRY, None, None, False, Load()),
    "gone": (plan(), entry(EntryState.READY), None, None, False, Load()),
    "waiting in the queue": (plan(), PENDING, None, loading(LoadState.PENDING), False, Wait()),
    "being loaded": (plan(), PENDING, None, loading(LoadState.PROCESSING), False, Wait()),
    "loaded since the list was read": (plan(), PENDING, None, loading(LoadState.COMPLETED), False, Wait()),
    "in a state of a newer gateway's": (plan(), PENDING, None, loading(LoadState.UNKNOWN), False, Wait()),
    "a former one is being loaded": (plan(), OUTDATED, None, loading(LoadState.PROCESSING), False, Wait()),
    "failed": (plan(), PENDING, None, loading(LoadState.FAILED), False, Failed("no such file")),
    "a former one failed": (plan(), OUTDATED, None, loading(LoadState.FAILED), False, Load()),
    "as declared": (plan(), entry(EntryState.READY), LISTED, None, False, Done(LISTED)),
    "declared otherwise": (plan(source=OTHER), entry(EntryState.READY), LISTED, None, False, Swap(ID)),
    "lost, template unknown": (plan(chatTemplatePath=TEMPLATE), LOST_ADD, LISTED, None, False, Swap(ID)),
    "adopted": (plan(), NO_ENTRY, LISTED, None, True, Done(LISTED)),
    "adopted, from elsewhere": (plan(source=OTHER), NO_ENTRY, LISTED, None, True, Swap(ID)),
    "adopted, template unknown": (plan(chatTemplatePath=TEMPLATE), NO_ENTRY, LISTED, None, True, Swap(ID)),
}


@pytest.mark.parametrize(("declared", "record", "listed", "job", "adopt", "move"), MOVES.values(), ids=MOVES)
def test_the_next_move_follows_from_what_the_replica_shows(
    declared: TokenizerPlan, record: Entry, listed: Tokenizer | None, job: Loading | None, adopt: bool, move: Move
) -> None:
    assert next_move(declared, record, listed, job, adopt=adopt) == move


def test_a_name_that_is_anothers_is_refused_with_its_id() -> None:
    move = next_move(plan(), NO_ENTRY, LISTED, None, adopt=False)

    assert isinstance(move, Refuse)
    assert move.tokenizer_id == ID
    assert f"from {SOURCE}" in move.why


def test_what_is_listed_can_not_steer_a_terminal() -> None:
    evil = Tokenizer(id=ID, name=NAME, source="\x1b[31m" + "x" * 5000)

    found = look(plan(), NO_ENTRY, (evil,))

    assert found.difference is not None
    assert found.difference.isprintable()
    assert len(found.difference) < 600


SPECS: tuple[dict[str, str], ...] = (
    {},
    {"source": OTHER},
    {"name": "another"},
    {"chatTemplatePath": TEMPLATE},
    {"chatTemplatePath": OTHER},
)


def test_a_hash_differs_with_all_that_is_sent_and_with_nothing_else() -> None:
    assert len({plan(**spec).spec_hash for spec in SPECS}) == len(SPECS)
    assert plan(loading={"timeoutSeconds": 1}, deletionPolicy="Orphan").spec_hash == plan().spec_hash
    assert plan().spec_hash == "23e89785bbbcc3544da38534b1ca2980"  # the same in every process
