"""What a resource refers to: missing, it is named; arriving, it heals; changing, it is followed."""

from collections.abc import Callable

from rig.control_plane.cluster import Cluster
from rig.declared import Declared, is_listed_ready, urls_of
from rig.gateway import Smg
from rig.operator_process import Operator
from rig.waiting import eventually, wait_for_condition
from rig.workers import MockWorkers, Script


async def test_a_missing_gateway_is_named_and_its_arrival_heals(
    declared: Declared, operator: Operator, smg_pair: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    declared.worker("a", mock_workers.add("a").url)
    await declared.until("a", status="False", reason="GatewayNotFound", timeout_s=30)
    message = declared.condition("a")["message"]

    declared.gateway(smg_pair)
    await declared.until("a", reason="Registered")

    assert "ModelGateway gw" in message


async def test_a_missing_secret_is_named_and_its_arrival_heals(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a", Script(api_key="canary-5f0e"))
    declared.worker("a", worker.url, apiKeySecretRef={"name": "worker-key", "key": "token"})
    await declared.until("a", status="False", reason="SecretNotFound")
    message = declared.condition("a")["message"]

    declared.secret("worker-key", token="canary-5f0e")
    await declared.until("a", reason="Registered", timeout_s=20)

    assert f"{declared.namespace}/worker-key" in message
    assert "spec.apiKeySecretRef" in message


async def test_a_keyed_worker_without_its_key_is_never_posted_and_says_what_it_needs(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a", Script(api_key="canary-5f0e"))

    declared.worker("a", worker.url)
    await declared.until("a", "Stalled", reason="StepFailed")

    assert "spec.apiKeySecretRef" in declared.condition("a")["message"]
    assert urls_of(ready_gateway[0]) == urls_of(ready_gateway[1]) == []


async def test_the_gateways_own_key_is_sent_and_a_wrong_one_is_said(
    declared: Declared, operator: Operator, mock_workers: MockWorkers, control_plane: Cluster
) -> None:
    replica = Smg.start(api_key="canary-77aa")
    try:
        declared.gateway([replica], auth={"apiKeySecretRef": {"name": "gateway-key", "key": "token"}})
        path = declared.path("gw", "modelgateways")
        await wait_for_condition(control_plane, path, "Ready", status="False", reason="SecretNotFound")
        declared.worker("a", mock_workers.add("a").url)
        await declared.until("a", status="False", reason="SecretNotFound")
        declared.secret("gateway-key", token="wrong")
        await wait_for_condition(control_plane, path, "Ready", status="False", reason="GatewayRefuses", timeout_s=20)
        declared.secret("gateway-key", token="canary-77aa")
        await declared.until("a", reason="Registered", timeout_s=60)
    finally:
        replica.kill()


async def test_no_secret_is_in_a_status_an_event_or_the_log(
    declared: Declared,
    smg_pair: tuple[Smg, Smg],
    mock_workers: MockWorkers,
    control_plane: Cluster,
    start_operator: Callable[..., Operator],
) -> None:
    operator = start_operator("--log-level", "debug").wait_healthy()
    declared.gateway(smg_pair)
    worker = mock_workers.add("a", Script(api_key="canary-c0ffee"))
    declared.secret("worker-key", token="canary-c0ffee", other="canary-wrong")

    declared.worker("a", worker.url, apiKeySecretRef={"name": "worker-key", "key": "token"})
    declared.worker("b", worker.url + "/b", apiKeySecretRef={"name": "worker-key", "key": "other"})
    await declared.until("a", reason="Registered")
    await declared.until("b", status="False")
    words = ["get", "wr,mgw,events", "-n", declared.namespace, "-o", "yaml"]
    shown = control_plane.kubectl(*words).stdout

    assert "canary" not in shown
    assert "canary" not in operator.log.read_text()


async def test_a_resource_of_a_gateway_in_another_namespace_finds_none(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    declared.worker("a", mock_workers.add("a").url, gatewayRef={"name": "elsewhere"})

    await declared.until("a", "Stalled", reason="GatewayNotFound", timeout_s=30)


async def test_a_gateway_that_is_only_observed_is_never_changed(
    declared: Declared, operator: Operator, smg_pair: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    declared.gateway(smg_pair, mode="Observe")
    worker = mock_workers.add("a")

    declared.worker("a", worker.url)
    await declared.until("a", status="False", reason="Observed")
    listed = urls_of(smg_pair[0])
    declared.gateway(smg_pair, mode="Enforce")
    await declared.until("a", reason="Registered")

    assert listed == []
    assert all(is_listed_ready(replica, worker.url) for replica in smg_pair)


async def test_a_replica_that_is_added_to_the_gateway_gets_what_is_declared(
    declared: Declared, operator: Operator, smg_pair: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    declared.gateway(smg_pair[:1])
    worker = mock_workers.add("a")
    declared.worker("a", worker.url)
    await declared.until("a")

    declared.gateway(smg_pair)
    await eventually(lambda: declared.status("a")["registered"] == "2/2")

    assert is_listed_ready(smg_pair[1], worker.url)
