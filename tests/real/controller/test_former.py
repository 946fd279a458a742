"""A worker whose new URL is not up yet, on real replicas of which one is restarted."""

from typing import Any

from rig.declared import Declared, is_listed_ready, urls_of
from rig.gateway import Smg
from rig.waiting import eventually
from rig.workers import MockWorkers


async def test_a_replica_that_restarts_is_given_the_old_url_back_until_the_new_one_is_well(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    old, new = mock_workers.add("old"), mock_workers.add("new")
    new.sicken()
    declared.worker("a", old.url)
    await declared.until("a", reason="Registered")
    gateway = declared.path("gw", "modelgateways")
    await eventually(lambda: [row.get("workers") for row in _rows(declared, gateway)] == [1, 1], 30)  # both were read
    declared.worker("a", new.url)
    await eventually(lambda: bool(declared.status("a").get("former")), 30)

    ready_gateway[0].restart()
    await eventually(lambda: is_listed_ready(ready_gateway[0], old.url), 30)
    new.heal()
    await eventually(lambda: [urls_of(replica) for replica in ready_gateway] == [[new.url]] * 2, 60)
    found = await declared.until("a", reason="Registered", timeout_s=30)

    assert found["status"].get("former") is None


def _rows(declared: Declared, gateway: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (declared.cluster.get(gateway) or {})["status"]["replicas"]
    return rows
