"""Nothing is written while nothing changes, and a broken watch does not go unnoticed."""

import asyncio
from collections.abc import Callable

from rig.control_plane.audit import ApiRequest
from rig.control_plane.cluster import Cluster
from rig.control_plane.control_plane import ControlPlane
from rig.declared import Declared
from rig.gateway import Smg
from rig.operator_process import Operator
from rig.waiting import eventually, settled
from rig.workers import MockWorkers, Script

_QUIET_S = 60
_WRITES = {"patch", "update", "create", "delete"}
_KINDS = ("workerregistrations", "modelgateways", "events")


def writes(cluster: Cluster, namespace: str) -> list[ApiRequest]:
    """Everything that was written in a namespace about herder's resources, Events included."""
    asked = (request for kind in _KINDS for request in cluster.requests(resource=kind, namespace=namespace))
    return [request for request in asked if request.verb in _WRITES]


async def test_nothing_is_written_while_nothing_changes(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers, control_plane: Cluster
) -> None:
    declared.worker("a", mock_workers.add("a").url)
    declared.worker("refused", mock_workers.add("b", Script(api_key="k")).url)
    declared.worker("lost", mock_workers.add("c").url, gatewayRef={"name": "none"})
    await declared.until("a")
    await declared.until("refused", "Stalled")
    await declared.until("lost", "Stalled")
    before = await settled(lambda: writes(control_plane, declared.namespace))

    await asyncio.sleep(_QUIET_S)

    assert writes(control_plane, declared.namespace) == before


async def test_an_operator_that_starts_and_finds_everything_settled_writes_nothing(
    declared: Declared,
    smg_pair: tuple[Smg, Smg],
    mock_workers: MockWorkers,
    control_plane: Cluster,
    start_operator: Callable[..., Operator],
) -> None:
    declared.gateway(smg_pair)
    operator = start_operator().wait_healthy()
    declared.worker("a", mock_workers.add("a").url)
    declared.worker("refused", mock_workers.add("b", Script(api_key="k")).url)
    await declared.until("a")
    await declared.until("refused", "Stalled")
    operator.stop()
    before = [request for request in writes(control_plane, declared.namespace) if request.resource != "events"]

    start_operator().wait_healthy()
    declared.worker("later", mock_workers.add("c").url)
    await declared.until("later")  # by now it has looked at the others, too

    after = [request for request in writes(control_plane, declared.namespace) if request.resource != "events"]
    assert [request for request in after if request.name not in {"later", "gw"}] == [
        request for request in before if request.name != "gw"
    ]


async def test_an_outage_of_the_api_server_longer_than_kopfs_own_patience_is_survived(
    own_control_plane: ControlPlane, smg_pair: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    own_control_plane.kubectl("create", "namespace", "n")
    declared = Declared(own_control_plane, "n")
    declared.gateway(smg_pair)
    operator = Operator.start(own_control_plane).wait_healthy()
    try:
        own_control_plane.stop_api_server()
        await asyncio.sleep(60)  # kopf gives up after 54 s by default
        own_control_plane.start_api_server()
        declared.worker("a", mock_workers.add("a").url)
        await declared.until("a", timeout_s=30)

        assert operator.process.returncode is None
        await eventually(operator.is_healthy, 15)
    finally:
        operator.kill()


async def test_an_operator_without_the_crds_says_what_to_do(own_control_plane: ControlPlane) -> None:
    own_control_plane.kubectl("delete", "crd", "workerregistrations.herder.dev", "modelgateways.herder.dev")

    operator = Operator.start(own_control_plane)
    try:
        await eventually(lambda: operator.process.returncode is not None, 30)

        assert operator.process.returncode == 1
        assert "kubectl apply -f crds/" in operator.log.read_text()
    finally:
        operator.kill()
