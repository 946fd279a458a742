"""tokenizer-registration and tokenizer-removal on three real replicas."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from herder.api.status import EntryState
from herder.workflows.entry import LOST_ADD
from herder.workflows.tokenizer import shown
from real.workflows.runs import CountingHttp
from real.workflows.tokenizer_runs import NAME, TokenizerRuns, plan
from rig.gateway import running
from rig.tokenizers import tokens, write_tokenizer
from rig.waiting import eventually


@pytest.fixture
def runs(log_dir: Path, http: CountingHttp) -> Iterator[TokenizerRuns]:
    """Three fresh replicas."""
    with running(3, log_dir=log_dir) as smgs:
        yield TokenizerRuns(smgs, http)


def read_by_each(runs: TokenizerRuns) -> list[list[int]]:
    """How each replica's tokenizer reads two words."""
    return [tokens(smg.url, NAME, "hello world") for smg in runs.smgs]


async def test_it_is_loaded_and_used_and_unloaded_without_a_trace(runs: TokenizerRuns, source: Path) -> None:
    declared = plan(source)

    registered = await runs.register(declared)

    assert registered.outcome.ok
    assert registered.data.problems == {}
    assert read_by_each(runs) == [[1, 2]] * 3
    assert (shown(registered.data).source, shown(registered.data).vocab_size) == (str(source), 3)
    assert (await runs.remove(declared, registered.data.entries)).outcome.ok
    assert runs.loaded == [None] * 3
    assert (runs.count("POST"), runs.count("DELETE")) == ([1] * 3, [1] * 3)


async def test_a_replica_that_restarted_gets_it_again_and_the_others_are_left_alone(
    runs: TokenizerRuns, source: Path
) -> None:
    declared = plan(source)
    entries = (await runs.register(declared)).data.entries
    runs.smgs[1].restart()

    ended = await runs.register(declared, entries)

    assert ended.outcome.ok
    assert runs.loaded == [str(source)] * 3
    assert (runs.count("POST"), runs.count("DELETE")) == ([1, 2, 1], [0, 0, 0])


async def test_a_source_that_can_not_be_loaded_fails_with_the_gateways_reason(
    runs: TokenizerRuns, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "tokenizer.json").write_text("{nope")

    ended = await runs.register(plan(broken), budget_s=1)

    assert ended.reason == "await_loaded: LoadFailed"
    message = ended.data.problems["await_loaded"].message
    assert f"can't load {broken}: Failed to load tokenizer locally (Failed to load tokenizer: key must be" in message
    assert runs.loaded == [None] * 3


async def test_a_source_that_appears_later_is_loaded(runs: TokenizerRuns, tmp_path: Path) -> None:
    data = runs.data(plan(tmp_path / "late"))
    instance = await runs.start(data)
    await eventually(lambda: "await_loaded" in data.problems and data.problems["await_loaded"].reason == "LoadFailed")

    write_tokenizer(tmp_path / "late", "hello", "world")
    ended = await runs.wait(instance, data)

    assert ended.outcome.ok
    assert read_by_each(runs) == [[1, 2]] * 3


async def test_anothers_is_left_alone_until_it_is_adopted(runs: TokenizerRuns, source: Path, other: Path) -> None:
    first, second, _ = runs.replicas
    theirs = [
        await first.tokenizers.add_tokenizer(NAME, str(source)),
        await second.tokenizers.add_tokenizer(NAME, str(other)),
    ]
    await eventually(lambda: runs.loaded[:2] == [str(source), str(other)])

    refused = await runs.register(plan(source))
    before = runs.loaded
    adopted = await runs.register(plan(source), refused.data.entries, adopt=True)

    assert refused.reason == "load: ForeignEntry"
    assert before == [str(source), str(other), str(source)]
    assert adopted.outcome.ok
    assert adopted.data.entries[first.endpoint].worker_id == theirs[0]
    assert adopted.data.entries[second.endpoint].worker_id != theirs[1]
    assert runs.loaded == [str(source)] * 3
    assert runs.count("DELETE") == [0, 1, 0]


async def test_a_changed_source_is_loaded_in_place_of_the_former(
    runs: TokenizerRuns, source: Path, other: Path
) -> None:
    first = await runs.register(plan(source))

    second = await runs.register(plan(other), first.data.entries, held=shown(first.data))

    assert second.outcome.ok
    assert read_by_each(runs) == [[2, 1]] * 3
    assert (runs.count("POST"), runs.count("DELETE")) == ([2] * 3, [1] * 3)


async def test_a_changed_source_that_can_not_be_loaded_is_given_up_and_the_former_put_back(
    runs: TokenizerRuns, source: Path, tmp_path: Path
) -> None:
    first = await runs.register(plan(source))

    second = await runs.register(plan(tmp_path / "nowhere"), first.data.entries, held=shown(first.data))

    assert second.reason == "replace: LoadFailed"
    assert second.data.problems["replace"].message.endswith("What was loaded before was put back")
    assert read_by_each(runs) == [[1, 2]] * 3
    assert runs.count("DELETE") == [1, 0, 0]
    assert shown(second.data) == shown(first.data)


async def test_a_replica_that_is_down_does_not_keep_it_from_the_others(runs: TokenizerRuns, source: Path) -> None:
    runs.smgs[0].kill()

    one = await runs.register(plan(source))
    runs.smgs[0].restart()
    two = await runs.register(plan(source), one.data.entries)

    assert one.outcome.ok
    assert one.data.entries[runs.smgs[0].url].state is EntryState.UNREACHABLE
    assert two.outcome.ok
    assert runs.loaded == [str(source)] * 3


@pytest.mark.parametrize("is_killed", [False, True], ids=["cancelled", "killed"])
async def test_what_is_being_loaded_when_it_is_deleted_never_comes_back(
    runs: TokenizerRuns, tmp_path: Path, is_killed: bool
) -> None:
    """A DELETE is answered with 404 meanwhile and cancels nothing, and no list shows what is to come."""
    declared = plan(tmp_path / "late")
    data = runs.data(declared)
    instance = await runs.start(data)
    await eventually(lambda: len(data.entries) == 3 and all(entry.worker_id for entry in data.entries.values()))
    await runs.engine.cancel_workflow(instance)
    records = {smg.url: LOST_ADD for smg in runs.smgs} if is_killed else data.entries

    removing = asyncio.create_task(runs.remove(declared, records))
    await asyncio.sleep(0.5)
    is_early = removing.done()
    write_tokenizer(tmp_path / "late", "hello")
    ended = await removing

    assert not is_early
    assert ended.outcome.ok
    assert runs.loaded == [None] * 3
    await asyncio.sleep(6.0)  # longer than the gateway goes on trying
    assert runs.loaded == [None] * 3
