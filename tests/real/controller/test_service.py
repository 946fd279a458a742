"""A gateway by its Service, on a real API server: replicas come and go with its EndpointSlices."""

from collections.abc import Callable, Iterator

import pytest

from rig.declared import Declared, is_listed_ready, urls_of
from rig.gateway import Smg
from rig.operator_process import Operator
from rig.waiting import eventually
from rig.workers import MockWorkers

RESYNC_S = 60


@pytest.fixture
def trio(smg_pair: tuple[Smg, Smg], log_dir: object) -> Iterator[tuple[Smg, Smg, Smg]]:
    """Three fresh replicas."""
    third = Smg.start()
    yield (*smg_pair, third)
    third.kill()


def by_service(declared: Declared) -> None:
    spec = {"service": {"name": "shepherd", "port": "api"}, "resyncSeconds": RESYNC_S}
    declared.apply("ModelGateway", "gw", spec)


def gateway_of(declared: Declared) -> dict[str, object]:
    found = declared.cluster.get(declared.path("gw", "modelgateways")) or {}
    status: dict[str, object] = found.get("status", {})
    return status


async def test_a_gateway_that_scales_from_one_to_three_and_back_has_everything_on_every_replica(
    declared: Declared, operator: Operator, trio: tuple[Smg, Smg, Smg], mock_workers: MockWorkers
) -> None:
    workers = {name: mock_workers.add(name) for name in ("a", "b", "c")}
    declared.service("shepherd", trio[:1])
    by_service(declared)
    for name, worker in workers.items():
        declared.worker(name, worker.url)
        await declared.until(name)

    declared.service("shepherd", trio)  # the resync is a minute away: the watch tells
    for name, worker in workers.items():
        await eventually(lambda name=name: declared.status(name)["registered"] == "3/3", 20)  # type: ignore[misc]
        assert all(is_listed_ready(replica, worker.url) for replica in trio)
    assert gateway_of(declared)["ready"] == "3/3"

    for replica in trio[1:]:
        replica.kill()
    declared.service("shepherd", trio[:1])
    await eventually(lambda: {declared.status(name)["registered"] for name in workers} == {"1/1"}, 20)
    declared.delete("a")
    await declared.until_gone("a")

    assert urls_of(trio[0]) == sorted(workers[name].url for name in ("b", "c"))
    assert {declared.condition(name)["status"] for name in ("b", "c")} == {"True"}
    assert gateway_of(declared)["ready"] == "1/1"


async def test_a_missing_service_is_named_and_its_arrival_heals(
    declared: Declared, operator: Operator, smg_pair: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    by_service(declared)
    declared.worker("a", mock_workers.add("a").url)
    await declared.until("a", status="False", reason="ServiceNotFound")
    message = declared.condition("a")["message"]

    declared.service("shepherd", smg_pair)
    await declared.until("a", timeout_s=20)

    assert f"Service {declared.namespace}/shepherd" in message
    assert message.endswith("create it")


async def test_a_gateway_at_rest_costs_one_read_of_its_slices_a_resync_and_no_write(
    declared: Declared,
    start_operator: Callable[..., Operator],
    smg_pair: tuple[Smg, Smg],
    mock_workers: MockWorkers,
) -> None:
    declared.service("shepherd", smg_pair)
    by_service(declared)
    start_operator().wait_healthy()
    declared.worker("a", mock_workers.add("a").url)
    await declared.until("a")
    await eventually(lambda: gateway_of(declared).get("ready") == "2/2", 20)

    lists = declared.cluster.requests(resource="endpointslices", namespace=declared.namespace)
    watches = [request for request in lists if request.verb == "watch"]
    writes = declared.cluster.requests(resource="modelgateways", namespace=declared.namespace)

    assert len(watches) == 1
    assert len([request for request in writes if request.subresource == "status"]) <= 4
