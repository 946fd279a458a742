"""Entries that others made or changed, and URLs that two resources declare."""

import json

from rig.declared import Declared, is_listed_ready, urls_of
from rig.gateway import Smg
from rig.waiting import eventually
from rig.web import fetch
from rig.workers import MockWorkers


def post(replica: Smg, url: str, **fields: object) -> None:
    """Register a worker by hand."""
    body = json.dumps({"url": url, **fields}).encode()
    fetch(f"{replica.url}/workers", method="POST", body=body)


async def test_a_foreign_entry_is_left_alone_until_it_may_be_adopted(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a")
    post(ready_gateway[0], worker.url, priority=11)
    await eventually(lambda: is_listed_ready(ready_gateway[0], worker.url))

    declared.worker("a", worker.url, priority=22)
    await declared.until("a", "Stalled", reason="ForeignEntry")
    untouched = ready_gateway[0].workers()[0]["priority"]
    message = declared.condition("a")["message"]
    declared.annotate("a", adopt="true")
    await declared.until("a", reason="Registered")

    assert untouched == 11
    assert "herder.dev/adopt" in message
    assert [w["priority"] for replica in ready_gateway for w in replica.workers()] == [22, 22]


async def test_a_foreign_entry_that_goes_away_makes_room(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a")
    post(ready_gateway[0], worker.url, health={"drain_settle_secs": 0})
    await eventually(lambda: is_listed_ready(ready_gateway[0], worker.url))
    declared.worker("a", worker.url)
    await declared.until("a", "Stalled", reason="ForeignEntry")

    fetch(f"{ready_gateway[0].url}/workers/{ready_gateway[0].workers()[0]['id']}", method="DELETE")

    await declared.until("a", reason="Registered", timeout_s=20)


async def test_a_foreign_entry_is_not_removed_with_the_resource(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a")
    post(ready_gateway[0], worker.url)
    await eventually(lambda: is_listed_ready(ready_gateway[0], worker.url))
    declared.worker("a", worker.url)
    await declared.until("a", "Stalled", reason="ForeignEntry")

    declared.delete("a")
    await declared.until_gone("a")

    assert urls_of(ready_gateway[0]) == [worker.url]
    assert urls_of(ready_gateway[1]) == []


async def test_of_two_resources_with_one_url_the_older_wins_and_the_other_names_it(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a")
    declared.worker("older", worker.url)
    await declared.until("older")

    declared.worker("younger", worker.url + "/")
    await declared.until("younger", "Stalled", reason="Conflict")
    message = declared.condition("younger")["message"]
    declared.delete("older")
    await declared.until("younger", reason="Registered", timeout_s=20)

    assert "older" in message
    assert urls_of(ready_gateway[0]) == [worker.url]


async def test_two_resources_that_are_told_to_adopt_one_entry_do_not_take_it_from_each_other(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a")
    by_name = [replica.url.replace("127.0.0.1", "localhost") for replica in ready_gateway]
    declared.apply("ModelGateway", "same", {"endpoints": by_name, "resyncSeconds": 1})
    declared.worker("first", worker.url)
    declared.annotate("first", adopt="true")
    await declared.until("first")

    declared.worker("second", worker.url, gatewayRef={"name": "same"})
    declared.annotate("second", adopt="true")
    await declared.until("second", "Stalled", reason="Conflict")
    message, held = declared.condition("second")["message"], declared.condition("first")
    declared.worker("first", worker.url, deletionPolicy="Orphan")
    declared.delete("first")
    await declared.until("second", reason="Registered", timeout_s=30)

    assert f"WorkerRegistration {declared.namespace}/first has it here" in message
    assert held["status"] == "True"
    assert urls_of(ready_gateway[0]) == [worker.url]


async def test_an_entry_removed_by_hand_comes_back(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a")
    declared.worker("a", worker.url)
    await declared.until("a")
    before = ready_gateway[0].workers()[0]["id"]

    fetch(f"{ready_gateway[0].url}/workers/{before}", method="DELETE")
    await eventually(lambda: [w["id"] for w in ready_gateway[0].workers()] not in [[], [before]], 20)

    await declared.until("a", reason="Registered")


async def test_an_entry_changed_by_hand_is_changed_back(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a")
    declared.worker("a", worker.url, priority=30)
    await declared.until("a")
    worker_id = ready_gateway[0].workers()[0]["id"]

    fetch(f"{ready_gateway[0].url}/workers/{worker_id}", method="PATCH", body=b'{"priority": 99}')
    await eventually(lambda: declared.status("a")["workflow"]["name"] == "worker-update", 20)  # it was found so
    await eventually(lambda: ready_gateway[0].workers()[0]["priority"] == 30, 20)

    assert [w["id"] for w in ready_gateway[0].workers()] == [worker_id]


async def test_a_restarted_replica_gets_everything_again(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    workers = [mock_workers.add(f"w{number}") for number in range(5)]
    for number, worker in enumerate(workers):
        declared.worker(f"w{number}", worker.url)
    for number in range(5):
        await declared.until(f"w{number}")

    ready_gateway[0].restart()
    await eventually(lambda: len(urls_of(ready_gateway[0])) == 5, 20)
    for number in range(5):
        await declared.until(f"w{number}", reason="Registered")

    assert urls_of(ready_gateway[0]) == urls_of(ready_gateway[1])


async def test_a_gateway_out_of_reach_makes_ready_unknown_and_its_return_ready(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a")
    declared.worker("a", worker.url)
    await declared.until("a")

    ready_gateway[1].kill()
    await declared.until("a", status="Unknown", reason="GatewayUnreachable", timeout_s=30)
    tally = declared.status("a")["registered"]
    ready_gateway[1].restart()
    await declared.until("a", reason="Registered", timeout_s=20)

    assert tally == "1/2"


async def test_a_worker_that_turns_sick_is_not_ready_and_not_registered_anew(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a")
    declared.worker("a", worker.url)
    await declared.until("a")
    ids = [w["id"] for replica in ready_gateway for w in replica.workers()]

    worker.sicken()
    await declared.until("a", status="False", reason="WorkerNotReady", timeout_s=20)
    worker.heal()
    await declared.until("a", reason="Registered", timeout_s=20)

    assert [w["id"] for replica in ready_gateway for w in replica.workers()] == ids
