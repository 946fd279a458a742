"""SIGTERM amid a step: the operator ends within ten seconds, told twice at once, and what it was at goes on.

Whatever has not ended in order nine seconds after it was told is ended by SIGALRM: who returns 0 was in time.
"""

import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from real.leadership.conftest import Realm
from rig.declared import Declared, urls_of
from rig.gateway import Smg
from rig.operator_process import Operator
from rig.waiting import eventually
from rig.workers import Answer, MockWorkers, Script

UNFINISHED = {"Running", "Retrying"}


@dataclass(frozen=True)
class Held:
    """What keeps a registration at a step."""

    step: str
    script: Script
    spec: dict[str, Any] = field(default_factory=dict)


HELD = [
    Held("detect_connection", Script(up=False)),
    Held("detect_connection", Script(health_delay_s=4.0)),
    Held("detect_backend", Script(answers={"/v1/models": Answer(status=500)})),
    Held("await_ready", Script(up=False), {"probe": "Gateway"}),
]


def run_of(declared: Declared) -> dict[str, Any]:
    """The run that the worker `a` shows."""
    run: dict[str, Any] = declared.status("a").get("workflow", {})
    return run


def step_of(run: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next((step for step in run.get("steps", ()) if step["name"] == name), {})
    return found


def finished(run: dict[str, Any]) -> dict[str, str]:
    """When each step that is over ended."""
    return {step["name"]: step["finishedAt"] for step in run["steps"] if "finishedAt" in step}


@pytest.mark.parametrize("held", HELD, ids=["between attempts", "amid a call", "discovering", "waiting for replicas"])
async def test_a_registration_is_left_unfinished_and_gone_on_with(
    held: Held,
    declared: Declared,
    smg_pair: tuple[Smg, Smg],
    mock_workers: MockWorkers,
    start_operator: Callable[..., Operator],
) -> None:
    declared.gateway(smg_pair)
    operator = start_operator().wait_healthy()
    worker = mock_workers.add("a", held.script)
    declared.worker("a", worker.url, **held.spec)
    await eventually(lambda: step_of(run_of(declared), held.step).get("status") in UNFINISHED, 60)

    code = operator.stop(timeout_s=60)
    left = declared.status("a")["workflow"]
    worker.heal()
    worker.change(answers={})
    start_operator().wait_healthy()
    after = (await declared.until("a", timeout_s=60))["status"]["workflow"]

    assert code == 0
    assert left["status"] == "Running"
    assert step_of(left, held.step)["status"] in UNFINISHED
    assert after["instanceId"] == left["instanceId"]
    assert finished(left).items() <= finished(after).items()
    assert urls_of(smg_pair[0]) == urls_of(smg_pair[1]) == [worker.url]


async def test_a_removal_is_left_unfinished_and_gone_on_with(
    declared: Declared,
    smg_pair: tuple[Smg, Smg],
    mock_workers: MockWorkers,
    start_operator: Callable[..., Operator],
) -> None:
    declared.gateway(smg_pair)
    operator = start_operator().wait_healthy()
    declared.worker("a", mock_workers.add("a").url, drain={"settleSeconds": 3})
    await declared.until("a", timeout_s=60)
    declared.delete("a")
    await eventually(lambda: run_of(declared)["name"] == "worker-removal", 60)

    code = operator.stop(timeout_s=60)
    left = declared.status("a")["workflow"]
    start_operator().wait_healthy()
    await declared.until_gone("a", 60)

    assert code == 0
    assert (left["name"], left["status"]) == ("worker-removal", "Running")
    assert urls_of(smg_pair[0]) == urls_of(smg_pair[1]) == []


async def test_an_api_server_that_answers_nothing_any_more_does_not_hold_up_the_end(
    realm: Realm, mock_workers: MockWorkers
) -> None:
    leader = realm.enter()
    await eventually(lambda: leader.leads, 60)
    realm.declared.worker("a", mock_workers.add("a", Script(up=False)).url)
    await eventually(lambda: "workflow" in realm.declared.status("a"), 30)

    leader.api.swallows = lambda _path: True
    code = leader.operator.stop(timeout_s=60)

    assert code == 0
    assert realm.declared.status("a")["workflow"]["status"] == "Running"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_told_twice_it_ends_at_once_and_its_run_goes_on_under_the_next_one(
    realm: Realm, mock_workers: MockWorkers, number: signal.Signals
) -> None:
    leader = realm.enter()
    await eventually(lambda: leader.leads, 60)
    worker = mock_workers.add("a", Script(up=False))
    realm.declared.worker("a", worker.url)
    await eventually(lambda: step_of(run_of(realm.declared), "detect_connection").get("status") in UNFINISHED, 60)
    process = leader.operator.process

    leader.api.swallows = lambda _path: True  # so that to end in order takes a while
    process.send_signal(number)
    await eventually(lambda: not _catches(process.pid, number), 30)
    process.send_signal(number)
    await eventually(lambda: process.returncode is not None, 30)
    left = realm.declared.status("a")["workflow"]
    leader.pod.ended()
    worker.heal()
    realm.enter()
    after = (await realm.declared.until("a", timeout_s=60))["status"]["workflow"]

    assert process.returncode == -number
    assert left["status"] == "Running"
    assert after["instanceId"] == left["instanceId"]


def _catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (number - 1) & 1)
