"""Reading and changing the registry of the real gateway."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from herder.gateway.errors import (
    AlreadyExists,
    Conflict,
    CreateInProgress,
    Gone,
    Permanent,
    Unauthorized,
    Unavailable,
)
from herder.gateway.replica import Replica
from herder.gateway.spec import Health, WorkerPatch, WorkerSpec
from herder.gateway.types import WorkerStatus
from herder.net.http import Http
from real.gateway.steps import NOWHERE, added, gone, idle, is_ready, ready, status_of
from rig.gateway import Smg
from rig.workers import MockWorkers, Script


async def test_a_worker_is_listed_as_it_was_declared(replica: Replica, mock_workers: MockWorkers) -> None:
    url = mock_workers.add("a", Script(runtime="vllm", models=("m",))).url
    spec = WorkerSpec(url=url, priority=7, cost=Decimal("1.1"), labels={"herder.dev/owner": "x"}, api_key="k")

    worker = await ready(replica, await replica.add_worker(spec))

    assert (await replica.find_all(f"{url}/"))[0].id == worker.id
    assert (worker.url, worker.key, worker.priority, worker.cost) == (url, url, 7, 1.1)
    assert (worker.worker_type, worker.connection_mode, worker.runtime_type) == ("regular", "http", "vllm")
    assert worker.labels["herder.dev/owner"] == "x"
    assert (worker.model_id, [model.id for model in worker.models]) == ("m", ["m"])


async def test_the_replica_calls_the_worker_with_the_key_it_was_given(
    replica: Replica, mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a", Script(api_key="s3cr3t"))

    await ready(replica, await replica.add_worker(WorkerSpec(url=worker.url, api_key="s3cr3t")))

    assert "Bearer s3cr3t" in {received.authorization for received in worker.received()}


async def test_a_full_spec_is_accepted(replica: Replica, mock_workers: MockWorkers) -> None:
    spec = WorkerSpec(
        url=mock_workers.add("a").url,
        worker_type="decode",
        runtime_type="sglang",
        models=("other-model",),
        priority=4_294_967_295,
        health=Health(3, 2, 1, 4, disable_health_check=False, drain_settle_secs=1),
    )

    worker = await ready(replica, await replica.add_worker(spec))

    assert (worker.worker_type, worker.model_id, worker.priority) == ("decode", "other-model", 4_294_967_295)


async def test_a_second_add_names_the_first_while_it_registers_and_when_it_is_there(
    replica: Replica, mock_workers: MockWorkers
) -> None:
    worker = mock_workers.add("a", Script(up=False))
    spec = WorkerSpec(url=worker.url)
    worker_id = await replica.add_worker(spec)

    with pytest.raises(CreateInProgress) as in_progress:
        await replica.add_worker(spec)
    worker.heal()
    await ready(replica, worker_id)
    with pytest.raises(AlreadyExists) as exists:
        await replica.add_worker(spec)

    assert (in_progress.value.worker_id, exists.value.worker_id) == (worker_id, worker_id)


async def test_a_pending_worker_is_found_by_its_id_and_in_no_list(replica: Replica, mock_workers: MockWorkers) -> None:
    url = mock_workers.add("a", Script(up=False)).url

    worker = await replica.get_worker(await replica.add_worker(WorkerSpec(url=url)))

    assert worker.status is WorkerStatus.PENDING
    assert worker.job is not None
    assert worker.job.is_running
    assert await replica.find_all(url) == ()


async def test_a_registration_that_fails_turns_into_gone(log_dir: Path, http: Http, mock_workers: MockWorkers) -> None:
    """The silent 404: no status `failed`, no reason, nothing but an id that is no more."""
    smg = Smg.start(startup_timeout_s=3, log_dir=log_dir)
    try:
        replica = Replica(smg.url, http)
        worker_id = await replica.add_worker(WorkerSpec(url=mock_workers.add("a", Script(up=False)).url))
        assert await status_of(replica, worker_id) is WorkerStatus.PENDING

        await gone(replica, worker_id)
    finally:
        smg.kill()


async def test_what_was_never_there_is_gone(replica: Replica) -> None:
    with pytest.raises(Gone, match="WORKER_NOT_FOUND"):
        await replica.get_worker(NOWHERE)


async def test_a_bad_body_is_permanent_in_the_gateways_words(replica: Replica, mock_workers: MockWorkers) -> None:
    spec = WorkerSpec(url=mock_workers.add("a").url, labels={"no spaces allowed": "x"})

    with pytest.raises(Permanent, match="answered 400: BAD_REQUEST: "):
        await replica.add_worker(spec)


async def test_a_patch_changes_what_it_names(replica: Replica, mock_workers: MockWorkers) -> None:
    url = mock_workers.add("a").url
    worker_id = await replica.add_worker(WorkerSpec(url=url, labels={"a": "1"}, priority=3))
    await idle(replica, worker_id)

    await replica.patch_worker(worker_id, url, WorkerPatch(cost=Decimal("2.5"), labels={"b": "2"}))

    worker = await idle(replica, worker_id)
    assert (worker.priority, worker.cost) == (3, 2.5)
    assert {"a": "1", "b": "2"}.items() <= worker.labels.items()


async def test_a_replacement_leaves_nothing_of_what_was(replica: Replica, mock_workers: MockWorkers) -> None:
    url = mock_workers.add("a").url
    spec = WorkerSpec(url=url, labels={"a": "1"}, priority=3)
    worker_id = await replica.add_worker(spec)
    await idle(replica, worker_id)

    await replica.replace_worker(worker_id, replace(spec, labels={"b": "2"}, priority=50))

    worker = await idle(replica, worker_id)
    assert (worker.id, worker.status, worker.priority) == (worker_id, WorkerStatus.READY, 50)
    assert worker.labels["b"] == "2"
    assert "a" not in worker.labels


async def test_an_entry_is_changed_only_for_its_own_url(replica: Replica, mock_workers: MockWorkers) -> None:
    mine, others = mock_workers.add("a").url, mock_workers.add("b").url
    worker = await added(replica, others)

    with pytest.raises(Conflict, match="another worker"):
        await replica.delete_worker(worker.id, mine)

    assert await status_of(replica, worker.id) is WorkerStatus.READY


async def test_only_the_right_key_opens_a_replica(log_dir: Path, http: Http) -> None:
    smg = Smg.start(api_key="k3y", log_dir=log_dir)
    try:
        assert await Replica(smg.url, http, api_key="k3y").list_workers() == ()
        for key in (None, "wr0ng"):
            with pytest.raises(Unauthorized, match="answered 401: invalid_api_key") as caught:
                await Replica(smg.url, http, api_key=key).list_workers()
            assert str(key) not in str(caught.value)
    finally:
        smg.kill()


async def test_a_replica_without_workers_is_unready_and_says_why(
    own_smg: Smg, http: Http, mock_workers: MockWorkers
) -> None:
    replica = Replica(own_smg.url, http)
    empty = await replica.readiness()

    await added(replica, mock_workers.add("a").url)
    await is_ready(replica)

    assert (empty.ready, empty.reason) == (False, "insufficient healthy workers")


async def test_a_replica_that_hangs_dies_and_returns(own_smg: Smg, http: Http, mock_workers: MockWorkers) -> None:
    replica = Replica(own_smg.url, http)
    await added(replica, mock_workers.add("a").url)

    own_smg.pause()
    with pytest.raises(Unavailable, match=r"did not answer within 0\.5 s"):
        await Replica(own_smg.url, http, call_deadline_s=0.5).list_workers()
    own_smg.resume()
    own_smg.kill()
    with pytest.raises(Unavailable, match="refused"):
        await replica.list_workers()
    own_smg.restart()

    assert await replica.list_workers() == ()
