"""Two ModelGateways that name the same real replicas."""

from rig.declared import Declared, is_listed_ready, urls_of
from rig.gateway import Smg
from rig.waiting import eventually, wait_for_condition
from rig.workers import MockWorkers


async def test_the_older_one_has_its_worker_also_after_a_restart_and_the_other_takes_over_when_it_goes(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a")
    declared.worker("first", worker.url, priority=1)
    await declared.until("first", reason="Registered")
    declared.gateway(ready_gateway, name="younger")
    path = declared.path("younger", "modelgateways")
    found = await wait_for_condition(declared.cluster, path, "Ready", status="False", reason="Conflict", timeout_s=30)
    declared.worker("second", worker.url, gatewayRef={"name": "younger"}, priority=2)
    await declared.until("second", "Stalled", reason="Conflict", timeout_s=30)

    ready_gateway[0].restart()
    await eventually(lambda: is_listed_ready(ready_gateway[0], worker.url), 30)
    after_restart = [listed["priority"] for listed in ready_gateway[0].workers()]
    declared.delete("first")
    await declared.until_gone("first", timeout_s=30)
    off = [urls_of(replica) for replica in ready_gateway]
    declared.cluster.delete(declared.path("gw", "modelgateways"))
    await declared.until("second", reason="Registered", timeout_s=30)

    says = [condition["message"] for condition in found["status"]["conditions"] if condition["type"] == "Ready"]
    assert "is driven for the older ModelGateway gw" in says[0]
    assert (after_restart, off) == ([1], [[], []])
    assert [[listed["priority"] for listed in replica.workers()] for replica in ready_gateway] == [[2], [2]]
