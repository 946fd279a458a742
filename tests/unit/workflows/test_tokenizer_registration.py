"""tokenizer-registration: loaded by every replica under its name, or why it can't be."""

import asyncio

import pytest

from herder.api.status import EntryState
from herder.api.tokenizer import LoadedTokenizer
from herder.gateway.errors import Permanent
from herder.workflows.entry import LOST_ADD, Entry
from herder.workflows.tokenizer import shown
from unit.engine.kit import elapsed_s, virtual_time
from unit.workflows.tokenizer_world import NAME, OTHER, SOURCE, TEMPLATE, FakeReplica, World, held, plan, states
from unit.workflows.world import AtStep, reason, until


@virtual_time
async def test_it_is_loaded_by_all_replicas_at_once_and_by_none_twice() -> None:
    world = World()

    ended = await world.register(plan(chatTemplatePath=TEMPLATE))

    assert ended.outcome.ok
    assert ended.steps == {
        "find": "Succeeded",
        "load": "Succeeded",
        "await_loaded": "Succeeded",
        "replace": "Skipped",
        "verify": "Succeeded",
    }
    assert world.loaded == [SOURCE] * 3
    assert [replica.posted for replica in world.replicas] == [[(SOURCE, TEMPLATE)]] * 3
    assert states(ended.data) == ["Ready"] * 3
    assert elapsed_s() < 1
    assert ended.data.problems == {}


@virtual_time
async def test_each_replicas_own_id_is_recorded_with_what_was_sent() -> None:
    world, declared = World(), plan()

    ended = await world.register(declared)

    for replica in world.replicas:
        entry = ended.data.entries[replica.endpoint]
        assert (entry.worker_id, entry.spec_hash) == (replica.listed[0].id, declared.spec_hash)
        assert entry.verified_at is not None


@virtual_time
async def test_what_the_replicas_hold_is_shown_once_they_hold_it() -> None:
    world, declared = World(), plan(chatTemplatePath=TEMPLATE)
    data = world.registration(declared)
    before = shown(data)

    await world.wait(await world.start(data), data)

    assert before == LoadedTokenizer(name=NAME)
    assert shown(data) == LoadedTokenizer(name=NAME, source=SOURCE, chat_template_path=TEMPLATE, vocab_size=3)


@virtual_time
async def test_a_second_run_changes_nothing() -> None:
    world, declared = World(), plan()
    entries = (await world.register(declared)).data.entries
    await asyncio.sleep(100)

    ended = await world.register(declared, entries, held=held())

    assert ended.outcome.ok
    assert ended.data.entries == entries
    assert world.counts == [(1, 0)] * 3


@virtual_time
async def test_a_replica_that_forgot_everything_gets_it_again() -> None:
    world, declared = World(), plan()
    entries = (await world.register(declared)).data.entries
    world.replicas[1].restart()

    ended = await world.register(declared, entries, held=held())

    assert ended.outcome.ok
    assert world.loaded == [SOURCE] * 3
    assert world.counts == [(1, 0), (2, 0), (1, 0)]


@virtual_time
async def test_a_source_that_can_not_be_loaded_fails_with_the_gateways_reason() -> None:
    world = World()
    for replica in world.replicas:
        replica.sources.clear()

    ended = await world.register(plan())

    assert reason(ended) == "await_loaded: LoadFailed"
    message = ended.data.problems["await_loaded"].message
    assert message.startswith(f"http://gw-a can't load {SOURCE}: no such file: {SOURCE}")
    assert 60 <= elapsed_s() < 75
    assert shown(ended.data) == LoadedTokenizer(name=NAME)
    assert states(ended.data) == ["Absent"] * 3


@virtual_time
async def test_a_replica_that_is_given_up_is_left_alone_while_the_others_are_waited_for() -> None:
    world = World()
    world.replicas[0].sources.clear()
    world.replicas[1].takes_s = 400.0

    ended = await world.register(plan(), budget_s=10)

    assert reason(ended) == "await_loaded: LoadFailed"
    assert states(ended.data) == ["Absent", "Ready", "Ready"]
    assert world.replicas[0].count("add_tokenizer") < 6


