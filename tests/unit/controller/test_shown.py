"""What a status goes on showing, and what it must not miss, between two readings of the replicas."""

import asyncio

from unit.controller.office import ENDPOINTS, GATEWAY, Office, at_work


@at_work
async def test_a_replica_emptied_before_it_is_read_again_gets_the_worker_again(office: Office) -> None:
    await asyncio.sleep(1)  # both replicas were read, empty
    key = office.worker()
    await office.registered(key)

    office.a.restart()  # empty in the reading before the run and in the one after it
    await asyncio.sleep(30)

    assert office.listed(ENDPOINTS[0]) == ["http://a:8000"]
    assert office.condition(key)["status"] == "True"


@at_work
async def test_the_reason_is_shown_while_the_next_attempt_is_under_way_and_each_attempt_is_one_write(
    office: Office,
) -> None:
    key = office.worker()
    office.workers["http://a:8000"].delay_s = 60.0  # it hangs: each attempt takes its two seconds
    await office.until(lambda: "is retried" in office.condition(key).get("message", ""))
    said: set[str] = set()
    before = office.writes(key)

    for _ in range(1000):
        await asyncio.sleep(0.1)
        said.add(office.condition(key)["message"].partition(" (")[0])

    attempts = office.kube.status(key)["workflow"]["steps"][1]["attempts"]
    assert said == {"step detect_connection is retried"}
    assert office.writes(key) - before <= attempts


@at_work
async def test_what_was_discovered_is_shown_while_a_worker_is_registered_anew(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    models = office.kube.status(key)["worker"]["models"]
    office.workers["http://a:8000"].delay_s = 1.0
    seen: list[list[str]] = []

    def is_over() -> bool:
        seen.append(office.kube.status(key)["worker"].get("models", []))
        return len(office.kube.status(key)["history"]) == 2

    office.annotate(key, retry="1")
    await office.until(is_over)

    assert models
    assert all(each == models for each in seen)


@at_work
async def test_a_registration_that_fails_is_written_once_at_its_end(office: Office) -> None:
    key = office.worker(up=False, startup={"timeoutSeconds": 1})
    await office.until(office.says(key, "WorkerUnreachable"))
    before = office.writes(key)

    await asyncio.sleep(60)

    assert office.writes(key) == before
    assert [row["state"] for row in office.kube.status(key)["replicas"]] == ["Absent", "Absent"]


@at_work
async def test_what_a_suspended_worker_loses_is_shown_though_it_is_not_repaired(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    office.worker(suspend=True)
    await office.until(office.says(key, "Suspended"))

    office.a.restart()
    await office.until(lambda: office.kube.status(key)["registered"] == "1/2")

    assert [row["state"] for row in office.kube.status(key)["replicas"]] == ["Absent", "Ready"]
    assert office.listed() == []


@at_work
async def test_of_a_worker_whose_gateway_is_gone_nothing_is_claimed(office: Office) -> None:
    key = office.worker()
    await office.registered(key)

    office.kube.remove(GATEWAY)
    await office.until(office.says(key, "GatewayNotFound"))
    status, said = office.kube.status(key), office.condition(key)["message"]
    office.gateway()
    await office.registered(key)

    assert "what is registered on http://replica-a, http://replica-b stays there, and may still be routed to" in said
    assert (status["registered"], [row["state"] for row in status["replicas"]]) == ("0/2", ["Unknown", "Unknown"])
    assert office.kube.status(key)["registered"] == "2/2"


@at_work
async def test_a_failure_is_said_again_once_its_gateway_is_no_longer_only_observed(office: Office) -> None:
    key = office.worker(up=False, startup={"timeoutSeconds": 1})
    await office.until(office.says(key, "WorkerUnreachable"))
    said = office.condition(key)["message"]

    office.gateway(mode="Observe")
    await office.until(office.says(key, "Observed"))
    office.gateway()
    await office.until(office.says(key, "WorkerUnreachable"))

    assert office.condition(key)["message"] == said
    assert office.condition(key, "Stalled")["status"] == "True"
