"""A gateway by its Service: its replicas come and go with the EndpointSlices, and the Service may be missing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from herder.controller.cluster.errors import Forbidden, Unreached
from unit.controller.fake_kube import Call
from unit.controller.office import ENDPOINTS, GATEWAY, ListedReplica, Office, at_work, working
from unit.engine.kit import virtual_time

PORT = {"name": "api", "port": 80}
A, B, C = ({f"10.0.0.{n}": 30000} for n in (1, 2, 3))
SERVICE = {"service": {"name": "shepherd", "port": 80}}


def url(of: dict[str, int]) -> str:
    [(address, port)] = of.items()
    return f"http://{address}:{port}"


@asynccontextmanager
async def following(*at_first: dict[str, int]) -> AsyncIterator[Office]:
    """An office whose gateway is a Service with replicas at A, B and C, as far as slices name them."""
    async with working() as office:
        for each in (A, B, C):
            office.replicas[url(each)] = ListedReplica(url(each), office.workers)
        office.kube.put_service("shepherd", PORT)
        put(office, *at_first)
        office.kube.apply(GATEWAY.kind, GATEWAY.name, {**SERVICE, "resyncSeconds": 60})
        await office.until(lambda: "conditions" in office.kube.status(GATEWAY))
        yield office


def put(office: Office, *of: dict[str, int]) -> None:
    office.kube.put_slice("shepherd", {address: port for each in of for address, port in each.items()})


def shown(office: Office) -> list[str]:
    return [row["endpoint"] for row in office.kube.status(GATEWAY)["replicas"]]


@virtual_time
async def test_a_worker_is_registered_on_every_replica_behind_the_service() -> None:
    async with following(A, B) as office:
        key = office.worker()
        await office.registered(key)

        assert office.listed(url(A)) == office.listed(url(B)) == ["http://a:8000"]
        assert shown(office) == [url(A), url(B)]
        assert office.condition(GATEWAY)["message"] == "2 of 2 replicas answer"


@virtual_time
async def test_a_replica_that_appears_gets_everything_at_once_and_one_that_leaves_is_forgotten() -> None:
    async with following(A) as office:
        keys = [office.worker(name) for name in ("a", "b")]
        for key in keys:
            await office.registered(key)

        put(office, A, B, C)
        await office.until(lambda: len(office.listed(url(B))) == len(office.listed(url(C))) == 2, within_s=5)
        await office.until(lambda: office.kube.status(keys[0])["registered"] == "3/3", within_s=5)
        office.replicas[url(C)].away = True
        put(office, A)
        await office.until(lambda: office.kube.status(keys[0])["registered"] == "1/1", within_s=5)
        rows = [row["endpoint"] for row in office.kube.status(keys[0])["replicas"]]
        office.kube.delete(keys[0])
        await office.until(lambda: office.is_gone(keys[0]), within_s=20)

        assert (rows, shown(office)) == ([url(A)], [url(A)])
        assert office.listed(url(A)) == ["http://b:8000"]


@virtual_time
async def test_a_service_without_replicas_says_so_and_its_first_replica_is_noticed() -> None:
    async with following() as office:
        key = office.worker()
        await office.until(office.says(key, "NoReplicas"))
        await office.until(office.says(GATEWAY, "NoReplicas"))
        reachable = office.condition(GATEWAY, "Reachable")

        put(office, A)
        await office.until(office.says(key, "Registered"), within_s=5)

        assert (reachable["status"], reachable["reason"]) == ("False", "NoReplica")


@virtual_time
async def test_a_deletion_does_not_wait_for_replicas_that_are_all_gone() -> None:
    async with following(A) as office:
        key = office.worker(drain={"settleSeconds": 0, "timeoutSeconds": 3600, "onTimeout": "Keep"})
        await office.registered(key)
        office.replicas[url(A)].away = True
        put(office)
        await office.until(office.says(GATEWAY, "NoReplicas"))

        office.kube.delete(key)

        await office.until(lambda: office.is_gone(key), within_s=20)


@at_work
async def test_a_missing_service_is_named_with_the_remedy_and_its_arrival_heals(office: Office) -> None:
    office.replicas[url(A)] = ListedReplica(url(A), office.workers)
    put(office, A)
    office.kube.apply(GATEWAY.kind, GATEWAY.name, SERVICE)
    key = office.worker()
    await office.until(office.says(key, "ServiceNotFound"))
    said = office.condition(GATEWAY)
    stalled = office.condition(GATEWAY, "Stalled")["reason"]

    office.kube.put_service("shepherd", PORT)
    await office.until(office.says(key, "Registered"), within_s=10)

    remedy = "create it, or correct spec.service.name"
    assert said["message"] == f"Service ns/shepherd, named by spec.service, does not exist: {remedy}"
    assert (said["reason"], stalled) == ("ServiceNotFound", "ServiceNotFound")


@at_work
async def test_a_port_that_the_service_has_not_is_named(office: Office) -> None:
    office.kube.put_service("shepherd", PORT)
    office.kube.apply(GATEWAY.kind, GATEWAY.name, {"service": {"name": "shepherd", "port": "http"}})

    await office.until(office.says(GATEWAY, "ServiceNotFound"))
    assert "it has in spec.service.port: 80 (api)" in office.condition(GATEWAY)["message"]


@at_work
async def test_rights_that_are_missing_are_named(office: Office) -> None:
    async def refuse(call: Call) -> None:
        if "endpointslices" in call.path:
            raise Forbidden("403")

    office.kube.gate = refuse
    office.kube.put_service("shepherd", PORT)
    office.kube.apply(GATEWAY.kind, GATEWAY.name, SERVICE)

    await office.until(office.says(GATEWAY, "ServiceNotFound"))
    assert "`list` and `watch` on endpointslices" in office.condition(GATEWAY)["message"]


@virtual_time
async def test_a_watch_that_breaks_is_opened_again_for_ever_and_what_it_missed_is_found_by_the_resync() -> None:
    async with following(A) as office:
        for _ in range(20):
            [watch] = office.kube.slice_watches
            watch.put_nowait(Unreached("cut"))
            await office.until(lambda: not office.kube.slice_watches)
            await office.until(lambda: len(office.kube.slice_watches) == 1, within_s=40)
        [watch] = office.kube.slice_watches
        office.kube.slice_watches.clear()
        put(office, A, B)  # which nobody is told of
        office.kube.slice_watches.append(watch)

        await office.until(lambda: shown(office) == [url(A), url(B)], within_s=40)


@virtual_time
async def test_an_api_server_that_can_not_tell_leaves_the_replicas_as_they_are() -> None:
    async with following(A) as office:
        key = office.worker()
        await office.registered(key)

        async def refuse(call: Call) -> None:
            if "endpointslices" in call.path or "/services/" in call.path:
                raise Unreached("503")

        office.kube.gate = refuse
        await asyncio.sleep(300)

        assert office.condition(key)["reason"] == "Registered"
        assert shown(office) == [url(A)]


@virtual_time
async def test_a_gateway_that_goes_back_to_endpoints_or_goes_is_not_watched_any_more() -> None:
    async with following(A) as office:
        office.gateway()
        await office.until(lambda: shown(office) == list(ENDPOINTS))
        after_endpoints = len(office.kube.slice_watches)
        office.kube.apply(GATEWAY.kind, GATEWAY.name, SERVICE)
        await office.until(lambda: len(office.kube.slice_watches) == 1)
        office.kube.remove(GATEWAY)
        await asyncio.sleep(1)

        assert (after_endpoints, len(office.kube.slice_watches)) == (0, 0)


@virtual_time
async def test_a_gateway_at_rest_is_not_written() -> None:
    async with following(A, B) as office:
        key = office.worker()
        await office.registered(key)
        await asyncio.sleep(120)
        before = office.writes(GATEWAY)
        await asyncio.sleep(1200)

        assert office.writes(GATEWAY) == before


@virtual_time
async def test_with_https_the_certificate_must_bear_the_name_of_the_service() -> None:
    async with following(A) as office:
        plain = office.operator.fleet.gateways.get(GATEWAY)
        https = url(A).replace("http:", "https:")
        office.replicas[https] = ListedReplica(https, office.workers)
        office.kube.apply(GATEWAY.kind, GATEWAY.name, {"service": {**SERVICE["service"], "scheme": "HTTPS"}})
        await office.until(lambda: shown(office) == [https])
        secure = office.operator.fleet.gateways.get(GATEWAY)

        assert plain is not None
        assert secure is not None
        assert (plain.access.trust.server_name, secure.access.trust.server_name) == (None, "shepherd.ns.svc")


@pytest.mark.parametrize("host", ["shepherd", "shepherd.ns", "shepherd.ns.svc", "shepherd.ns.svc.cluster.local"])
@virtual_time
async def test_the_service_in_front_of_a_gateway_is_no_worker_of_it(host: str) -> None:
    async with following(A) as office:
        loop = office.worker("loop", url=f"http://{host}:80")
        other = office.worker("other", url=f"http://{host}:8000")

        await office.until(office.says(loop, "AddressRefused"))
        await office.registered(other)

        assert f"{host}:80" in office.condition(loop)["message"]