@virtual_time
async def test_the_reason_is_said_while_it_is_tried_again() -> None:
    world = World()
    world.replicas[2].sources.clear()
    data = world.registration(plan())
    instance = await world.start(data)

    await until(lambda: data.problems.get("await_loaded") and data.problems["await_loaded"].reason == "LoadFailed")

    why = f"http://gw-c can't load {SOURCE}: no such file: {SOURCE}; it is tried until 00:01:"
    assert data.problems["await_loaded"].message.startswith(why)
    world.replicas[2].sources.add(SOURCE)
    assert (await world.wait(instance, data)).outcome.ok


@virtual_time
async def test_while_it_is_loaded_again_the_reason_of_the_failure_before_stays() -> None:
    world = World()
    world.replicas[2].sources.clear()
    data = world.registration(plan())
    instance = await world.start(data)
    await until(lambda: data.problems.get("await_loaded") and data.problems["await_loaded"].reason == "LoadFailed")
    posts = world.replicas[2].count("add_tokenizer")
    said: set[tuple[str, str]] = set()

    while world.replicas[2].count("add_tokenizer") == posts:
        said |= {(problem.reason, problem.message.split(": ")[1]) for problem in data.problems.values()}
        await asyncio.sleep(0.1)

    assert said == {("LoadFailed", "no such file")}
    world.replicas[2].sources.add(SOURCE)
    assert (await world.wait(instance, data)).outcome.ok


@virtual_time
async def test_a_loading_that_goes_on_says_since_when_and_until_when() -> None:
    world = World()
    world.replicas[0].takes_s = 400.0
    data = world.registration(plan())
    instance = await world.start(data)
    await asyncio.sleep(300)

    problem = data.problems["await_loaded"]

    span = "since 00:00:00Z, and ends that by 00:10:00Z"
    assert (problem.reason, problem.message) == ("Loading", f"http://gw-a: the gateway has been loading it {span}")
    assert (await world.wait(instance, data)).outcome.ok


@virtual_time
async def test_a_source_that_appears_later_is_loaded_by_a_new_post() -> None:
    world = World()
    late = world.replicas[0]
    late.sources.clear()
    data = world.registration(plan())
    instance = await world.start(data)
    await asyncio.sleep(20)
    late.sources.add(SOURCE)

    ended = await world.wait(instance, data)

    assert ended.outcome.ok
    assert world.loaded == [SOURCE] * 3
    assert 2 <= late.count("add_tokenizer") <= 6
    assert world.counts[1:] == [(1, 0), (1, 0)]


@virtual_time
async def test_a_download_that_takes_long_is_no_failure() -> None:
    world = World()
    world.replicas[0].takes_s = 400.0

    ended = await world.register(plan(), budget_s=1)

    assert ended.outcome.ok
    assert world.counts == [(1, 0)] * 3


@virtual_time
async def test_a_name_that_is_anothers_is_refused_and_left_alone_and_the_others_get_theirs() -> None:
    """The gateway loads a tokenizer for each gRPC worker by itself."""
    world = World()
    theirs = world.replicas[0].enter()

    ended = await world.register(plan())

    assert reason(ended) == "load: ForeignEntry"
    message = ended.data.problems["load"].message
    assert 'herder.dev/adopt: "true"' in message
    entry = ended.data.entries["http://gw-a"]
    assert (entry.state, entry.worker_id, entry.spec_hash) == (EntryState.FOREIGN, theirs, None)
    assert world.counts == [(0, 0), (1, 0), (1, 0)]


@virtual_time
async def test_anothers_that_was_out_of_reach_for_a_while_is_still_anothers() -> None:
    world, declared = World(), plan()
    world.replicas[0].enter()
    entries = (await world.register(declared)).data.entries
    world.replicas[0].away = True
    entries = (await world.register(declared, entries)).data.entries
    world.replicas[0].away = False

    ended = await world.register(declared, entries)

    assert states(ended.data)[0] == "Foreign"
    assert world.counts[0] == (0, 0)


