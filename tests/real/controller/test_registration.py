"""From `kubectl apply` to Ready on two real replicas, and what is said on the way."""

import json
import math
from datetime import datetime
from typing import Any

import pytest

from herder.api.base import parse
from herder.api.worker import WorkerRegistrationStatus
from rig.control_plane.cluster import Cluster
from rig.declared import Declared, is_listed_ready, urls_of
from rig.gateway import Smg
from rig.kstatus import check
from rig.waiting import eventually
from rig.workers import MockWorkers, Script

pytestmark = pytest.mark.usefixtures("history")


async def test_a_healthy_worker_is_ready_on_both_replicas_after_few_writes(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers, control_plane: Cluster
) -> None:
    worker = mock_workers.add("a")

    declared.worker("a", worker.url)
    found = await declared.until("a", reason="Registered")

    assert found["status"]["registered"] == "2/2"
    assert all(is_listed_ready(replica, worker.url) for replica in ready_gateway)
    asked = control_plane.api_requests("workerregistrations", namespace=declared.namespace)
    assert asked["patch", ""] == 2  # its declaration, and the finalizer
    assert asked["patch", "status"] <= 2 + _seconds_of(
        found["status"]["workflow"]
    )  # start and end, and once a second between


def _seconds_of(run: dict[str, str]) -> int:
    """How many seconds of the clock a run has touched."""
    began, ended = (datetime.fromisoformat(run[name]) for name in ("startedAt", "finishedAt"))
    return math.ceil((ended - began).total_seconds())


async def test_the_status_shows_the_run_the_replicas_and_what_was_discovered(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a", Script(runtime="vllm", models=("llama-3",)))

    declared.worker("a", worker.url, priority=80, cost="0.5", labels={"zone": "eu-1"})
    found = await declared.until("a")

    status = found["status"]
    steps = {step["name"]: step["status"] for step in status["workflow"]["steps"]}
    assert steps["verify"] == "Succeeded"
    assert status["workflow"]["status"] == "Completed"
    assert status["worker"]["runtime"] == "vLLM"
    assert status["worker"]["models"] == ["llama-3"]
    assert [row["endpoint"] for row in status["replicas"]] == [replica.url for replica in ready_gateway]
    assert [row["workerId"] for row in status["replicas"]] == [r.workers()[0]["id"] for r in ready_gateway]
    assert [run["status"] for run in status["history"]] == ["Completed"]
    for replica in ready_gateway:
        entry = replica.workers()[0]
        assert (entry["priority"], entry["cost"], entry["labels"]["zone"]) == (80, 0.5, "eu-1")


async def test_kubectl_wait_and_the_columns_tell_the_same(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers, control_plane: Cluster
) -> None:
    manifest = {
        "apiVersion": "herder.dev/v1alpha1",
        "kind": "WorkerRegistration",
        "metadata": {"name": "a", "namespace": declared.namespace},
        "spec": {"gatewayRef": {"name": "gw"}, "url": mock_workers.add("a").url},
    }
    control_plane.kubectl("apply", "-f", "-", input=json.dumps(manifest))

    waited = control_plane.kubectl("wait", "--for=condition=Ready", "wr/a", "-n", declared.namespace, "--timeout=120s")
    row = control_plane.kubectl("get", "wr", "a", "-n", declared.namespace, "--no-headers").stdout.split()

    assert "condition met" in waited.stdout
    assert row[:4] == ["a", "True", "11/11", "2/2"]


async def test_a_worker_that_is_down_says_which_step_waits_why_and_until_when_and_recovers_by_itself(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a", Script(up=False))

    declared.worker("a", worker.url)
    step, message = await eventually(lambda: _waiting(declared.status("a")))
    worker.heal()
    healed = await declared.until("a", reason="Registered", timeout_s=20)

    assert step["name"] == "detect_connection"
    assert step["reason"] == "WorkerUnreachable"
    assert step["nextRetryAt"]
    assert "detect_connection" in message
    assert "next attempt at" in message
    assert urls_of(ready_gateway[0]) == urls_of(ready_gateway[1]) == [worker.url]
    assert healed["status"]["progress"] == "11/11"


def _waiting(status: dict[str, Any]) -> tuple[dict[str, Any], str] | None:
    """The step that waits for its next attempt, and what Ready says of it; None while none does."""
    steps = status.get("workflow", {}).get("steps", ())
    messages = [each["message"] for each in status.get("conditions", ()) if each["type"] == "Ready"]
    return next(((step, messages[0]) for step in steps if step["status"] == "Retrying"), None)


async def test_a_worker_past_its_startup_budget_is_stalled_with_step_and_remedy_and_a_retry_begins_again(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a", Script(health_status=503))

    declared.worker("a", worker.url, startup={"timeoutSeconds": 3})
    stalled = await declared.until("a", "Stalled", reason="StepFailed", timeout_s=15)
    message = declared.condition("a")["message"]
    worker.heal()
    declared.annotate("a", retry="1")
    retried = await declared.until("a", reason="Registered")

    assert "detect_connection" in message
    assert "herder.dev/retry" in message
    assert not [c for c in stalled["status"]["conditions"] if c["type"] == "Reconciling"]
    assert retried["status"]["lastHandled"] == {"retry": "1"}
    assert [run["status"] for run in retried["status"]["history"]] == ["Completed", "Failed"]


async def test_where_the_gateway_probes_the_probing_steps_are_skipped_and_its_discoveries_read_back(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a", Script(models=("qwen-3",)))

    declared.worker("a", worker.url, probe="Gateway")
    found = await declared.until("a")

    steps = {step["name"]: step["status"] for step in found["status"]["workflow"]["steps"]}
    assert [steps[name] for name in ("detect_connection", "detect_backend", "discover_metadata", "discover_dp")] == [
        "Skipped"
    ] * 4
    assert found["status"]["worker"]["models"] == ["qwen-3"]


async def test_every_status_on_the_way_reads_right_by_the_kstatus_rules(
    declared: Declared, ready_gateway: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a", Script(up=False))
    complaints: list[str] = []

    def look() -> bool:
        found = declared.get("a") or {}
        status = parse(WorkerRegistrationStatus, found.get("status", {}), at="status")
        if status.conditions:
            complaints.extend(check(status.conditions, found["metadata"]["generation"], status.observed_generation))
        return declared.condition("a").get("status") == "True"

    declared.worker("a", worker.url)
    await eventually(lambda: declared.condition("a", "Reconciling"))
    look()
    worker.heal()
    await eventually(look, 20)

    assert complaints == []
