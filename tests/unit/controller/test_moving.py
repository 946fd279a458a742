"""A resource that is to be registered elsewhere: under another URL, or on another gateway."""

import asyncio
from typing import Any

from herder.controller.known.objects import Key
from herder.gateway.errors import Unauthorized
from unit.controller.fake_kube import NAMESPACE
from unit.controller.office import ENDPOINTS, GATEWAY, Office, at_work

A, B = ENDPOINTS
OTHER = Key("ModelGateway", NAMESPACE, "other")
KEEP = {"settleSeconds": 0, "timeoutSeconds": 20, "onTimeout": "Keep"}
FORCE = {"settleSeconds": 0, "timeoutSeconds": 20}


def gateways(office: Office, **other: Any) -> None:
    """Two gateways of one replica each."""
    office.gateway(A)
    office.kube.apply(OTHER.kind, OTHER.name, {"endpoints": [B], **other})


async def registered(office: Office, **spec: Any) -> Key:
    """A worker on the gateway of the first replica."""
    key = office.worker(**spec)
    await office.registered(key)
    return key


def move(office: Office, **spec: Any) -> None:
    """Declare the worker on the other gateway."""
    office.worker(gatewayRef={"name": "other"}, **spec)


@at_work
async def test_a_worker_goes_from_one_gateway_to_another(office: Office) -> None:
    gateways(office)
    key = await registered(office)
    before = office.kube.status(key)["gateway"]

    move(office)
    await office.until(lambda: office.listed(B) != [])
    await office.registered(key)

    status = office.kube.status(key)
    assert (before, status["gateway"], status["registered"]) == ("gw", "other", "1/1")
    assert (office.listed(A), office.listed(B)) == ([], ["http://a:8000"])
    assert [run["name"] for run in status["history"]] == [
        "worker-registration",
        "worker-removal",
        "worker-registration",
    ]
    assert "drain" not in status


@at_work
async def test_a_gateway_that_does_not_exist_takes_nothing_out_of_service(office: Office) -> None:
    gateways(office)
    key = await registered(office)

    office.worker(gatewayRef={"name": "typo"})
    await office.until(office.says(key, "GatewayNotFound"))
    await asyncio.sleep(600)

    assert office.listed(A) == ["http://a:8000"]
    assert "typo" in office.condition(key)["message"]


@at_work
async def test_a_worker_that_is_moved_and_deleted_at_once_is_off_both(office: Office) -> None:
    gateways(office)
    key = await registered(office, drain={"settleSeconds": 5})

    move(office, drain={"settleSeconds": 5})
    await asyncio.sleep(1)
    office.kube.delete(key)
    await office.until(lambda: office.is_gone(key))

    assert (office.listed(A), office.listed(B)) == ([], [])


@at_work
async def test_a_worker_is_registered_on_its_new_gateway_though_the_former_one_is_gone(office: Office) -> None:
    gateways(office)
    key = await registered(office)

    office.kube.remove(GATEWAY)
    move(office)
    await office.until(lambda: office.listed(B) != [])
    await office.registered(key)

    assert office.kube.status(key)["gateway"] == "other"
    assert office.a.count("delete_worker") == 0


@at_work
async def test_a_former_gateway_that_is_only_observed_is_left_as_it_is(office: Office) -> None:
    gateways(office)
    key = await registered(office)
    office.gateway(A, mode="Observe")
    await asyncio.sleep(1)

    move(office)
    await office.until(lambda: office.listed(B) != [])
    await office.registered(key)

    assert office.listed(A) == ["http://a:8000"]
    assert ("Normal", "Abandoned") in office.told(key)


@at_work
async def test_what_a_former_gateway_keeps_though_its_time_is_up_is_left_and_swept_later(office: Office) -> None:
    gateways(office)
    key = await registered(office, drain=FORCE)
    office.a.away = True

    move(office, drain=FORCE)
    await office.until(lambda: office.kube.status(key).get("drain"))
    drain = office.kube.status(key)["drain"]
    await office.until(lambda: office.listed(B) != [])
    await office.registered(key)
    told, kept = office.told(key), office.listed(A)
    office.a.come_back()
    await office.until(lambda: office.listed(A) == [])

    assert drain["deadline"] > drain["startedAt"]
    assert ("Warning", "Abandoned") in told
    assert kept == ["http://a:8000"]
    assert office.listed(B) == ["http://a:8000"]


