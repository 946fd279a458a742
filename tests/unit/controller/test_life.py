"""What a resource says and does between its declaration and its end: drains, repairs, plans, waking up again."""

import asyncio

import pytest

from herder.gateway.errors import Unavailable
from herder.gateway.spec import WorkerSpec
from unit.controller.office import ENDPOINTS, GATEWAY, Office, at_work

A, B = ENDPOINTS
SECRET = "/api/v1/namespaces/ns/secrets/key"


@at_work
async def test_a_deletion_shows_until_when_it_drains_and_how_much_is_under_way(office: Office) -> None:
    key = office.worker(drain={"settleSeconds": 10, "timeoutSeconds": 60})
    await office.registered(key)
    for replica in office.replicas.values():
        replica.alter(replica.listed[0].id, load=3)

    office.kube.delete(key, at="2030-01-01T00:00:00Z")
    await office.until(lambda: office.kube.status(key).get("drain", {}).get("inFlight") == 6)
    drain, said = office.kube.status(key)["drain"], office.condition(key, "Drained")

    assert drain["deadline"] == "2030-01-01T00:01:00Z"
    assert (said["status"], said["reason"]) == ("False", "Draining")
    await office.until(lambda: office.is_gone(key))


@at_work
async def test_a_deletion_that_is_to_be_kept_has_no_deadline(office: Office) -> None:
    key = office.worker(drain={"settleSeconds": 10, "onTimeout": "Keep"})
    await office.registered(key)

    office.kube.delete(key)
    await office.until(lambda: "drain" in office.kube.status(key))

    assert "deadline" not in office.kube.status(key)["drain"]
    await office.until(lambda: office.is_gone(key))


@at_work
async def test_it_is_to_stay_though_the_rest_of_its_spec_can_not_be_read(office: Office) -> None:
    key = office.worker(deletionPolicy="Orphan")
    await office.registered(key)
    office.worker(deletionPolicy="Orphan", cost="cheap")
    await office.until(office.says(key, "InvalidSpec"))

    office.kube.delete(key)
    await office.until(lambda: office.is_gone(key))
    await asyncio.sleep(120)

    assert (office.listed(A), office.listed(B)) == (["http://a:8000"], ["http://a:8000"])


@at_work
async def test_a_repair_is_told_once_with_what_was_found_where(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    await asyncio.sleep(20)

    office.a.alter(office.a.listed[0].id, priority=3)
    await office.until(lambda: office.a.listed[0].priority == 50)
    await office.registered(key)
    await asyncio.sleep(120)

    (told,) = [event for event in office.kube.events if event["reason"] == "Drifted"]
    assert told["message"] == "what was registered is restored: http://replica-a: it lists priority 3, not 50"


@at_work
async def test_what_was_declared_anew_is_no_drift(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    await asyncio.sleep(20)

    office.worker(priority=3)
    await office.until(lambda: office.a.listed[0].priority == 3)
    await office.registered(key)

    assert "Drifted" not in {reason for _, reason in office.told(key)}


@at_work
async def test_a_gateway_that_is_only_observed_shows_what_would_be_done_where(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    office.gateway(mode="Observe")
    await asyncio.sleep(5)

    office.a.alter(office.a.listed[0].id, priority=3)
    office.replicas[B].restart()
    await office.until(lambda: office.kube.status(key)["registered"] == "0/2")

    assert office.condition(key)["message"].partition("it would be: ")[2] == (
        "registered on http://replica-b; changed on http://replica-a because it lists priority 3, not 50"
    )


@at_work
async def test_a_worker_whose_secret_is_gone_goes_on_showing_what_the_replicas_list(office: Office) -> None:
    office.kube.bodies[SECRET] = {"kind": "Secret", "metadata": {}, "data": {"token": "c2VzYW1l"}}
    key = office.worker(apiKeySecretRef={"name": "key", "key": "token"})
    await office.registered(key)
    before = office.kube.status(key)["replicas"]

    gone = office.kube.bodies.pop(SECRET)
    await office.until(office.says(key, "SecretNotFound"))
    there = office.kube.status(key)["registered"]
    office.a.restart()
    await office.until(lambda: office.kube.status(key)["replicas"][0]["state"] == "Absent")
    row = office.kube.status(key)["replicas"][1]
    posts = office.posts
    office.kube.bodies[SECRET] = gone
    await office.registered(key)

    assert (there, row) == ("2/2", before[1])
    assert office.posts == posts + 1


@pytest.mark.parametrize("is_another", [False, True], ids=["here", "by another process"])
@at_work
async def test_what_was_seen_to_fail_is_tried_again_once_a_replica_was_started_anew(
    office: Office, is_another: bool
) -> None:
    key = office.worker(up=False, startup={"timeoutSeconds": 1})
    await office.until(office.says(key, "WorkerUnreachable"))
    if is_another:
        await office.restart()
    await asyncio.sleep(60)
    office.workers["http://a:8000"].rise()
    await asyncio.sleep(300)
    before = office.condition(key)["reason"]

    office.a.fails["list_workers"] = [Unavailable("restarting")]
    await office.registered(key)

    assert before == "WorkerUnreachable"


@at_work
async def test_one_that_was_deleted_and_made_anew_under_the_same_name_in_a_run_is_registered_once(
    office: Office,
) -> None:
    key = office.worker()
    await office.until(lambda: "workflow" in office.kube.status(key))
    first = office.kube.body(key)["metadata"]["uid"]

    office.kube.remove(key)
    office.worker()
    await office.registered(key)
    await asyncio.sleep(60)

    assert office.kube.body(key)["metadata"]["uid"] != first
    assert (office.listed(A), office.listed(B)) == (["http://a:8000"], ["http://a:8000"])


@at_work
async def test_the_entry_of_another_installation_is_left_alone(office: Office) -> None:
    labels = {"herder.dev/owner": "another/ns/a/uid-9"}
    office.a.enter(WorkerSpec(url="http://a:8000", labels=labels))
    key = office.worker()
    await office.until(office.says(key, "ForeignEntry"))

    office.kube.delete(key)
    await office.until(lambda: office.is_gone(key))
    await asyncio.sleep(120)

    assert [worker.labels for worker in office.a.listed] == [labels]
    assert office.listed(B) == []


@at_work
async def test_a_gateway_that_comes_back_after_its_worker_was_deleted_lets_it_go(office: Office) -> None:
    key = office.worker(drain={"settleSeconds": 0, "onTimeout": "Keep"})
    await office.registered(key)
    for replica in office.replicas.values():
        replica.away = True
    await office.until(office.says(GATEWAY, "GatewayUnreachable"))

    office.kube.delete(key)
    await asyncio.sleep(600)
    said = office.condition(key)["message"]
    for replica in office.replicas.values():
        replica.come_back()
    await office.until(lambda: office.is_gone(key))

    assert "replica-a" in said
    assert (office.listed(A), office.listed(B)) == ([], [])


@at_work
async def test_what_has_failed_is_tried_again_when_the_gateway_was_restarted_between_two_readings(
    office: Office,
) -> None:
    await office.registered(office.worker("a"))
    failing = office.worker("b", up=False, startup={"timeoutSeconds": 5})
    await office.until(lambda: office.condition(failing, "Stalled"))
    office.workers["http://b:8000"].rise()
    await asyncio.sleep(60)
    before = office.says(failing, "Registered")()

    office.a.restart()
    await office.registered(failing)

    assert not before
