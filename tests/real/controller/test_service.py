"""A gateway by its Service, on a real API server: replicas come and go with its EndpointSlices."""

import json
import ssl
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trustme

from rig.declared import Declared, is_listed_ready, urls_of
from rig.gateway import Smg, running
from rig.metrics import sum_of
from rig.operator_process import Operator
from rig.ports import HOST
from rig.tokenizers import loaded, write_tokenizer
from rig.waiting import eventually, settled, wait_for_condition
from rig.wasm import ModuleFolder, component
from rig.web import fetch
from rig.workers import MockWorkers

RESYNC_S = 60


@pytest.fixture
def trio(smg_pair: tuple[Smg, Smg], log_dir: Path) -> Iterator[tuple[Smg, Smg, Smg]]:
    """Three fresh replicas."""
    third = Smg.start(log_dir=log_dir)
    yield (*smg_pair, third)
    third.kill()


def by_service(declared: Declared, resync_s: int = RESYNC_S) -> None:
    spec = {"service": {"name": "shepherd", "port": "api"}, "resyncSeconds": resync_s}
    declared.apply("ModelGateway", "gw", spec)


def gateway_of(declared: Declared) -> dict[str, Any]:
    found = declared.cluster.get(declared.path("gw", "modelgateways")) or {}
    status: dict[str, Any] = found.get("status", {})
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
        await eventually(lambda name=name: declared.status(name)["registered"] == "3/3", 20)  # type: ignore[misc]  # a bound name
        assert all(is_listed_ready(replica, worker.url) for replica in trio)
    await eventually(lambda: gateway_of(declared)["ready"] == "3/3")

    for replica in trio[1:]:
        replica.kill()
    declared.service("shepherd", trio[:1])
    await eventually(lambda: {declared.status(name)["registered"] for name in workers} == {"1/1"}, 20)
    declared.delete("a")
    await declared.until_gone("a")

    for name in ("b", "c"):
        await declared.until(name)
    await eventually(lambda: gateway_of(declared)["ready"] == "1/1")
    assert urls_of(trio[0]) == sorted(workers[name].url for name in ("b", "c"))


async def test_modules_and_tokenizers_come_and_go_with_the_replicas_too(
    declared: Declared, operator: Operator, log_dir: Path, tmp_path: Path
) -> None:
    with running(3, "--enable-wasm", log_dir=log_dir) as trio:
        module = ModuleFolder(tmp_path).put("a.wasm", component(declared.namespace))
        declared.service("shepherd", trio[:1])
        by_service(declared)
        ref = {"gatewayRef": {"name": "gw"}}
        declared.apply("WasmModule", "m", {**ref, "source": {"path": module}})
        source = str(write_tokenizer(tmp_path / "t", "hello"))
        declared.apply("Tokenizer", "t", {**ref, "name": "t", "source": source})
        paths = [declared.path("m", "wasmmodules"), declared.path("t", "tokenizers")]

        await until_registered(declared, paths, "1/1")
        declared.service("shepherd", trio)
        await until_registered(declared, paths, "3/3")
        held = [(modules_of(replica), loaded(replica.url)) for replica in trio]
        for replica in trio[1:]:
            replica.kill()
        declared.service("shepherd", trio[:1])
        await until_registered(declared, paths, "1/1")
        for path in paths:
            declared.cluster.delete(path)
        await eventually(lambda: all(declared.cluster.get(path) is None for path in paths), 20)
        left = modules_of(trio[0]), loaded(trio[0].url)

    assert held == [([module], {"t": source})] * 3
    assert left == ([], {})


async def until_registered(declared: Declared, paths: Sequence[str], tally: str) -> None:
    """Wait until all of these are Ready on so many replicas."""
    for path in paths:
        await eventually(partial(_is_registered, declared, path, tally), 30)


def _is_registered(declared: Declared, path: str, tally: str) -> bool:
    status = (declared.cluster.get(path) or {}).get("status", {})
    is_ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions", ()))
    return is_ready and status["registered"] == tally


def modules_of(replica: Smg) -> list[str]:
    """The files of the modules that a replica lists."""
    listed = json.loads(fetch(f"{replica.url}/wasm"))["modules"]
    return [each["module_meta"]["file_path"] for each in listed]


async def test_replicas_behind_a_service_are_reached_by_https_with_an_authority_from_a_secret(
    declared: Declared, operator: Operator, log_dir: Path, tmp_path: Path, mock_workers: MockWorkers
) -> None:
    ca, stranger = trustme.CA(), trustme.CA()
    issued = ca.issue_cert(f"shepherd.{declared.namespace}.svc", HOST)
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    issued.cert_chain_pems[0].write_to_path(str(certificate))
    issued.private_key_pem.write_to_path(str(key))
    trust = ssl.create_default_context(cadata=ca.cert_pem.bytes().decode())
    replica = Smg.start("--tls-cert-path", str(certificate), "--tls-key-path", str(key), tls=trust, log_dir=log_dir)
    try:
        declared.service("shepherd", [replica])
        declared.secret("authority", **{"ca.crt": stranger.cert_pem.bytes().decode()})
        spec = {
            "service": {"name": "shepherd", "port": "api", "scheme": "HTTPS"},
            "tls": {"caSecretRef": {"name": "authority", "key": "ca.crt"}},
            "resyncSeconds": 1,
        }
        declared.apply("ModelGateway", "gw", spec)
        worker = mock_workers.add("a")
        declared.worker("a", worker.url)
        path = declared.path("gw", "modelgateways")
        refused = await wait_for_condition(declared.cluster, path, "Ready", status="False", reason="GatewayRefuses")

        declared.secret("authority", **{"ca.crt": ca.cert_pem.bytes().decode()})
        await declared.until("a", timeout_s=30)
        listed = is_listed_ready(replica, worker.url)
    finally:
        replica.kill()

    assert "certificate" in str(refused["status"]["conditions"]).lower()
    assert listed


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
    assert message.endswith("create it, or correct spec.service.name")


async def test_a_gateway_at_rest_costs_one_watch_of_its_slices_and_no_write(
    declared: Declared,
    operator: Operator,
    smg_pair: tuple[Smg, Smg],
    mock_workers: MockWorkers,
) -> None:
    declared.service("shepherd", smg_pair)
    by_service(declared, resync_s=1)
    declared.worker("a", mock_workers.add("a").url)
    await declared.until("a")
    await eventually(lambda: gateway_of(declared).get("ready") == "2/2", 20)
    await eventually(lambda: gateway_of(declared)["entries"]["registered"] == 2, 20)
    before, looked = await settled(lambda: status_writes(declared)), lists_of(operator)

    await eventually(lambda: lists_of(operator) >= looked + 5 * len(smg_pair), 20)

    slices = declared.cluster.requests(resource="endpointslices", namespace=declared.namespace)
    assert [request.verb for request in slices].count("watch") == 1
    assert status_writes(declared) == before


def status_writes(declared: Declared) -> int:
    """How often the gateway's status was written."""
    asked = declared.cluster.api_requests("modelgateways", namespace=declared.namespace)
    return asked["patch", "status"]


def lists_of(operator: Operator) -> float:
    """How many lists of workers it was given by replicas."""
    return sum_of(operator, "herder_gateway_requests_total", method="GET", route="/workers", result="200")