@at_work
async def test_a_worker_that_is_to_be_kept_waits_for_its_former_gateway(office: Office) -> None:
    gateways(office)
    key = await registered(office, drain=KEEP)
    office.a.away = True

    move(office, drain=KEEP)
    await asyncio.sleep(600)
    await office.until(lambda: office.condition(key)["status"] == "Unknown")  # it is tried again now and then
    before, said = office.listed(B), office.condition(key)
    office.a.come_back()
    await office.until(lambda: office.listed(B) != [])

    assert (before, office.listed(A)) == ([], [])
    assert "replica-a" in said["message"]


@at_work
async def test_a_former_gateway_that_refuses_is_named_and_given_up_in_time(office: Office) -> None:
    gateways(office)
    key = await registered(office, drain=FORCE)
    office.a.fails = {call: [Unauthorized("the key is wrong")] * 1000 for call in ("list_workers", "find_all")}
    await office.until(office.says(GATEWAY, "GatewayRefuses"))

    move(office, drain=FORCE)
    await office.until(office.says(key, "GatewayRefuses"))
    said = office.condition(key)["message"]
    await office.until(lambda: office.listed(B) != [])

    assert "the key is wrong" in said


@at_work
async def test_a_changed_url_is_not_waited_for_longer_than_its_time_says(office: Office) -> None:
    key = await registered(office, drain=FORCE)
    office.a.away = True

    office.worker("a", url="http://b:8000", drain=FORCE)
    await office.until(lambda: office.listed(B) == ["http://b:8000"])
    office.a.come_back()
    await office.until(lambda: office.listed(A) == ["http://b:8000"])

    await office.registered(key)


@at_work
async def test_the_time_of_a_move_is_kept_by_another_process(office: Office) -> None:
    gateways(office)
    key = await registered(office, drain=FORCE)
    office.a.away = True
    move(office, drain=FORCE)
    await asyncio.sleep(10)
    before = office.kube.status(key)["drain"]

    await office.restart()
    await asyncio.sleep(2)
    after = office.kube.status(key)["drain"]
    await office.until(lambda: office.listed(B) != [], within_s=30)

    assert before == after


@at_work
async def test_a_gateway_changed_there_and_back_leaves_it_where_it_was(office: Office) -> None:
    gateways(office)
    key = await registered(office)

    move(office)
    office.worker()
    await asyncio.sleep(30)
    await office.registered(key)

    assert (office.listed(A), office.listed(B)) == (["http://a:8000"], [])


@at_work
async def test_a_cancel_between_two_attempts_of_a_move_ends_the_trying(office: Office) -> None:
    gateways(office)
    drain = {"settleSeconds": 0, "timeoutSeconds": 5, "onTimeout": "Keep"}
    key = await registered(office, drain=drain)
    office.a.away = True
    move(office, drain=drain)
    await office.until(lambda: office.kube.status(key)["workflow"]["status"] == "Failed")

    office.annotate(key, cancel="c")
    await office.until(office.says(key, "Cancelled"))
    writes = office.writes(key)
    office.a.come_back()
    await asyncio.sleep(600)
    after, kept = office.writes(key), office.listed(A)
    office.annotate(key, retry="r")
    await office.until(lambda: office.listed(B) != [])

    assert (after, kept) == (writes, ["http://a:8000"])
    assert office.kube.status(key)["lastHandled"] == {"cancel": "c", "retry": "r"}


@at_work
async def test_a_move_shows_that_it_drains_and_until_when(office: Office) -> None:
    gateways(office)
    drain = {"settleSeconds": 10, "timeoutSeconds": 60}
    key = await registered(office, drain=drain)

    move(office, drain=drain)
    await office.until(lambda: office.condition(key, "Drained"))
    await asyncio.sleep(3)
    said, shown = office.condition(key, "Drained"), office.kube.status(key)["drain"]
    await office.registered(key)

    assert (said["status"], said["reason"], "replica-a" in said["message"]) == ("False", "Draining", True)
    assert set(shown) >= {"startedAt", "deadline"}
    assert office.condition(key, "Drained") == {}
