"""Replicas that a registration succeeded without: said, waited for, and neither asked nor written about without end."""

import asyncio
from typing import Any

import pytest

from herder.controller.known.objects import Key
from herder.gateway.errors import Unauthorized, Unavailable
from unit.controller.office import GATEWAY, Office, at_work


def reasons_of(office: Office, key: Key) -> list[str]:
    """What Ready said in turn, from each status that was written."""
    bodies = [call.body or {} for call in office.kube.calls if call.path == f"{key.path}/status"]
    conditions = [each for body in bodies for each in body["status"].get("conditions", ())]
    return [each["reason"] for each in conditions if each["type"] == "Ready"]


@pytest.mark.parametrize("spec", [{}, {"resyncSeconds": 300}], ids=["often read", "seldom read"])
@at_work
async def test_a_replica_that_falls_silent_before_a_registration_is_waited_for(
    office: Office, spec: dict[str, Any]
) -> None:
    office.gateway(**spec)
    await office.until(office.says(GATEWAY, "Reachable"))
    office.a.away = True
    key = office.worker()
    await office.until(office.says(key, "GatewayUnreachable"))
    said = len(reasons_of(office, key))
    await asyncio.sleep(40)
    later = reasons_of(office, key)[said:]
    writes, registered = office.writes(key), office.kube.status(key)["registered"]

    office.a.come_back()
    await office.until(office.says(key, "Registered"), within_s=600)

    assert writes < 8
    assert set(later) <= {"GatewayUnreachable"}
    assert registered == "1/2"


@at_work
async def test_a_replica_whose_list_answers_but_whose_post_never_does_is_asked_ever_less_often(office: Office) -> None:
    await office.until(office.says(GATEWAY, "Reachable"))
    office.a.fails["add_worker"] = [Unavailable("no answer within 10 s")] * 100_000
    key = office.worker()
    await asyncio.sleep(300)
    before, said = office.writes(key), len(reasons_of(office, key))
    await asyncio.sleep(600)
    writes, later = office.writes(key) - before, reasons_of(office, key)[said:]

    office.a.fails.clear()
    await office.registered(key)

    assert writes <= 40  # a run a minute at most
    assert later.count("GatewayUnreachable") <= 10


@at_work
async def test_a_replica_that_restarts_gets_its_worker_though_another_is_being_waited_for(office: Office) -> None:
    await office.until(office.says(GATEWAY, "Reachable"))
    office.a.fails["add_worker"] = [Unavailable("no answer within 10 s")] * 100_000
    office.worker()
    await asyncio.sleep(300)
    [other] = [replica for replica in office.replicas.values() if replica is not office.a]
    await office.until(lambda: other.listed)

    other.restart()

    await office.until(lambda: other.listed, within_s=20)


@at_work
async def test_a_deletion_does_not_wait_for_a_registration_that_failed_again_and_again(office: Office) -> None:
    for replica in office.replicas.values():
        replica.fails["add_worker"] = [Unauthorized("403")] * 100_000
    key = office.worker()
    await asyncio.sleep(600)
    runs = len(office.kube.events)
    await office.until(lambda: len(office.kube.events) > runs)
    await office.until(lambda: office.operator.deciding.runs.of_key(key) is None)

    office.kube.delete(key)

    await office.until(lambda: office.is_gone(key), within_s=10)
