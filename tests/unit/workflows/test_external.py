"""worker-registration of a model provider outside: no health check, its models asked for with the key."""

import asyncio
from typing import Any

from herder.workflows.registration.data import Registration
from unit.engine.kit import virtual_time
from unit.workflows.fakes import FakeWorker
from unit.workflows.made import plan
from unit.workflows.world import Ended, World, reason

URL = "https://api.example.com"
LOCAL_ONLY = {"detect_connection", "detect_backend", "discover_metadata", "discover_dp"}


async def registered(provider: FakeWorker, **spec: Any) -> tuple[World, Ended[Registration]]:
    """Register a provider on two replicas."""
    world = World()
    world.workers[URL] = provider
    return world, await world.register(plan(url=URL, runtime="External", **spec))


@virtual_time
async def test_a_providers_models_are_asked_for_with_the_key_and_nothing_else_is() -> None:
    provider = FakeWorker(URL, models=("gpt-x", "gpt-y"), key="k3y")

    world, ended = await registered(provider, api_key="k3y")

    assert ended.outcome.ok
    assert provider.asked == ["/v1/models"]
    assert {step for step in LOCAL_ONLY if ended.steps[step] != "Skipped"} == set()
    assert ended.steps["discover_models"] == "Succeeded"
    assert world.a.posted[0].runtime_type == "external"


@virtual_time
async def test_a_key_that_the_provider_does_not_take_is_said_before_the_gateway_is_asked() -> None:
    """The gateway would answer 202, and 404 four seconds later, without a reason."""
    world, ended = await registered(FakeWorker(URL, key="k3y"), api_key="other")

    assert reason(ended) == "discover_models: WorkerUnauthorized"
    assert world.a.posted == []


@virtual_time
async def test_a_provider_without_a_key_takes_any_model_and_is_not_asked() -> None:
    provider = FakeWorker(URL, models=("gpt-x",))

    world, ended = await registered(provider)

    assert ended.outcome.ok
    assert (provider.asked, ended.steps["discover_models"]) == ([], "Skipped")
    assert world.a.listed[0].models == ()


@virtual_time
async def test_a_declared_model_that_the_provider_does_not_serve_is_refused() -> None:
    """The gateway would drop it without a word."""
    world, ended = await registered(FakeWorker(URL, models=("gpt-x",), key="k3y"), api_key="k3y", models=["gpt-z"])

    assert reason(ended) == "discover_models: ModelNotServed"
    assert world.a.posted == []


@virtual_time
async def test_where_the_gateway_probes_the_provider_is_not_asked() -> None:
    provider = FakeWorker(URL, models=("gpt-x",), key="k3y")

    _, ended = await registered(provider, api_key="k3y", probe="Gateway")

    assert ended.outcome.ok
    assert (provider.asked, ended.steps["discover_models"]) == ([], "Skipped")


@virtual_time
async def test_whether_a_provider_is_offered_to_clients_is_not_judged() -> None:
    """The gateway shows a client only what the provider shows that client's own key."""
    world, ended = await registered(FakeWorker(URL, models=("gpt-x",), key="k3y"), api_key="k3y")

    assert ended.steps["await_routable"] == "Skipped"
    assert world.a.count("list_model_ids") == 0


@virtual_time
async def test_a_provider_that_does_not_answer_yet_is_not_posted_yet() -> None:
    world = World()
    world.workers[URL] = FakeWorker(URL, models=("gpt-x",), key="k3y", up_since_s=5.0)
    data = world.registration(plan(url=URL, runtime="External", api_key="k3y"))
    instance = await world.start(data)

    await asyncio.sleep(4.0)
    early = list(world.a.posted)
    ended = await world.wait(instance, data)

    assert early == []
    assert ended.outcome.ok