@virtual_time
async def test_one_that_somebody_loaded_in_the_place_of_ours_is_anothers() -> None:
    world, declared = World(), plan()
    entries = (await world.register(declared)).data.entries
    world.replicas[0].restart()
    world.replicas[0].enter()

    ended = await world.register(declared, entries, held=held())

    assert reason(ended) == "load: ForeignEntry"


@virtual_time
async def test_adopted_from_the_same_source_it_is_taken_over_as_it_is() -> None:
    world = World()
    theirs = world.replicas[0].enter()

    ended = await world.register(plan(), adopt=True)

    assert ended.outcome.ok
    assert ended.data.entries["http://gw-a"].worker_id == theirs
    assert world.counts == [(0, 0), (1, 0), (1, 0)]


@pytest.mark.parametrize(
    ("theirs", "spec"),
    [(OTHER, {}), (SOURCE, {"chatTemplatePath": TEMPLATE})],
    ids=["from another source", "with a template that nobody can see"],
)
@virtual_time
async def test_adopted_otherwise_it_is_replaced(theirs: str, spec: dict[str, str]) -> None:
    world = World()
    world.replicas[0].enter(theirs)

    ended = await world.register(plan(**spec), adopt=True)

    assert ended.outcome.ok
    assert ended.steps["replace"] == "Succeeded"
    assert world.loaded == [SOURCE] * 3
    assert world.counts == [(1, 1), (1, 0), (1, 0)]


@virtual_time
async def test_a_loading_whose_answer_was_lost_is_recognised_by_its_source() -> None:
    world = World()
    world.replicas[0].loses["add_tokenizer"] = 1

    ended = await world.register(plan())

    assert ended.outcome.ok
    assert ended.data.entries["http://gw-a"].worker_id == world.replicas[0].listed[0].id
    assert [len(replica.listed) for replica in world.replicas] == [1, 1, 1]


@virtual_time
async def test_a_slow_loading_whose_answer_was_lost_may_win_over_its_repetition() -> None:
    """A name is taken when a loading ends: the repetition fails then, and the entry has the id that nobody has read."""
    world = World()
    slow = world.replicas[0]
    slow.loses["add_tokenizer"], slow.takes_s = 1, 3.0

    ended = await world.register(plan())

    assert ended.outcome.ok
    assert len(slow.posted) == 2
    assert ended.data.entries[slow.endpoint].worker_id == slow.listed[0].id


@virtual_time
async def test_what_a_killed_process_may_have_loaded_is_taken_for_ours_only_from_the_declared_source() -> None:
    world = World()
    ours, theirs, _ = world.replicas
    ours.enter(SOURCE)
    theirs.enter(OTHER)

    ended = await world.register(plan(), {replica.endpoint: LOST_ADD for replica in world.replicas})

    assert reason(ended) == "load: ForeignEntry"
    assert states(ended.data)[:2] == ["Ready", "Foreign"]
    assert world.counts[:2] == [(0, 0), (0, 0)]


@virtual_time
async def test_a_run_that_goes_on_finds_the_loading_that_was_begun() -> None:
    world, declared = World(), plan()
    for replica in world.replicas:
        replica.takes_s = 5.0
    data = world.registration(declared)
    instance = await world.start(data)
    await until(lambda: len(data.entries) == 3 and all(entry.worker_id for entry in data.entries.values()))
    await world.engine.cancel_workflow(instance)

    ended = await world.register(declared, data.entries)

    assert ended.outcome.ok
    assert world.counts == [(1, 0)] * 3


@virtual_time
async def test_a_loading_that_the_replica_has_forgotten_is_begun_anew() -> None:
    world = World()
    replica = world.replicas[0]
    replica.sources.clear()
    data = world.registration(plan())
    instance = await world.start(data)
    await until(lambda: data.entry(replica.endpoint).worker_id)

    replica.forget_jobs()
    replica.sources.add(SOURCE)

    assert (await world.wait(instance, data)).outcome.ok
    assert replica.count("add_tokenizer") == 2


