"""Peers that repeat the API key that they were sent: no problem, no fact and no line for people shows it."""

import pytest

from herder.gateway.types import Model
from herder.workflows.compare import difference
from herder.workflows.converge import Refuse, Wanted, next_move
from herder.workflows.entry import Entry, state_of
from herder.workflows.errors import Permanent
from herder.workflows.facts import Facts
from herder.workflows.ports import Replica
from unit.engine.kit import virtual_time
from unit.workflows.fakes import FakeWorker
from unit.workflows.made import ID, URL, change, plan, worker
from unit.workflows.world import World

KEY = "s3cr3t-canary"
KEYED = plan(api_key=KEY)


@pytest.mark.parametrize("padding", [0, 186], ids=["in the middle", "where the text is cut"])
def test_a_change_that_the_gateway_refuses_is_told_without_the_key(padding: int) -> None:
    listed = worker()
    sent = Entry(state_of(listed), ID, KEYED.spec_hash)
    own = worker(job=change(status="failed", message=f"{'x' * padding} bad key {KEY}"))

    move = next_move(Wanted(KEYED, adopt=False), sent, (listed,), own)

    assert isinstance(move, Refuse)
    assert KEY[:4] not in move.why


def test_a_difference_is_told_without_the_key() -> None:
    line = difference(worker(model_id=KEY, models=()), KEYED, ("other",))

    assert line == "it lists model [redacted], not other"


@pytest.mark.parametrize("listed", [KEY, f"{KEY}-chat"])
def test_a_model_that_is_named_like_the_key_makes_no_difference(listed: str) -> None:
    facts = Facts().completed_from(worker(models=(Model(id=listed),)), KEYED.secrets)

    assert KEY not in facts.models[0]
    assert difference(worker(model_id=listed, models=()), KEYED, facts.models) is None
    assert difference(worker(model_id=listed, models=()), KEYED, (listed,)) is None


@pytest.mark.parametrize("runtime", ["sglang", "vllm"])
@virtual_time
async def test_a_worker_that_repeats_its_key_is_registered_and_its_key_not_shown(runtime: str) -> None:
    world = World(FakeWorker(URL, key=KEY, runtime=runtime, models=(f"{KEY}-chat", "b"), version=f"v {KEY}"))

    ended = await world.register(KEYED)

    assert ended.outcome.ok
    assert ended.data.facts.models == ("[redacted]-chat", "b")
    assert ended.data.facts.version == "v [redacted]"


@virtual_time
async def test_a_model_that_is_not_served_is_told_without_the_key() -> None:
    world = World(FakeWorker(URL, key=KEY, models=(KEY,)))

    ended = await world.register(plan(api_key=KEY, models=["other"]))

    assert "does not serve 'other' but [redacted]" in ended.data.problems["discover_metadata"].message


@virtual_time
async def test_no_problem_of_a_step_shows_the_key_whoever_worded_it(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(FakeWorker(URL, key=KEY))

    async def advance(_replica: Replica, _data: object) -> None:
        raise Permanent("Odd", f"somebody said {KEY}")

    monkeypatch.setattr("herder.workflows.driving.advance", advance)

    ended = await world.register(KEYED)

    assert ended.data.problems["register"].message.count("somebody said [redacted]") == 1
