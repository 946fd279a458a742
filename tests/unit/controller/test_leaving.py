"""Resources that are deleted: removed with proof, left on purpose, or given up and told so."""

import asyncio
from typing import Any

import pytest

from herder.controller.known.objects import Key
from herder.controller.running.places import Places
from herder.workflows.owner import ORPHANED
from unit.controller.fake_kube import Call
from unit.controller.office import ENDPOINTS, GATEWAY, Office, at_work
from unit.engine.kit import clock


@at_work
async def test_a_deleted_worker_is_off_every_replica_before_its_finalizer_goes(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    listed_at_release: list[list[str]] = []

    async def look(call: Call) -> None:
        if call.method == "PATCH" and (call.body or {}).get("metadata", {}).get("finalizers") == []:
            listed_at_release.append([url for endpoint in ENDPOINTS for url in office.listed(endpoint)])

    office.kube.gate = look
    office.kube.delete(key)
    await office.until(lambda: office.is_gone(key))
    await asyncio.sleep(1)

    assert listed_at_release == [[]]
    assert office.told(key)[-1] == ("Normal", "Removed")


@at_work
async def test_an_overdue_object_that_somebody_else_holds_is_left_in_peace(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = office.worker()
    await office.registered(key)
    finalizers = office.kube.body(key)["metadata"]["finalizers"]
    office.kube.touch(key, finalizers=[*finalizers, "example.com/other"])
    decisions = 0
    decided = office.operator.deciding.reconciler.scout.world

    def count(*args: Any) -> Any:
        nonlocal decisions
        decisions += 1
        return decided(*args)

    monkeypatch.setattr(office.operator.deciding.reconciler.scout, "world", count)
    office.kube.delete(key, at="2020-01-01T00:00:00Z")
    await asyncio.sleep(60)

    assert office.kube.body(key)["metadata"]["finalizers"] == ["example.com/other"]
    assert decisions < 20


@at_work
async def test_a_forced_release_is_told_as_one(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    office.a.hangs = True

    office.kube.delete(key, at="2020-01-01T00:00:00Z")
    await office.until(lambda: office.is_gone(key))
    await asyncio.sleep(0.1)

    assert office.told(key)[-1] == ("Warning", "Released")


@at_work
async def test_an_orphaned_entry_stays_and_is_not_swept(office: Office) -> None:
    key = office.worker(deletionPolicy="Orphan")
    await office.registered(key)

    office.kube.delete(key)
    await office.until(lambda: office.is_gone(key))
    await asyncio.sleep(120)

    assert [office.listed(endpoint) for endpoint in ENDPOINTS] == [["http://a:8000"]] * 2


@at_work
async def test_an_orphaned_entry_stays_on_a_replica_that_was_away_at_the_deletion(office: Office) -> None:
    key = office.worker(deletionPolicy="Orphan")
    await office.registered(key)
    office.a.away = True
    await office.until(office.says(GATEWAY, "GatewayUnreachable"))

    office.kube.delete(key)
    await office.until(lambda: office.is_gone(key))
    office.a.come_back()
    await asyncio.sleep(120)

    assert office.listed() == ["http://a:8000"]


@at_work
async def test_an_orphaned_entry_stays_where_its_gateway_was_only_observed_at_the_deletion(office: Office) -> None:
    key = office.worker(deletionPolicy="Orphan")
    await office.registered(key)
    office.gateway(mode="Observe")
    await asyncio.sleep(1)

    office.kube.delete(key)
    await office.until(lambda: office.is_gone(key))
    office.gateway(mode="Enforce")
    await asyncio.sleep(120)

    assert office.listed() == ["http://a:8000"]


@at_work
async def test_an_entry_stays_whose_resource_is_orphaned_right_before_its_deletion(office: Office) -> None:
    key = office.worker()
    await office.registered(key)

    office.worker(deletionPolicy="Orphan")
    office.kube.delete(key)
    await office.until(lambda: office.is_gone(key))
    await asyncio.sleep(120)

    assert office.listed() == ["http://a:8000"]


@at_work
async def test_a_policy_that_is_changed_is_sent_and_one_that_is_changed_back_too(office: Office) -> None:
    key = office.worker(deletionPolicy="Orphan")
    await office.registered(key)

    office.worker()
    await office.until(lambda: not ORPHANED.items() <= office.a.listed[0].labels.items())
    office.worker(deletionPolicy="Orphan")
    await office.until(lambda: ORPHANED.items() <= office.a.listed[0].labels.items())


@at_work
async def test_a_replica_that_hangs_does_not_keep_an_orphaning_resource(office: Office) -> None:
    key = office.worker(deletionPolicy="Orphan")
    await office.registered(key)
    office.a.hangs = True

    office.kube.delete(key)

    await office.until(lambda: office.is_gone(key), within_s=3)


@at_work
async def test_what_was_forced_is_swept_once_its_replica_answers(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    office.a.away = True
    office.kube.delete(key, at="2020-01-01T00:00:00Z")
    await office.until(lambda: office.is_gone(key))
    was_left = office.listed()

    office.a.come_back()
    await office.until(lambda: office.listed() == [])

    assert was_left == ["http://a:8000"]


CHANGING = {"add_worker", "replace_worker", "delete_worker", "patch_worker", "pending_add"}


@at_work
async def test_a_gateway_that_comes_to_be_only_observed_is_changed_no_more(office: Office) -> None:
    there = office.worker("there", deletionPolicy="Orphan")
    await office.registered(there)
    coming = office.worker("coming", up=False)
    await office.until(lambda: "detect_connection" in office.kube.status(coming).get("progress", ""))

    office.gateway(mode="Observe")
    await office.until(office.says(coming, "Observed"))
    for replica in office.replicas.values():
        replica.calls.clear()
    office.workers["http://coming:8000"].rise()
    office.kube.delete(there)
    await office.until(lambda: office.is_gone(there))
    await asyncio.sleep(60)

    assert [CHANGING & set(replica.calls) for replica in office.replicas.values()] == [set(), set()]
    office.gateway(mode="Enforce")
    await office.registered(coming)


@at_work
async def test_a_gateway_on_its_way_out_lets_its_workers_go(office: Office) -> None:
    key = office.worker(drain={"settleSeconds": 0, "onTimeout": "Keep"})
    await office.registered(key)
    for replica in office.replicas.values():
        replica.hangs = True
    office.kube.delete(key)
    await asyncio.sleep(5)
    was_held = not office.is_gone(key)
    office.kube.touch(GATEWAY, finalizers=["example.com/other"])

    office.kube.delete(GATEWAY)
    await office.until(lambda: office.is_gone(key), within_s=5)

    assert was_held


@at_work
async def test_an_object_that_can_not_be_read_is_forced_to_go_as_any_other(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    office.a.away = True
    office.worker("a", cost="cheap")
    await office.until(office.says(key, "InvalidSpec"))

    office.kube.delete(key, at="2020-01-01T00:00:00Z")

    await office.until(lambda: office.is_gone(key))


OVERDUE = "2020-01-01T00:00:00Z"


@pytest.mark.parametrize("drain", [{"settleSeconds": 3}, {"settleSeconds": 0, "timeoutSeconds": 0}], ids=str)
@at_work
async def test_an_object_whose_time_was_up_while_no_operator_was_there_is_removed_all_the_same(
    office: Office, drain: dict[str, int]
) -> None:
    key = office.worker(drain=drain)
    await office.registered(key)
    await office.stop()
    office.kube.delete(key, at=OVERDUE)
    office.operator = office.hire()
    await office.start()

    await office.until(lambda: office.is_gone(key))

    assert [replica.count("delete_worker") for replica in office.replicas.values()] == [1, 1]


@at_work
async def test_a_removal_that_waits_for_its_turn_is_not_given_up_before_it_has_begun(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = office.worker()
    await office.registered(key)
    places = Places(1)
    await places.take("another")
    monkeypatch.setattr(office.operator.deciding.runs, "_places", places)
    office.kube.delete(key, at=OVERDUE)
    await asyncio.sleep(60)
    was_held = not office.is_gone(key)

    places.leave("another")
    await office.until(lambda: office.is_gone(key))

    assert was_held
    assert office.told(key)[-1] == ("Normal", "Removed")


@at_work
async def test_a_deleted_object_of_a_gateway_that_can_not_be_driven_is_not_held_for_a_removal(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    office.kube.apply(GATEWAY.kind, GATEWAY.name, {})
    await office.until(office.says(GATEWAY, "InvalidSpec"))

    office.kube.delete(key, at=OVERDUE)

    await office.until(lambda: office.is_gone(key), within_s=10)
    assert office.told(key)[-1] == ("Warning", "Released")


@at_work
async def test_a_removal_waits_no_more_for_a_replica_that_its_gateway_has_no_more(office: Office) -> None:
    key = office.worker(drain={"settleSeconds": 0, "onTimeout": "Keep"})
    await office.registered(key)
    office.a.away = True
    office.kube.delete(key)
    await asyncio.sleep(30)
    was_held = not office.is_gone(key)

    office.gateway(ENDPOINTS[1])
    await office.until(lambda: office.is_gone(key), within_s=5)

    assert was_held
    assert [replica.count("delete_worker") for replica in office.replicas.values()] == [0, 1]


@at_work
async def test_a_removal_sees_to_a_replica_that_its_gateway_has_since(office: Office) -> None:
    key = office.worker(drain={"settleSeconds": 20, "onTimeout": "Keep"})
    await office.registered(key)
    office.gateway(ENDPOINTS[1])
    await asyncio.sleep(1)
    office.kube.delete(key)
    await asyncio.sleep(2)

    office.gateway()
    await office.until(lambda: office.is_gone(key))

    assert office.listed() == []


async def _made_orphan_while_a_replica_is_away(office: Office, **drain: Any) -> Key:
    """Have a worker whose policy becomes Orphan while one replica answers nobody, and which is then deleted."""
    key = office.worker(drain={"settleSeconds": 0, **drain})
    await office.registered(key)
    office.a.away = True
    await office.until(office.says(key, "GatewayUnreachable"))
    office.worker(deletionPolicy="Orphan", drain={"settleSeconds": 0, **drain})
    await asyncio.sleep(5)
    office.kube.delete(key, at=clock().strftime("%Y-%m-%dT%H:%M:%SZ"))
    return key


@at_work
async def test_a_replica_that_does_not_know_yet_that_an_entry_is_to_stay_is_waited_for(office: Office) -> None:
    key = await _made_orphan_while_a_replica_is_away(office)
    await asyncio.sleep(30)
    is_waiting, said = not office.is_gone(key), office.condition(key)

    office.a.come_back()
    await office.until(lambda: office.is_gone(key))
    await asyncio.sleep(60)

    assert is_waiting
    assert (said["status"], said["reason"]) == ("Unknown", "GatewayUnreachable")
    assert ENDPOINTS[0] in said["message"]
    assert office.listed() == ["http://a:8000"]
    assert ORPHANED.items() <= office.a.listed[0].labels.items()


@at_work
async def test_it_is_waited_for_no_longer_than_a_removal_may_take(office: Office) -> None:
    key = await _made_orphan_while_a_replica_is_away(office, timeoutSeconds=60)

    await office.until(lambda: office.is_gone(key), within_s=90)

    assert ORPHANED.items() <= office.replicas[ENDPOINTS[1]].listed[0].labels.items()


@at_work
async def test_an_entry_that_says_already_that_it_is_to_stay_holds_nothing_up(office: Office) -> None:
    key = office.worker(deletionPolicy="Orphan")
    await office.registered(key)
    office.a.away = True
    await office.until(office.says(key, "GatewayUnreachable"))

    office.kube.delete(key, at=clock().strftime("%Y-%m-%dT%H:%M:%SZ"))

    await office.until(lambda: office.is_gone(key), within_s=5)


@at_work
async def test_a_removal_names_the_replica_that_it_waits_for(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    office.a.hangs = True

    office.kube.delete(key)
    waits = f"step confirm is running; not off {ENDPOINTS[0]} yet; at "
    await office.until(lambda: office.condition(key)["message"].startswith(waits))