@pytest.mark.parametrize("trouble", ["away", "hangs"])
@virtual_time
async def test_a_replica_without_an_answer_is_left_out(trouble: str) -> None:
    world = World()
    setattr(world.replicas[1], trouble, True)

    ended = await world.register(plan())

    assert ended.outcome.ok
    assert states(ended.data) == ["Ready", "Unreachable", "Ready"]


@virtual_time
async def test_with_no_replica_in_reach_the_run_fails_with_that_reason() -> None:
    world = World()
    for replica in world.replicas:
        replica.away = True

    assert reason(await world.register(plan())) == "load: GatewayUnreachable"


@virtual_time
async def test_a_refusal_leaves_no_trace_in_the_records() -> None:
    world = World((FakeReplica("http://gw-a"),))
    world.replicas[0].fails["add_tokenizer"] = [Permanent("the gateway answered 401")]

    ended = await world.register(plan())

    assert reason(ended) == "load: GatewayRefused"
    assert ended.data.entries["http://gw-a"].state is EntryState.ABSENT


@virtual_time
async def test_what_vanishes_before_it_is_verified_is_loaded_again() -> None:
    world = World()
    world.engine.event_bus.subscribe(AtStep("verify", world.replicas[0].restart))

    ended = await world.register(plan())

    assert ended.outcome.ok
    assert world.loaded == [SOURCE] * 3


@virtual_time
async def test_what_others_put_in_its_place_meanwhile_is_recorded_as_theirs() -> None:
    world, declared = World(), plan()
    entries = (await world.register(declared)).data.entries
    replica = world.replicas[0]

    def taken_over() -> None:
        replica.restart()
        replica.enter()

    world.engine.event_bus.subscribe(AtStep("load", taken_over))
    ended = await world.register(declared, entries, held=held())

    assert reason(ended) == "load: ForeignEntry"
    entry = ended.data.entries[replica.endpoint]
    assert (entry.state, entry.worker_id, entry.spec_hash) == (EntryState.FOREIGN, replica.listed[0].id, None)


@virtual_time
async def test_a_restarted_replica_whose_volume_comes_late_has_the_whole_budget() -> None:
    world, declared = World(), plan()
    entries = (await world.register(declared)).data.entries
    world.replicas[0].restart()
    world.replicas[0].sources.clear()
    data = world.registration(declared, entries, held=held())
    instance = await world.start(data)
    await asyncio.sleep(30)

    world.replicas[0].sources.add(SOURCE)
    ended = await world.wait(instance, data)

    assert ended.outcome.ok
    assert world.loaded == [SOURCE] * 3


@virtual_time
async def test_a_declaration_that_changes_while_the_former_one_is_loading_waits_for_that_and_replaces_it() -> None:
    """Posted at once it could lose the name to the one before it, which nobody would know for ours any more."""
    world = World()
    for replica in world.replicas:
        replica.takes_s = 3.0
    data = world.registration(plan())
    instance = await world.start(data)
    await until(lambda: len(data.entries) == 3 and all(entry.worker_id for entry in data.entries.values()))
    await world.engine.cancel_workflow(instance)

    ended = await world.register(plan(source=OTHER), data.entries)

    assert ended.outcome.ok
    assert world.loaded == [OTHER] * 3
    assert world.counts == [(2, 1)] * 3


@virtual_time
async def test_an_edited_record_does_not_make_anothers_tokenizer_ours() -> None:
    """Anybody may edit a status: an id counts for what is listed under the name, and only there."""
    world = World()
    bystander = world.replicas[0].enter(name="bystander")

    ended = await world.register(plan(), {"http://gw-a": Entry(EntryState.READY, bystander, plan().spec_hash)})

    assert ended.outcome.ok
    assert sorted(each.name for each in world.replicas[0].listed) == ["bystander", NAME]
