"""From `kubectl apply` to Ready on two real replicas, and what is said on the way."""

from rig.control_plane.cluster import Cluster
from rig.declared import Declared, is_listed_ready
from rig.gateway import Smg
from rig.workers import MockWorkers


async def test_a_healthy_worker_is_ready_on_both_replicas_after_few_writes(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers, control_plane: Cluster
) -> None:
    worker = mock_workers.add("a")

    declared.worker("a", worker.url)
    found = await declared.until("a", reason="Registered")

    assert found["status"]["registered"] == "2/2"
    assert all(is_listed_ready(replica, worker.url) for replica in ready_gateway)
    asked = control_plane.api_requests("workerregistrations", namespace=declared.namespace)
    assert asked["patch", ""] + asked["patch", "status"] <= 4
