"""What is said of a resource that nothing is done about, suspended or only observed: how it stands, and what waits."""

import asyncio
from typing import Any

import pytest

from herder.controller.known.objects import Key
from unit.controller.office import Office, at_work

A, B = "http://replica-a", "http://replica-b"
SUSPENDED = "spec.suspend is true: nothing but a deletion is done until it is false, not even repair; "


async def said(office: Office, key: Key) -> str:
    """What Ready says of it in the end, after that it is suspended."""
    await office.until(office.says(key, "Suspended"))
    await asyncio.sleep(60)
    assert office.says(key, "Suspended")()
    text: str = office.condition(key)["message"]
    return text.removeprefix(SUSPENDED)


@at_work
async def test_what_is_as_declared_is_left_as_it_is(office: Office) -> None:
    key = office.worker()
    await office.registered(key)

    office.worker(suspend=True)

    assert await said(office, key) == "registered as declared on 2/2 replicas, and left as it is"


@at_work
async def test_what_was_declared_since_waits_and_what_it_would_change_is_said(office: Office) -> None:
    key = office.worker()
    await office.registered(key)

    office.worker(suspend=True, priority=7)
    text = await said(office, key)

    then = f"changed on {A}, {B} because it lists priority 50, not 7"
    assert text == f"registered as declared on 0/2 replicas; then it is {then}; what is declared now waits"


@at_work
async def test_what_a_replica_has_lost_is_said_to_be_put_back_then(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    office.worker(suspend=True)
    await office.until(office.says(key, "Suspended"))

    office.a.restart()

    assert await said(office, key) == f"registered as declared on 1/2 replicas; then it is registered on {A}"


@at_work
async def test_what_was_never_registered_is_said_to_be_registered_then(office: Office) -> None:
    key = office.worker(suspend=True)

    assert await said(office, key) == f"registered as declared on 0/2 replicas; then it is registered on {A}, {B}"


@at_work
async def test_a_retry_that_waits_is_named(office: Office) -> None:
    key = office.worker()
    await office.registered(key)

    office.worker(suspend=True)
    office.annotate(key, retry="again")

    assert (await said(office, key)).endswith("; the retry that was asked for waits")


@pytest.mark.parametrize(
    ("change", "waits"),
    [
        pytest.param({"url": "http://b:8000"}, "http://a:8000, as it was before, stays registered", id="another URL"),
        pytest.param({"gatewayRef": {"name": "other"}}, "it stays http://a:8000 on ModelGateway gw", id="gateway"),
    ],
)
@at_work
async def test_what_it_is_registered_as_until_then_is_named(office: Office, change: dict[str, Any], waits: str) -> None:
    office.gateway(A)
    office.kube.apply("ModelGateway", "other", {"endpoints": [B]})
    key = office.worker()
    await office.registered(key)

    office.worker(suspend=True, **change)

    assert waits in await said(office, key)


@at_work
async def test_what_stays_after_a_typo_is_named_beside_the_plan_of_a_gateway_that_is_only_observed(
    office: Office,
) -> None:
    key = office.worker()
    await office.registered(key)
    office.worker(url="http://b:8000", up=False, startup={"timeoutSeconds": 5})
    await office.until(lambda: office.condition(key, "Stalled"))

    office.gateway(mode="Observe")
    await office.until(office.says(key, "Observed"))

    would_be = f" it would be: registered on {A}, {B}; http://a:8000, as it was before, stays registered meanwhile"
    assert office.condition(key)["message"].endswith(would_be)
