"""What kubectl's columns show of a worker whose URL is changed: where it is registered, and what it serves, by then."""

import asyncio
from typing import Any

import pytest

from herder.controller.known.objects import Body, Key
from unit.controller.office import ENDPOINTS, Office, at_work
from unit.workflows.fakes import FakeWorker

OLD, NEW = "http://a:8000", "http://b:8000"
QUICK: dict[str, Any] = {"startup": {"timeoutSeconds": 5}}


def columns(office: Office, key: Key) -> tuple[str, str]:
    """REGISTERED and MODEL."""
    status = office.kube.status(key)
    return status["registered"], status["model"]


def watched(office: Office, key: Key) -> list[tuple[str, str]]:
    """The columns of each status that is written from now on."""
    seen: list[tuple[str, str]] = []

    def see(body: Body, _is_gone: bool) -> None:
        if body["metadata"]["name"] == key.name and body["kind"] == key.kind:
            seen.append(columns(office, key))

    office.kube.watches.append(see)
    return seen


@at_work
async def test_a_worker_that_moves_is_registered_everywhere_all_the_time(office: Office) -> None:
    key = office.worker(drain={"settleSeconds": 30})
    await office.registered(key)
    seen = watched(office, key)
    office.workers[NEW] = FakeWorker(NEW, models=("other",), up_since_s=None)

    office.worker(url=NEW, up=False, drain={"settleSeconds": 30})
    await office.until(lambda: "former" in office.kube.status(key))
    await asyncio.sleep(10)
    meanwhile = columns(office, key)
    office.workers[NEW].rise()
    await office.until(lambda: "former" not in office.kube.status(key))
    await office.registered(key)

    assert (meanwhile, columns(office, key)) == (("2/2", "mock-model"), ("2/2", "other"))
    assert {registered for registered, _ in seen} == {"2/2"}
    assert list(map(office.listed, ENDPOINTS)) == [[NEW], [NEW]]


@at_work
async def test_after_a_typo_it_is_shown_as_it_serves_on(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    seen = watched(office, key)

    office.worker(url=NEW, up=False, **QUICK)
    await office.until(lambda: office.condition(key, "Stalled"))
    await asyncio.sleep(60)

    assert office.condition(key)["status"] == "False"
    assert set(seen) == {("2/2", "mock-model")}


@pytest.mark.parametrize(
    ("more", "then"),
    [pytest.param({}, "2/2", id="and is given back"), pytest.param({"priority": 7}, "1/2", id="for good")],
)
@at_work
async def test_what_a_replica_has_lost_under_the_former_url_is_not_shown_as_registered(
    office: Office, more: dict[str, Any], then: str
) -> None:
    key = office.worker()
    await office.registered(key)
    office.worker(url=NEW, up=False, **QUICK, **more)
    await office.until(lambda: office.condition(key, "Stalled"))

    office.a.restart()
    await office.until(lambda: columns(office, key)[0] == "1/2")

    await asyncio.sleep(60)
    assert columns(office, key) == (then, "mock-model")


@at_work
async def test_a_worker_that_was_never_up_is_registered_nowhere(office: Office) -> None:
    key = office.worker(up=False, **QUICK)

    await office.until(lambda: office.condition(key, "Stalled"))

    status = office.kube.status(key)
    assert (status["registered"], "model" in status) == ("0/2", False)
