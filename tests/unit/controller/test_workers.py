"""WorkerRegistrations from their declaration to Ready."""

import asyncio
from typing import Any

import pytest

from herder.controller.options import Options
from herder.engine import WorkflowEngine
from herder.gateway.spec import WorkerSpec
from unit.controller.office import ENDPOINTS, Office, at_work, working
from unit.engine.kit import virtual_time


@at_work
async def test_a_worker_becomes_ready_on_every_replica_with_four_writes_at_most(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    writes = office.writes(key)

    assert [office.listed(endpoint) for endpoint in ENDPOINTS] == [["http://a:8000"]] * 2
    assert office.kube.status(key)["registered"] == "2/2"
    assert writes <= 4


@at_work
async def test_nothing_is_written_while_nothing_changes(office: Office) -> None:
    registered = office.worker("a")
    foreign = office.worker("b")
    office.a.enter(WorkerSpec(url="http://b:8000"))
    sick = office.worker("c", up=False, startup={"timeoutSeconds": 1})
    keyed = office.worker("d", apiKeySecretRef={"name": "none", "key": "token"})
    await office.registered(registered)
    await office.until(office.says(foreign, "ForeignEntry"))
    await office.until(office.says(sick, "WorkerUnreachable"))
    await office.until(office.says(keyed, "SecretNotFound"))
    await asyncio.sleep(60)
    before = len([call for call in office.kube.calls if call.method != "GET"])

    await asyncio.sleep(3600)

    assert len([call for call in office.kube.calls if call.method != "GET"]) == before


@at_work
async def test_nothing_is_sent_before_the_status_says_that_a_run_is_on(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []
    posted = office.a.add_worker

    async def add_worker(spec: WorkerSpec) -> str:
        seen.append(office.kube.status(key).get("workflow", {}).get("status"))
        return await posted(spec)

    monkeypatch.setattr(office.a, "add_worker", add_worker)
    key = office.worker()
    await office.registered(key)

    assert seen == ["Running"]


@at_work
async def test_a_retry_is_done_once_for_each_token(office: Office) -> None:
    key = office.worker()
    await office.registered(key)

    office.annotate(key, retry="r1")
    await office.until(lambda: len(office.kube.status(key)["history"]) == 2)
    await asyncio.sleep(30)

    assert len(office.kube.status(key)["history"]) == 2
    assert office.kube.status(key)["lastHandled"] == {"retry": "r1"}


@at_work
async def test_a_worker_that_moves_to_a_url_that_is_taken_keeps_its_own(office: Office) -> None:
    office.kube.touch(office.worker("older"), creationTimestamp="2000-01-01T00:00:00Z")
    key = office.worker("mover")
    await office.registered(key)

    office.worker("mover", url="http://older:8000")
    await office.until(office.says(key, "Conflict"))

    assert office.listed() == ["http://older:8000", "http://mover:8000"]


@pytest.mark.parametrize("how", ["its URL changes", "it goes"])
@at_work
async def test_when_the_older_of_two_gives_the_url_up_the_other_is_told(office: Office, how: str) -> None:
    older = office.worker("older", url="http://w", suspend=True)
    await office.until(office.says(older, "Suspended"))
    office.kube.touch(older, creationTimestamp="2000-01-01T00:00:00Z")
    younger = office.worker("younger", url="http://w")
    await office.until(office.says(younger, "Conflict"))

    if how == "it goes":
        office.kube.remove(older)
    else:
        office.worker("older", url="http://other", suspend=True)

    await office.until(office.says(younger, "Registered"), within_s=1)


@virtual_time
async def test_runs_that_wait_long_give_their_places_to_others() -> None:
    async with working(Options(runs_at_once=1)) as office:
        for number in range(3):
            office.worker(f"down{number}", up=False)
        await asyncio.sleep(5)

        await office.registered(office.worker("up"))
        await asyncio.sleep(1)

        assert office.operator.deciding.runs._places.free == 1


@at_work
async def test_a_defect_in_a_run_is_logged_and_the_run_begun_again_later(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    resume, failures = office.operator.deciding.runs._engine.resume_workflow, iter([True])

    async def break_once(engine: WorkflowEngine, state: Any) -> str:
        if next(failures, False):
            raise ZeroDivisionError
        return await resume(state)

    monkeypatch.setattr(WorkflowEngine, "resume_workflow", break_once)

    await office.registered(office.worker())


@at_work
async def test_no_secret_is_in_a_status_or_an_event(office: Office) -> None:
    key = office.worker(apiKeySecretRef={"name": "key", "key": "token"})
    office.kube.bodies[f"/api/v1/namespaces/{key.namespace}/secrets/key"] = {
        "kind": "Secret",
        "data": {"token": "Y2FuYXJ5LTU1"},
    }
    await office.until(lambda: office.a.posted)
    await office.registered(key)

    assert office.a.posted[0].api_key == "canary-55"
    assert "canary" not in str([call.body for call in office.kube.calls])


OWN_REPLICAS = {
    "its URL": "http://replica-a",
    "another spelling": "HTTP://Replica-A:80/",
    "a path of it": "http://replica-a/v1",
    "another scheme": "grpc://replica-b:80",
}


@pytest.mark.parametrize("url", OWN_REPLICAS.values(), ids=OWN_REPLICAS)
@at_work
async def test_a_replica_is_no_worker_of_its_own_gateway(office: Office, url: str) -> None:
    key = office.worker("loop", url=url)

    await office.until(office.says(key, "AddressRefused"))
    await asyncio.sleep(60)

    assert "ModelGateway gw itself" in office.condition(key)["message"]
    assert (office.posts, office.condition(key, "Stalled")["status"]) == (0, "True")


@at_work
async def test_a_replica_of_another_gateway_may_be_a_worker(office: Office) -> None:
    office.gateway("http://replica-a")
    office.kube.apply("ModelGateway", "other", {"endpoints": ["http://replica-b"]})

    await office.registered(office.worker("chained", url="http://replica-b"))
