"""Drift on real replicas: what is deleted, changed or made by hand, what is left behind, and what is foreign."""

import json
from typing import Any

from rig.control_plane.cluster import Cluster
from rig.declared import Declared, is_listed_ready, urls_of
from rig.gateway import Smg
from rig.waiting import eventually
from rig.web import fetch
from rig.workers import MockWorker, MockWorkers

WITHIN_S = 15


def call(method: str, url: str, body: dict[str, Any] | None = None) -> None:
    """What somebody does with curl."""
    fetch(url, method=method, body=None if body is None else json.dumps(body).encode())


def entry_of(replica: Smg, url: str) -> dict[str, Any]:
    return next(worker for worker in replica.workers() if worker["url"] == url)


def gateway_of(declared: Declared) -> dict[str, Any]:
    found = declared.cluster.get(declared.path("gw", "modelgateways")) or {}
    status: dict[str, Any] = found["status"]
    return status


def told(declared: Declared, kind: str, reason: str) -> list[str]:
    """What Events of a reason said about resources of a kind."""
    events = declared.cluster.get(f"/api/v1/namespaces/{declared.namespace}/events") or {}
    return [e["message"] for e in events["items"] if (e["involvedObject"]["kind"], e["reason"]) == (kind, reason)]


async def test_what_is_deleted_by_hand_comes_back_and_is_told(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a")
    declared.worker("a", worker.url)
    await declared.until("a")
    await eventually(lambda: gateway_of(declared)["entries"]["registered"] == 2, WITHIN_S)
    former = entry_of(ready_gateway[0], worker.url)["id"]

    call("DELETE", f"{ready_gateway[0].url}/workers/{former}")

    def is_another() -> bool:
        ids = {entry["id"] for entry in ready_gateway[0].workers()}
        return bool(ids) and former not in ids

    await eventually(is_another, WITHIN_S)
    await declared.until("a", timeout_s=WITHIN_S)

    assert is_listed_ready(ready_gateway[0], worker.url)
    await eventually(
        lambda: any(ready_gateway[0].url in text for text in told(declared, "WorkerRegistration", "Drifted"))
    )


async def registered_on_both(declared: Declared, mock_workers: MockWorkers) -> MockWorker:
    """A worker that is declared with priority 50, and listed so."""
    worker = mock_workers.add("a")
    declared.worker("a", worker.url, priority=50)
    await declared.until("a")
    await eventually(lambda: gateway_of(declared)["entries"]["registered"] == 2, WITHIN_S)
    return worker


async def test_what_is_changed_by_hand_is_changed_back_and_told(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = await registered_on_both(declared, mock_workers)
    entry = entry_of(ready_gateway[1], worker.url)

    call("PATCH", f"{ready_gateway[1].url}/workers/{entry['id']}", {"priority": 3})
    await eventually(
        lambda: any("priority 3" in text for text in told(declared, "WorkerRegistration", "Drifted")), WITHIN_S
    )
    await eventually(lambda: entry_of(ready_gateway[1], worker.url)["priority"] == 50, WITHIN_S)

    assert entry_of(ready_gateway[1], worker.url)["id"] == entry["id"]


async def test_what_is_put_by_hand_without_its_owners_label_is_put_back_and_removed_with_its_resource(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = await registered_on_both(declared, mock_workers)
    entry = entry_of(ready_gateway[0], worker.url)
    by_hand = {"url": worker.url, "priority": 3}  # a PUT leaves nothing of what it does not name

    call("PUT", f"{ready_gateway[0].url}/workers/{entry['id']}", by_hand)
    await eventually(
        lambda: any("priority 3" in text for text in told(declared, "WorkerRegistration", "Drifted")), WITHIN_S
    )
    await eventually(lambda: entry_of(ready_gateway[0], worker.url)["priority"] == 50, WITHIN_S)
    restored = entry_of(ready_gateway[0], worker.url)
    declared.worker("a", worker.url, priority=50, suspend=True)
    await declared.until("a", status="False", reason="Suspended")
    call("PUT", f"{ready_gateway[0].url}/workers/{entry['id']}", by_hand)
    await eventually(lambda: entry_of(ready_gateway[0], worker.url)["priority"] == 3, WITHIN_S)
    declared.delete("a")
    await declared.until_gone("a")

    assert restored["id"] == entry["id"]
    assert restored["labels"]["herder.dev/owner"] == entry["labels"]["herder.dev/owner"]
    assert [urls_of(replica) for replica in ready_gateway] == [[], []]


async def test_what_is_made_by_hand_is_counted_and_left_and_what_a_gone_resource_has_left_is_swept(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers, control_plane: Cluster
) -> None:
    foreign, orphan, declared_worker = (mock_workers.add(name) for name in ("foreign", "orphan", "a"))
    installation = (control_plane.get("/api/v1/namespaces/kube-system") or {})["metadata"]["uid"]
    owner = f"{installation}/{declared.namespace}/gone/uid-of-the-gone"
    discovered = {"smg.ai/pod-uid": "somebody"}
    for replica in ready_gateway:
        call("POST", f"{replica.url}/workers", {"url": foreign.url, "labels": discovered})
        call("POST", f"{replica.url}/workers", {"url": orphan.url, "labels": {"herder.dev/owner": owner}})
    declared.worker("a", declared_worker.url)
    await declared.until("a")

    kept = sorted((foreign.url, declared_worker.url))
    await eventually(lambda: [urls_of(replica) for replica in ready_gateway] == [kept, kept], 30)
    await eventually(
        lambda: (
            gateway_of(declared)["entries"]
            == {"declared": 2, "registered": 2, "foreign": 2, "drifted": 0, "orphaned": 0}
        ),
        WITHIN_S,
    )
    await eventually(lambda: len(told(declared, "ModelGateway", "OrphanRemoved")) == 2, WITHIN_S)
    assert all(orphan.url in text for text in told(declared, "ModelGateway", "OrphanRemoved"))


async def test_a_gateway_that_is_only_observed_says_the_same_plan_and_nothing_of_it_is_done(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker, other = mock_workers.add("a"), mock_workers.add("b")
    declared.worker("a", worker.url)
    await declared.until("a")
    declared.gateway(ready_gateway, mode="Observe")
    entry = entry_of(ready_gateway[0], worker.url)
    call("PATCH", f"{ready_gateway[0].url}/workers/{entry['id']}", {"priority": 3})
    declared.worker("b", other.url)

    plan = [
        (ready_gateway[0].url, "Register", "b"),
        (ready_gateway[0].url, "Replace", "a"),
        (ready_gateway[1].url, "Register", "b"),
    ]

    def said() -> list[tuple[str, str, str]]:
        return [(each["endpoint"], each["action"], each["name"]) for each in gateway_of(declared).get("plan", [])]

    await eventually(lambda: sorted(said()) == sorted(plan), WITHIN_S)

    assert [urls_of(replica) for replica in ready_gateway] == [[worker.url], [worker.url]]
    assert entry_of(ready_gateway[0], worker.url)["priority"] == 3


async def test_a_replica_that_restarts_gets_everything_back_and_the_time_to_heal_is_measured(
    declared: Declared, smg_pair: tuple[Smg, Smg], mock_workers: MockWorkers, start_operator: Any
) -> None:
    declared.gateway(smg_pair)
    operator = start_operator().wait_healthy()
    workers = [mock_workers.add(f"w{number}") for number in range(20)]
    for number, worker in enumerate(workers):
        declared.worker(f"w{number}", worker.url)
    await eventually(lambda: gateway_of(declared).get("entries", {}).get("registered") == 40, 60)

    smg_pair[0].restart()
    wanted = sorted(worker.url for worker in workers)
    await eventually(lambda: urls_of(smg_pair[0]) == wanted, 60)

    name = f'herder_replica_heal_seconds_count{{gateway="gw",namespace="{declared.namespace}"}} 1.0'
    await eventually(lambda: name in fetch(operator.metrics_url).decode(), WITHIN_S)
    assert urls_of(smg_pair[1]) == wanted
