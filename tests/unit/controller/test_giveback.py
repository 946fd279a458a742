"""A replica that has lost everything gets it back at once and without a run; whatever does not go so, a run sees to."""

import asyncio

import pytest

from herder.controller.cluster.errors import Unreached
from herder.controller.known.objects import Body, Key
from herder.controller.known.subject import Subject, subject_of
from herder.controller.reconcile import reconciler
from herder.gateway.errors import Unavailable
from herder.gateway.spec import WorkerSpec
from unit.controller.fake_kube import Call
from unit.controller.office import ENDPOINTS, GATEWAY, Office, at_work
from unit.engine.kit import elapsed_s

NAMES = ("a", "b", "c")


async def declared(office: Office) -> list[Key]:
    """Three workers that are registered everywhere, long enough ago that nothing is under way."""
    keys = [office.worker(name) for name in NAMES]
    for key in keys:
        await office.registered(key)
    await asyncio.sleep(60)
    for replica in office.replicas.values():
        replica.calls.clear()
    return keys


def runs(office: Office, keys: list[Key]) -> list[str]:
    return [office.kube.status(key)["workflow"]["instanceId"] for key in keys]


def is_known(office: Office, key: Key) -> bool:
    """Whether the status names the entry that each replica lists now."""
    rows = {row["endpoint"]: row.get("workerId") for row in office.kube.status(key)["replicas"]}
    listed = {e: {w.url: w.id for w in replica.listed} for e, replica in office.replicas.items()}
    return all(rows[endpoint] == listed[endpoint].get(f"http://{key.name}:8000") for endpoint in ENDPOINTS)


async def refuses_statuses(call: Call) -> None:
    if call.path.endswith("/status"):
        raise Unreached("not now")


@at_work
async def test_a_replica_that_lost_everything_gets_it_back_without_a_run_and_with_two_writes_each(
    office: Office,
) -> None:
    keys = await declared(office)
    before, writes = runs(office, keys), [office.writes(key) for key in keys]

    office.a.restart()
    await office.until(lambda: len(office.listed()) == len(NAMES))
    await asyncio.sleep(30)

    assert runs(office, keys) == before
    wrote = [office.writes(key) - count for key, count in zip(keys, writes, strict=True)]
    assert max(wrote) <= 2  # that it is listed, and that clients are offered it
    assert office.a.count("add_worker") == len(NAMES)
    assert office.replicas[ENDPOINTS[1]].count("add_worker") == 0
    assert all(is_known(office, key) for key in keys)
    assert all(office.told(key)[-1] == ("Warning", "Drifted") for key in keys)


@at_work
async def test_what_was_given_back_is_looked_for_before_the_next_reading_is_due(office: Office) -> None:
    office.gateway(resyncSeconds=300)
    keys = await declared(office)
    office.a.restart()
    await office.until(lambda: len(office.listed()) == len(NAMES), within_s=600)

    await office.until(lambda: all(is_known(office, key) for key in keys), within_s=5)


@at_work
async def test_a_replica_that_loses_everything_again_before_the_first_time_is_written_needs_no_run_either(
    office: Office,
) -> None:
    keys = await declared(office)
    before, gate = runs(office, keys), office.kube.gate
    office.kube.gate = refuses_statuses
    office.a.restart()
    await office.until(lambda: len(office.listed()) == len(NAMES))
    await asyncio.sleep(30)

    office.a.restart()
    await office.until(lambda: len(office.listed()) == len(NAMES))
    office.kube.gate = gate
    await office.until(lambda: all(is_known(office, key) for key in keys))

    assert runs(office, keys) == before


@at_work
async def test_a_single_entry_that_somebody_took_off_is_put_back_by_a_run(office: Office) -> None:
    keys = await declared(office)
    before = runs(office, keys)

    office.a.forget(next(w.id for w in office.a.listed if w.url == "http://a:8000"))
    await office.until(lambda: len(office.listed()) == len(NAMES))
    await office.registered(keys[0])

    assert runs(office, keys)[0] != before[0]
    assert runs(office, keys)[1:] == before[1:]


@at_work
async def test_what_a_replica_refuses_to_take_back_is_seen_to_by_a_run(office: Office) -> None:
    keys = await declared(office)
    before = runs(office, keys)
    office.a.fails["add_worker"] = [Unavailable("not now")]

    office.a.restart()
    await office.until(lambda: len(office.listed()) == len(NAMES))
    await asyncio.sleep(30)

    assert sum(old != new for old, new in zip(before, runs(office, keys), strict=True)) == 1
    assert all(office.says(key, "Registered")() and is_known(office, key) for key in keys)


@at_work
async def test_a_replica_that_takes_its_time_is_waited_for_as_long_as_it_gets_on(office: Office) -> None:
    keys = await declared(office)
    before, workers = runs(office, keys), [office.workers[f"http://{name}:8000"] for name in NAMES]
    for worker in workers:
        worker.up_since_s = None
    office.a.restart()
    await office.until(lambda: office.a.count("add_worker") == len(NAMES))

    for worker in workers:
        await asyncio.sleep(2.5)
        worker.rise()
    await office.until(lambda: all(is_known(office, key) for key in keys))

    assert runs(office, keys) == before


