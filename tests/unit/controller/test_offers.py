"""Routable: whether clients are offered a worker's models, read once per resync for all workers of a gateway."""

import asyncio

import pytest

from herder.controller.status.of_lists import offered
from unit.controller.office import GATEWAY, Office, at_work

A, B = "http://a", "http://b"

SAID: dict[str, tuple[dict[str, bool], str | None]] = {
    "nothing is known": ({}, None),
    "one is not known": ({A: True}, None),
    "one is known not to offer them": ({A: False}, "False"),
    "one offers them": ({A: True, B: False}, "False"),
    "both do": ({A: True, B: True}, "True"),
}


@pytest.mark.parametrize(("lists_models", "status"), SAID.values(), ids=SAID)
def test_it_is_said_of_every_replica_or_not_at_all(lists_models: dict[str, bool], status: str | None) -> None:
    claim = offered(lists_models, (A, B))

    assert (claim.status.value if claim is not None else None) == status


@at_work
async def test_a_model_that_a_replica_stops_offering_is_said_and_one_that_comes_back(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    at_first = office.condition(key, "Routable")["status"]
    office.a.hides = frozenset({"mock-model"})
    await office.until(lambda: office.condition(key, "Routable").get("status") == "False", within_s=20)
    message = office.condition(key, "Routable")["message"]
    office.a.hides = frozenset()
    await office.until(lambda: office.condition(key, "Routable").get("status") == "True", within_s=20)

    assert at_first == "True"
    assert office.a.endpoint in message


@at_work
async def test_nothing_is_said_of_every_replica_while_one_does_not_answer_or_there_is_none(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    office.a.away = True
    await office.until(office.says(key, "GatewayUnreachable"))
    of_one_that_is_away = office.condition(key, "Routable")
    office.a.come_back()
    await office.until(lambda: office.condition(key, "Routable").get("status") == "True")
    office.kube.put_service("s", {"port": 80})
    office.kube.apply(GATEWAY.kind, GATEWAY.name, {"service": {"name": "s", "port": 80}})
    await office.until(office.says(key, "NoReplicas"))

    assert (of_one_that_is_away, office.condition(key, "Routable")) == ({}, {})


@at_work
async def test_each_replica_is_asked_once_a_resync_for_all_workers_and_nothing_is_written_at_rest(
    office: Office,
) -> None:
    keys = [office.worker(f"w{number}") for number in range(10)]
    for key in keys:
        await office.registered(key)
    await asyncio.sleep(60)
    writes, asked = sum(map(office.writes, [*keys, GATEWAY])), office.a.count("list_model_ids")
    await asyncio.sleep(600)

    assert office.a.count("list_model_ids") - asked <= 70
    assert sum(map(office.writes, [*keys, GATEWAY])) == writes
