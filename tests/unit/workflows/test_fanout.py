"""The same on every replica: one that has trouble holds up none of the others."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from herder.api.status import EntryState
from herder.gateway.errors import Unavailable
from herder.workflows.entry import Entry
from herder.workflows.errors import Permanent, Problem, Transient
from herder.workflows.fanout import fault_of, in_reach, on_each, raise_unless_tolerable
from herder.workflows.ports import Replica
from unit.engine.kit import elapsed_s, other_tasks, virtual_time
from unit.workflows.fakes import FakeReplica

MOMENT = datetime(2030, 1, 1, tzinfo=UTC)


def moment() -> datetime:
    return MOMENT


@dataclass(slots=True)
class Kept:
    """The records that the tests look at."""

    entries: dict[str, Entry] = field(default_factory=dict)
    replicas: tuple[FakeReplica, ...] = ()
    now = staticmethod(moment)


def _replicas(count: int) -> list[FakeReplica]:
    return [FakeReplica(f"http://gw-{number}", {}) for number in range(count)]


@virtual_time
async def test_one_that_hangs_does_not_hold_the_others() -> None:
    a, b, c = _replicas(3)
    a.hangs = True
    done_at_s: dict[str, float] = {}

    async def act(replica: Replica) -> None:
        await replica.find_all("http://w")
        done_at_s[replica.endpoint] = elapsed_s()

    problems = await on_each((a, b, c), act, Kept())

    assert done_at_s == {b.endpoint: 0.0, c.endpoint: 0.0}
    assert {endpoint: problem.reason for endpoint, problem in problems.items()} == {a.endpoint: "GatewayUnreachable"}


@virtual_time
async def test_one_that_hangs_is_cut_off_when_patience_ends() -> None:
    (a,) = _replicas(1)
    a.hangs = True
    kept = Kept({a.endpoint: Entry(EntryState.READY, "id", "hash")})

    problems = await on_each((a,), _look, kept, patience_s=2.0)

    assert elapsed_s() == 2.0
    assert problems == {a.endpoint: Problem("GatewayUnreachable", "http://gw-0 did not answer within 2 s", True)}
    assert kept.entries[a.endpoint] == Entry(EntryState.UNREACHABLE, "id", "hash", MOMENT)


@virtual_time
async def test_a_timeout_of_its_own_is_not_taken_for_patience() -> None:
    (a,) = _replicas(1)

    async def act(replica: Replica) -> None:
        raise TimeoutError

    problems = await on_each((a,), act, Kept(), patience_s=2.0)

    assert problems[a.endpoint].reason == "InternalError"


async def _look(replica: Replica) -> None:
    await replica.find_all("http://w")


@virtual_time
async def test_a_replica_that_is_away_keeps_all_else_that_is_known_of_it() -> None:
    a, b = _replicas(2)
    a.away = True
    earlier = datetime(2029, 1, 1, tzinfo=UTC)
    kept = Kept({a.endpoint: Entry(EntryState.PENDING, "id", "hash", earlier)})

    for _ in range(2):
        await on_each((a, b), _look, kept)

    assert kept.entries == {a.endpoint: Entry(EntryState.UNREACHABLE, "id", "hash", MOMENT)}


@virtual_time
async def test_cancelling_leaves_nothing_running() -> None:
    a, b = _replicas(2)
    a.hangs = b.hangs = True
    task = asyncio.create_task(on_each((a, b), _look, Kept()))
    await asyncio.sleep(1)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert other_tasks() == set()


@virtual_time
async def test_a_defect_is_told_with_its_trace_in_the_log_only() -> None:
    (a,) = _replicas(1)

    async def act(replica: Replica) -> None:
        raise KeyError("s3cret")

    with capture_logs() as logs:
        problems = await on_each((a,), act, Kept())

    assert "s3cret" not in problems[a.endpoint].message
    assert [(line["event"], line["endpoint"], line["exc_info"]) for line in logs] == [
        ("replica.defect", a.endpoint, True)
    ]


@virtual_time
async def test_trouble_that_was_foreseen_is_not_logged_as_a_defect() -> None:
    (a,) = _replicas(1)
    a.fails["find_all"] = [Unavailable("http://gw-0: connection refused")]

    with capture_logs() as logs:
        await on_each((a,), _look, Kept())

    assert logs == []


GOES = Problem("GatewayError", "the gateway answered 500", retryable=True)
STAYS = Problem("ForeignEntry", "http://b: taken", retryable=False)


@pytest.mark.parametrize(
    ("problems", "kind", "text"),
    [
        ({"http://a": GOES}, Transient, "http://a: the gateway answered 500"),
        ({"http://b": STAYS}, Permanent, "http://b: taken"),
        ({"http://a": GOES, "http://b": STAYS}, Permanent, "http://b: taken (and 1 more of the replicas)"),
        (
            {"http://b": GOES, "http://a": GOES},
            Transient,
            "http://a: the gateway answered 500 (and 1 more of the replicas)",
        ),
    ],
    ids=["one passes", "one stays", "what stays comes first", "the same order each time"],
)
def test_several_problems_make_one_error(problems: dict[str, Problem], kind: type[Exception], text: str) -> None:
    fault = fault_of(problems)

    assert type(fault) is kind
    assert str(fault) == text


AWAY = Problem("GatewayUnreachable", "no answer", retryable=True)
BROKEN = Problem("GatewayError", "503", retryable=True)


@pytest.mark.parametrize(
    ("problems", "attempt", "is_tolerable"),
    [
        pytest.param({}, 1, True, id="none"),
        pytest.param({"a": AWAY}, 1, False, id="one is away for the first time"),
        pytest.param({"a": AWAY}, 3, True, id="one stays away while others answer"),
        pytest.param({"a": AWAY, "b": AWAY, "c": AWAY}, 9, False, id="all are away"),
        pytest.param({"a": AWAY, "b": BROKEN}, 9, False, id="one that answers has a problem"),
    ],
)
def test_one_that_stays_away_is_left_out_as_long_as_another_answers(
    problems: dict[str, Problem], attempt: int, is_tolerable: bool
) -> None:
    raised = False

    try:
        raise_unless_tolerable(problems, 3, attempt)
    except Transient:
        raised = True

    assert raised is not is_tolerable


def test_those_that_were_left_out_are_not_asked_again_unless_none_is_left() -> None:
    a, b = replicas = tuple(_replicas(2))
    silent = Entry(EntryState.UNREACHABLE)

    assert in_reach(Kept({a.endpoint: silent}, replicas)) == (b,)
    assert in_reach(Kept({a.endpoint: silent, b.endpoint: silent}, replicas)) == (a, b)