@at_work
async def test_a_worker_that_does_not_come_up_again_is_waited_for_by_a_run_that_says_so(office: Office) -> None:
    keys = await declared(office)
    office.workers["http://a:8000"].up_since_s = None

    office.a.restart()
    await office.until(lambda: office.condition(keys[0])["status"] == "False", within_s=20)

    assert office.condition(keys[0], "Reconciling")["status"] == "True"
    assert office.condition(keys[1])["status"] == "True"


@at_work
async def test_what_changes_while_a_post_is_on_its_way_is_acted_on_as_soon_as_that_is_answered(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = await declared(office)
    post, is_posted, may_answer = office.a.add_worker, asyncio.Event(), asyncio.Event()

    async def slowly(spec: WorkerSpec) -> str:
        is_posted.set()
        await may_answer.wait()
        return await post(spec)

    monkeypatch.setattr(office.a, "add_worker", slowly)
    office.a.restart()
    await is_posted.wait()
    for key in keys:
        office.kube.delete(key)
    await asyncio.sleep(1)
    answered_s = elapsed_s()
    may_answer.set()

    await office.until(lambda: all(office.kube.status(key)["workflow"]["name"] == "worker-removal" for key in keys))
    assert elapsed_s() - answered_s < 1


@at_work
async def test_what_was_found_is_told_when_all_of_it_is_back(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = await declared(office)
    post, may_answer = office.a.add_worker, asyncio.Event()

    async def slowly(spec: WorkerSpec) -> str:
        if spec.url == "http://c:8000":
            await may_answer.wait()
        return await post(spec)

    monkeypatch.setattr(office.a, "add_worker", slowly)
    office.a.restart()
    await office.until(lambda: len(office.listed()) == len(NAMES) - 1)
    await asyncio.sleep(5)
    told_before = [reason for key in keys for _, reason in office.told(key)]
    may_answer.set()

    await office.until(lambda: all(("Warning", "Drifted") in office.told(key) for key in keys))
    assert "Drifted" not in told_before


@at_work
async def test_what_is_deleted_while_it_is_given_back_does_not_come_back(office: Office) -> None:
    keys = await declared(office)
    office.workers["http://a:8000"].up_since_s = None
    office.a.restart()
    await office.until(lambda: "http://a:8000" in office.a.pending)

    office.kube.delete(keys[0])
    await asyncio.sleep(1)
    office.workers["http://a:8000"].rise()
    await office.until(lambda: office.is_gone(keys[0]))

    assert "http://a:8000" not in [*office.a.pending, *office.listed()]


@at_work
async def test_what_a_process_gave_back_and_could_not_write_is_found_by_the_next_one(office: Office) -> None:
    keys = await declared(office)
    office.a.restart()
    await office.until(lambda: office.a.count("add_worker") == len(NAMES))

    await office.restart()
    await office.until(lambda: all(is_known(office, key) for key in keys))
    await asyncio.sleep(30)

    assert sorted(office.listed()) == [f"http://{name}:8000" for name in NAMES]
    assert all(office.says(key, "Registered")() for key in keys)


@at_work
async def test_what_a_killed_process_gave_back_is_looked_for_when_it_is_deleted(office: Office) -> None:
    keys = await declared(office)
    office.workers["http://a:8000"].up_since_s = None
    office.a.restart()
    await office.until(lambda: "http://a:8000" in office.a.pending)

    await office.stop()
    office.kube.delete(keys[0])
    office.operator = office.hire()
    await office.start()
    await asyncio.sleep(1)
    office.workers["http://a:8000"].rise()
    await office.until(lambda: office.is_gone(keys[0]))

    assert "http://a:8000" not in [*office.a.pending, *office.listed()]


@at_work
async def test_a_changed_declaration_is_not_given_back_as_it_was(office: Office) -> None:
    keys = await declared(office)
    office.a.away = True
    await asyncio.sleep(60)
    office.worker("a", priority=7)
    await asyncio.sleep(60)

    office.a.restart()
    await office.until(lambda: len(office.listed()) == len(NAMES))
    await office.registered(keys[0])

    assert {w.url: w.priority for w in office.a.listed}["http://a:8000"] == 7


@at_work
async def test_a_replica_that_is_given_something_while_it_is_followed_is_followed_to_the_end(office: Office) -> None:
    await declared(office)
    giveback, place = office.operator.deciding.giveback, (GATEWAY, ENDPOINTS[0])
    giveback._awaited[place] = {"http://late:8000"}

    first = asyncio.create_task(giveback._follow(place))
    await asyncio.sleep(0.02)
    second = asyncio.create_task(giveback._follow(place))
    await asyncio.sleep(0.2)
    office.a.enter(WorkerSpec(url="http://late:8000"))
    await asyncio.wait({first, second})

    assert [task.exception() for task in (first, second)] == [None, None]
    assert place not in giveback._awaited


@at_work
async def test_what_is_given_back_is_parsed_only_where_it_has_changed_since_it_was_looked_at(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = await declared(office)
    parsed: list[Key] = []

    def counted(key: Key, body: Body, installation: str) -> Subject:
        parsed.append(key)
        return subject_of(key, body, installation)

    monkeypatch.setattr(reconciler, "subject_of", counted)
    office.kube.gate = refuses_statuses  # so that giving it back changes no resource

    office.annotate(keys[0], note="1")
    office.a.restart()
    await office.until(lambda: len(office.listed()) == len(NAMES))

    assert parsed == keys[:1]
