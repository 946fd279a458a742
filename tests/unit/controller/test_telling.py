"""What is told as Events while runs go on."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

from herder.controller.clock import Clock
from herder.controller.known.objects import Key, Objects
from herder.controller.running.telling import RunTelling
from herder.engine import StepRetrying
from herder.gateway.errors import Transient
from herder.workflows.errors import Problem
from unit.controller.office import ENDPOINTS, Office, at_work

OLD, NEW = "http://a:8000", "http://b:8000"


def told(office: Office, reason: str, key: Key | None = None) -> list[str]:
    """What the Events with a reason say, of one object or of all."""
    events: Sequence[dict[str, Any]] = office.kube.events
    named = [event for event in events if key is None or event["involvedObject"]["name"] == key.name]
    return [event["message"] for event in named if event["reason"] == reason]


@at_work
async def test_that_a_step_is_retried_is_told_once_with_why_and_what_helps(office: Office) -> None:
    key = office.worker(up=False, startup={"timeoutSeconds": 1200})

    await asyncio.sleep(600)

    assert office.told(key).count(("Warning", "Retrying")) == 1
    text = told(office, "Retrying", key)[0]
    assert text.startswith("step detect_connection is retried: http://a:8000/health: connection refused")
    assert "; if that goes on, correct spec.url or start the worker" in text


@at_work
async def test_a_run_that_is_begun_again_by_itself_is_told_of_no_more_until_its_inputs_change(office: Office) -> None:
    for replica in office.replicas.values():
        replica.fails["add_worker"] = [Transient("503")] * 1000
    key = office.worker()
    await office.until(lambda: len(office.kube.status(key).get("history", [])) == 3, within_s=600)
    of_one_spec = len(told(office, "Retrying", key))

    office.worker(priority=60)
    await office.until(lambda: len(told(office, "Retrying", key)) > of_one_spec, within_s=600)

    assert of_one_spec == 1


@at_work
async def test_a_step_that_only_waits_is_told_of_when_it_has_waited_for_long(office: Office) -> None:
    key = office.worker(up=False, probe="Gateway")

    await asyncio.sleep(20)
    soon = told(office, "Retrying", key)
    await asyncio.sleep(40)

    assert (soon, len(told(office, "Retrying", key))) == ([], 1)
    assert told(office, "Retrying", key)[0].startswith(f"step await_ready still waits: {ENDPOINTS[0]}")


@at_work
async def test_a_registration_without_trouble_tells_of_none(office: Office) -> None:
    key = office.worker()

    await office.registered(key)
    await asyncio.sleep(60)

    assert told(office, "Retrying") == []


@at_work
async def test_many_that_are_retried_at_once_are_told_of_a_few_at_a_time(office: Office) -> None:
    for number in range(100):
        office.worker(f"w{number}", up=False)

    await office.until(lambda: told(office, "Retrying"))
    await asyncio.sleep(1)
    soon = len(told(office, "Retrying"))
    await asyncio.sleep(120)

    assert 25 <= soon <= 31
    assert len(told(office, "Retrying")) == 100


@at_work
async def test_a_move_is_told_at_its_begin_and_at_its_end_with_both_urls(office: Office) -> None:
    key = office.worker()
    await office.registered(key)

    office.worker(url=NEW)
    await office.until(lambda: told(office, "Moved", key))
    await asyncio.sleep(60)

    begin, end = told(office, "Moving", key), told(office, "Moved", key)
    assert (len(begin), len(end)) == (1, 1)
    assert begin[0].startswith(f"from {OLD} to {NEW}: ")
    assert end == [f"from {OLD} to {NEW}: every replica has drained the former one, and lists it no more"]
    assert ("Normal", "Moving") in office.told(key)
    assert [office.listed(endpoint) for endpoint in ENDPOINTS] == [[NEW], [NEW]]


@at_work
async def test_a_move_that_goes_on_after_a_restart_is_told_of_once(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    office.worker(url=NEW, up=False)
    await office.until(lambda: told(office, "Moving", key))
    await asyncio.sleep(5)

    await office.restart()
    await asyncio.sleep(5)
    office.workers[NEW].rise()
    await office.until(lambda: told(office, "Moved", key))

    assert len(told(office, "Moving", key)) == 1


@at_work
async def test_a_move_that_leaves_the_former_url_behind_is_not_told_as_done(office: Office) -> None:
    key = office.worker()
    await office.registered(key)

    office.worker(url=NEW, up=False, startup={"timeoutSeconds": 5})
    await office.until(office.says(key, "WorkerUnreachable"))
    await asyncio.sleep(60)

    assert (len(told(office, "Moving", key)), told(office, "Moved", key)) == (1, [])


def test_nothing_is_kept_for_an_object_that_went_before_its_run_was_stopped() -> None:
    telling = RunTelling(cast("Any", None), Objects(), Clock())
    key = Key("WorkerRegistration", "ns", "gone")
    problems = {"probe": Problem("WorkerUnreachable", "no answer", retryable=True)}
    run: Any = SimpleNamespace(key=key, uid="1", inputs="", name="worker-registration", problems=problems)

    telling.on_step(run, StepRetrying("i", "probe", 2, 1.0, "no answer"))

    assert telling._told == {}
