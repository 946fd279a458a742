"""Real gateway replicas, started, restarted, killed and frozen at will."""

import json
from pathlib import Path

import pytest

from rig.gateway import Smg
from rig.process import NotReadyError
from rig.waiting import eventually
from rig.web import fetch, is_ok
from rig.workers import MockWorkers, Script


def _register(smg: Smg, url: str) -> None:
    body = json.dumps({"url": url}).encode()
    fetch(f"{smg.url}/workers", method="POST", body=body)


async def test_a_restarted_replica_has_its_address_and_knows_nothing(
    smg_pair: tuple[Smg, Smg], mock_workers: MockWorkers
) -> None:
    smg, url = smg_pair[0], smg_pair[0].url
    _register(smg, mock_workers.add("a").url)
    await eventually(smg.workers)

    smg.restart()

    assert smg.url == url
    assert is_ok(f"{url}/health")
    assert smg.workers() == []


async def test_each_replica_has_a_registry_of_its_own(smg_pair: tuple[Smg, Smg], mock_workers: MockWorkers) -> None:
    first, second = smg_pair
    url = mock_workers.add("a").url

    _register(first, url)

    assert [worker["url"] for worker in await eventually(first.workers)] == [url]
    assert second.workers() == []


async def test_a_worker_that_turns_sick_shows_soon(smg_pair: tuple[Smg, Smg], mock_workers: MockWorkers) -> None:
    smg, worker = smg_pair[0], mock_workers.add("a")
    _register(smg, worker.url)
    await eventually(lambda: [one["status"] for one in smg.workers()] == ["ready"])

    worker.sicken()

    await eventually(lambda: [one["status"] for one in smg.workers()] == ["not_ready"])


async def test_a_failed_registration_is_explained_in_the_log_alone(mock_workers: MockWorkers, log_dir: Path) -> None:
    worker = mock_workers.add("a", Script(up=False))
    smg = Smg.start("--log-level", "warn", startup_timeout_s=3, log_dir=log_dir)

    _register(smg, worker.url)

    await eventually(lambda: f"type=AddWorker, worker={worker.url}" in smg.log.read_text())
    assert smg.workers() == []
    smg.kill()


def test_a_paused_replica_answers_nothing_until_it_is_resumed(smg_pair: tuple[Smg, Smg]) -> None:
    smg = smg_pair[0]

    smg.pause()
    answered_paused = is_ok(f"{smg.url}/health", timeout_s=0.5)
    smg.resume()

    assert not answered_paused
    assert is_ok(f"{smg.url}/health")


def test_a_replica_with_a_key_shows_its_workers_to_who_has_it(log_dir: Path) -> None:
    smg = Smg.start(api_key="k", log_dir=log_dir)

    assert smg.workers() == []
    assert not is_ok(f"{smg.url}/workers")
    smg.kill()


def test_a_replica_that_does_not_start_is_named_with_the_end_of_its_log(log_dir: Path) -> None:
    with pytest.raises(NotReadyError, match=r"(?s)smg ended with .* unrecognized arguments: --nonsense"):
        Smg.start("--nonsense", log_dir=log_dir)
