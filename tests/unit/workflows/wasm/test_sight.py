"""What one replica's list says of a declaration, and the next move: tables."""

from datetime import UTC, datetime

import pytest

from herder.api.status import EntryState
from herder.gateway.wasm import Module
from herder.workflows.entry import NO_ENTRY, Entry
from herder.workflows.wasm import WasmPlan, look
from herder.workflows.wasm.converge import Add, Delete, Done, Move, Refuse, next_move
from herder.workflows.wasm.sight import see
from unit.workflows.wasm.fakes import ONE, OWNER, REBORN, STRANGER, TWO, module, plan, sha

DECLARED = plan(content=ONE)
RIGHT = module(DECLARED.name)
COPY = module(DECLARED.name, number=2)
WRONG = module(DECLARED.name, TWO)
FORMER = module(plan(content=TWO).name, TWO)
REATTACHED = module(plan(content=ONE, attachPoints=["OnResponse"]).name, ONE, attach_points=("OnResponse",))
ANCESTOR = module(plan(REBORN, content=ONE).name, ONE)
THEIRS = module(plan(STRANGER, content=ONE).name, ONE)
MANUAL = module("by-hand", ONE)
UNRELATED = module("another", TWO)


@pytest.mark.parametrize(
    ("listed", "adopt", "is_sent", "expected"),
    [
        pytest.param((), False, False, Add(), id="nothing"),
        pytest.param((UNRELATED,), False, False, Add(), id="something else"),
        pytest.param((RIGHT, MANUAL), False, False, Done(RIGHT), id="as declared"),
        pytest.param((COPY, RIGHT), False, False, Done(RIGHT), id="copies: the oldest stays"),
        pytest.param((WRONG,), False, False, Delete((WRONG,)), id="another content, sent before"),
        pytest.param((WRONG,), False, True, Done(WRONG), id="another content, sent by this run"),
        pytest.param((FORMER,), False, False, Add(), id="as it was before, of another content"),
        pytest.param((REATTACHED,), False, False, Delete((REATTACHED,)), id="as it was before, of this content"),
        pytest.param((ANCESTOR,), False, False, Delete((ANCESTOR,)), id="of a resource of the same name before"),
        pytest.param((THEIRS,), False, False, Refuse(THEIRS), id="another resource's"),
        pytest.param((MANUAL,), False, False, Refuse(MANUAL), id="somebody's"),
        pytest.param((MANUAL,), True, False, Delete((MANUAL,)), id="somebody's, adopted"),
    ],
)
def test_the_next_move_follows_from_what_is_listed(
    listed: tuple[Module, ...], adopt: bool, is_sent: bool, expected: Move
) -> None:
    assert next_move(see(DECLARED, listed), sha(ONE), adopt=adopt, is_sent=is_sent) == expected


def test_where_no_content_is_declared_what_the_replica_says_of_its_file_decides() -> None:
    undeclared = plan()

    before = next_move(see(undeclared, (MANUAL,)), None, adopt=False, is_sent=False)
    after = next_move(see(undeclared, (MANUAL,), sha(ONE)), sha(ONE), adopt=False, is_sent=False)

    assert (before, after) == (Add(), Refuse(MANUAL))


@pytest.mark.parametrize(
    ("listed", "state", "spec_hash", "difference"),
    [
        pytest.param((RIGHT, MANUAL), "Ready", DECLARED.spec_hash, None, id="as declared"),
        pytest.param((), "Absent", None, "does not list", id="missing"),
        pytest.param((RIGHT, RIGHT), "Ready", DECLARED.spec_hash, None, id="found under two keys"),
        pytest.param((RIGHT, COPY), "Ready", DECLARED.spec_hash, "2 copies", id="copies"),
        pytest.param((RIGHT, FORMER), "Ready", DECLARED.spec_hash, "as it was before, too", id="a former one beside"),
        pytest.param((WRONG,), "Ready", None, sha(TWO), id="another content"),
        pytest.param(
            (module(DECLARED.name, path="/srv/x.wasm"),), "Ready", None, "/srv/x.wasm, not from", id="another path"
        ),
        pytest.param(
            (module(DECLARED.name, attach_points=()),), "Ready", None, "attached to nothing, not to OnReq", id="points"
        ),
        pytest.param((FORMER,), "Ready", plan(content=TWO).spec_hash, "as before", id="a former one"),
        pytest.param((THEIRS,), "Foreign", None, "the resource ns/other here", id="another resource's"),
        pytest.param((MANUAL,), "Foreign", None, "somebody else as by-hand", id="somebody's"),
    ],
)
def test_a_look_says_what_the_record_becomes_and_the_first_difference(
    listed: tuple[Module, ...], state: str, spec_hash: str | None, difference: str | None
) -> None:
    seen = look(DECLARED, NO_ENTRY, listed)

    assert (seen.entry.state, seen.entry.spec_hash, seen.has_it) == (state, spec_hash, difference is None)
    assert difference is None or difference in (seen.difference or "")


def test_of_an_addition_that_may_still_come_true_the_record_is_kept() -> None:
    sent = Entry(EntryState.PENDING, spec_hash=DECLARED.spec_hash)

    seen = look(DECLARED, sent, ())

    assert (seen.entry, seen.has_it) == (sent, False)


@pytest.mark.parametrize(("before", "is_news"), [(EntryState.READY, False), (EntryState.ABSENT, True)])
def test_the_time_is_left_to_be_filled_in_where_the_state_is_news(before: EntryState, is_news: bool) -> None:
    at = datetime(2030, 1, 1, tzinfo=UTC)

    seen = look(DECLARED, Entry(before, RIGHT.id, DECLARED.spec_hash, at), (RIGHT,))

    assert (seen.entry.verified_at is None) is is_news


def test_a_module_of_another_installation_says_so() -> None:
    far = WasmPlan(DECLARED.spec, type(OWNER)("elsewhere", "ns", "name", "uid"))

    seen = look(DECLARED, NO_ENTRY, (module(far.name),))

    assert "of herder installation elsewhere" in (seen.difference or "")


def test_anothers_module_is_in_the_way_where_only_the_replica_knows_the_content() -> None:
    unsaid = WasmPlan(plan().spec, OWNER)

    seen = look(unsaid, NO_ENTRY, (MANUAL,), sha(ONE))

    assert seen.entry.state is EntryState.FOREIGN
