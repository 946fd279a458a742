"""What Prometheus finds."""

import asyncio

import pytest
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from herder.controller.metrics.registry import Metrics
from herder.controller.metrics.serving import CannotServe, served
from herder.controller.operator import Options
from herder.net.address import AddressPolicy
from herder.net.http import Http
from unit.controller.office import ENDPOINTS, GATEWAY, Office, working
from unit.engine.kit import virtual_time
from unit.net.servers import HOST, serving

CANARY = "canary-9c1d"


def values(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Each sample by its name and its labels' values, in the order of the labels' names."""
    families = text_string_to_metric_families(metrics.text().decode())
    samples = [sample for family in families for sample in family.samples]
    return {(s.name, *(s.labels[name] for name in sorted(s.labels))): s.value for s in samples}


@virtual_time
async def test_runs_that_wait_are_counted_by_what_for_and_for_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch, Options(runs_at_once=1)) as office:
        for endpoint in ENDPOINTS:
            office.replicas[endpoint].hangs = True
        for number in range(10):
            office.worker(f"w{number}")
        await asyncio.sleep(4)

        seen = values(office.operator.metrics)

        assert seen[("herder_runs_waiting", "worker")] == 5  # four have lent their place, one has it
        assert seen[("herder_runs_waiting", "removal")] == seen[("herder_runs_waiting", "rest")] == 0
        assert 3 < seen[("herder_runs_oldest_wait_seconds",)] < 5
        assert seen[("herder_runs_running",)] == 10
        assert seen[("herder_gateway_runs_waiting", "gw", "ns")] == 5
        assert seen[("herder_queue_depth", "WorkerRegistration")] == 0


def of_gateway(office: Office) -> dict[str, float]:
    seen = values(office.operator.metrics)
    return {key[-1]: value for key, value in seen.items() if key[:3] == ("herder_gateway_entries", "gw", "ns")}


@virtual_time
async def test_entries_are_shown_by_gateway_and_go_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:
        key = office.worker()
        await office.registered(key)
        seen = of_gateway(office)
        office.operator.metrics.healed(GATEWAY, 1.0)
        office.kube.remove(GATEWAY)
        await asyncio.sleep(1)

        assert seen == {"declared": 2, "registered": 2, "foreign": 0, "drifted": 0}
        assert [name for name in values(office.operator.metrics) if "gw" in name] == []


@virtual_time
async def test_no_url_and_no_secret_is_in_a_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:
        key = office.worker(url=f"http://{CANARY}:8000")
        await office.registered(key)
        await asyncio.sleep(30)
        office.a.restart()
        await asyncio.sleep(30)

        text = office.operator.metrics.text().decode()

        assert "herder_replica_heal_seconds_count" in text
        assert [word for word in (CANARY, "http", "replica-a") if word in text] == []


async def nobody(_request: web.Request) -> web.Response:
    """It is never asked."""
    return web.Response()


async def test_they_are_served_and_a_port_that_is_taken_is_said() -> None:
    async with serving(nobody) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(CannotServe, match=f"on {HOST}:{port}: address already in use"):
            async with served(Metrics().text, HOST, port):
                pass

    metrics = Metrics()
    metrics.healed(GATEWAY, 2.0)
    async with Http(AddressPolicy(allow_loopback=True)) as http, served(metrics.text, HOST, port):
        answer = await http.request("GET", f"http://{HOST}:{port}/metrics", deadline_s=5)

    assert answer.status == 200
    assert b"herder_replica_heal_seconds_count" in answer.body
    assert answer.headers["Content-Type"].startswith("text/plain")


async def test_with_port_zero_nothing_is_served() -> None:
    async with served(Metrics().text, HOST, 0):
        pass
