"""The traps of the real gateway that Replica keeps closed. Each test goes red when the handling is taken out."""

import asyncio
from pathlib import Path

import pytest

from herder.gateway.errors import AlreadyExists, Busy, CreateInProgress, Draining, StillPending
from herder.gateway.removals import QUIET_AFTER_GONE_S
from herder.gateway.replica import Replica
from herder.gateway.spec import Health, WorkerPatch, WorkerSpec
from herder.gateway.types import WorkerStatus
from herder.gateway.workers import Removal
from herder.net.http import Http
from real.gateway.steps import AT_ONCE, added, gone, post_verbatim, ready, status_of, until, when_idle
from rig.gateway import Smg
from rig.workers import MockWorkers, Script

DRAINS = Health(drain_settle_secs=600)
"""So long that whoever drains no more was hurried."""


async def _draining(replica: Replica, worker_id: str) -> None:
    async def is_draining() -> bool:
        return await status_of(replica, worker_id) is WorkerStatus.DRAINING

    await until(is_draining)


async def _added_when_free(replica: Replica, url: str) -> None:
    """Register `url` as soon as no registration is under way; AlreadyExists if one has succeeded."""

    async def is_accepted() -> bool:
        try:
            await replica.add_worker(WorkerSpec(url=url))
        except CreateInProgress:
            return False
        return True

    await until(is_accepted)


async def test_a_delete_that_is_repeated_does_not_cut_the_drain_short(
    replica: Replica, mock_workers: MockWorkers
) -> None:
    worker = await added(replica, mock_workers.add("a").url, DRAINS)

    outcomes = [await replica.delete_worker(worker.id, worker.url) for _ in range(3)]
    await _draining(replica, worker.id)
    outcomes.append(await replica.delete_worker(worker.id, worker.url))

    assert outcomes == [Removal.SENT] + [Removal.ALREADY_DRAINING] * 3
    await asyncio.sleep(0.3)  # a removal that a second DELETE hurried takes milliseconds
    assert await status_of(replica, worker.id) is WorkerStatus.DRAINING


async def test_a_client_that_has_just_started_does_not_cut_a_drain_short(
    smg: Smg, http: Http, mock_workers: MockWorkers
) -> None:
    worker = await added(Replica(smg.url, http), mock_workers.add("a").url, DRAINS)
    await Replica(smg.url, http).delete_worker(worker.id, worker.url)
    restarted = Replica(smg.url, http)
    await _draining(restarted, worker.id)

    assert await restarted.delete_worker(worker.id, worker.url) is Removal.ALREADY_DRAINING

    await asyncio.sleep(0.3)
    assert await status_of(restarted, worker.id) is WorkerStatus.DRAINING


async def test_two_spellings_are_two_entries_and_one_delete(
    replica: Replica, http: Http, mock_workers: MockWorkers
) -> None:
    url = mock_workers.add("a").url
    await post_verbatim(http, replica, url)
    await post_verbatim(http, replica, f"{url}/")

    async def both_are_listed() -> bool:
        return len(await replica.find_all(url)) == 2

    await until(both_are_listed)
    entries = await replica.find_all(url)

    outcomes = [await replica.delete_worker(entry.id, url) for entry in entries]

    assert {entry.url for entry in entries} == {url, f"{url}/"}
    assert outcomes == [Removal.SENT, Removal.ALREADY_DRAINING]
    await asyncio.sleep(0.3)
    assert [await status_of(replica, entry.id) for entry in entries] == [WorkerStatus.DRAINING] * 2


async def test_an_entry_that_was_spelled_otherwise_can_be_replaced(
    replica: Replica, http: Http, mock_workers: MockWorkers
) -> None:
    url = mock_workers.add("a").url
    await post_verbatim(http, replica, f"{url}/")

    async def is_listed() -> bool:
        return bool(await replica.find_all(url))

    await until(is_listed)
    (entry,) = await replica.find_all(url)

    async def is_replaced() -> bool:
        return (await replica.get_worker(entry.id)).priority == 9

    await when_idle(lambda: replica.replace_worker(entry.id, WorkerSpec(url=url, priority=9)))

    await until(is_replaced)


async def test_a_worker_is_not_deleted_while_it_registers_and_can_be_when_it_is_there(
    replica: Replica, mock_workers: MockWorkers
) -> None:
    """A DELETE would be answered 202 and be lost: the worker would appear when it comes up, and nobody would know."""
    worker = mock_workers.add("a", Script(up=False))
    worker_id = await replica.add_worker(WorkerSpec(url=worker.url, health=AT_ONCE))

    with pytest.raises(StillPending):
        await replica.delete_worker(worker_id, worker.url)
    pending = await replica.get_worker(worker_id)
    worker.heal()
    await ready(replica, worker_id)

    assert pending.job is not None
    assert pending.job.type == "AddWorker"  # a DELETE would have put RemoveWorker in its place
    assert await replica.delete_worker(worker_id, worker.url) is Removal.SENT
    await gone(replica, worker_id)
    assert await replica.find_all(worker.url) == ()


async def test_a_registration_whose_id_was_lost_is_found(replica: Replica, mock_workers: MockWorkers) -> None:
    worker = mock_workers.add("a", Script(up=False))
    worker_id = await replica.add_worker(WorkerSpec(url=worker.url, health=AT_ONCE))

    assert await replica.pending_add(worker.url) == worker_id

    worker.heal()
    assert (await ready(replica, worker_id)).priority == 50  # the question has changed nothing
    assert await replica.pending_add(worker.url) == worker_id


async def test_asking_for_a_lost_id_registers_nothing(replica: Replica, mock_workers: MockWorkers) -> None:
    up, down = mock_workers.add("up"), mock_workers.add("down", Script(up=False))

    for worker in (up, down):
        assert [await replica.pending_add(worker.url) for _ in range(2)] == [None, None]
    down.heal()

    async def all_probes_were_made() -> bool:
        return all("/v1/models" in {received.path for received in worker.received()} for worker in (up, down))

    await until(all_probes_were_made)
    assert [await replica.find_all(worker.url) for worker in (up, down)] == [(), ()]
    for worker in (up, down):
        await _added_when_free(replica, worker.url)  # nobody is there, so the questions came to nothing


async def test_a_url_that_is_registered_again_at_once_keeps_its_id(replica: Replica, mock_workers: MockWorkers) -> None:
    """Without the quiet time the removal wipes out the new job's status: the id reads as gone while it registers."""
    worker = mock_workers.add("a")
    first = await added(replica, worker.url)
    await replica.delete_worker(first.id, worker.url)
    await gone(replica, first.id)
    worker.crash()  # so that the next registration takes long enough to be looked at

    worker_id = await replica.add_worker(WorkerSpec(url=worker.url))

    for _ in range(30):
        assert await status_of(replica, worker_id) is WorkerStatus.PENDING
        await asyncio.sleep(QUIET_AFTER_GONE_S / 30)
    worker.heal()
    await ready(replica, worker_id)


async def test_a_worker_that_drains_is_neither_replaced_nor_registered_again(
    replica: Replica, mock_workers: MockWorkers
) -> None:
    worker = await added(replica, mock_workers.add("a").url, DRAINS)
    spec = WorkerSpec(url=worker.url)
    await replica.delete_worker(worker.id, worker.url)
    await _draining(replica, worker.id)

    with pytest.raises(Draining):
        await replica.replace_worker(worker.id, spec)
    with pytest.raises(AlreadyExists):
        await replica.add_worker(spec)

    assert await status_of(replica, worker.id) is WorkerStatus.DRAINING


async def test_a_change_is_not_sent_while_another_is_being_applied(replica: Replica, mock_workers: MockWorkers) -> None:
    mock = mock_workers.add("a", Script())
    worker = await added(replica, mock.url)
    mock.crash()  # a replacement probes anew, which comes to no end now
    await when_idle(lambda: replica.replace_worker(worker.id, WorkerSpec(url=mock.url, priority=9)))

    with pytest.raises(Busy):
        await replica.patch_worker(worker.id, mock.url, WorkerPatch(priority=3))
    mock.heal()
    await when_idle(lambda: replica.patch_worker(worker.id, mock.url, WorkerPatch(priority=3)))

    async def is_patched() -> bool:
        return (await replica.get_worker(worker.id)).priority == 3

    await until(is_patched)


async def test_the_ranks_of_a_data_parallel_worker_are_found_and_removed_under_its_url(
    log_dir: Path, http: Http, mock_workers: MockWorkers
) -> None:
    smg = Smg.start("--dp-aware", log_dir=log_dir)
    try:
        replica = Replica(smg.url, http)
        url = mock_workers.add("a", Script(dp_size=2)).url
        await replica.add_worker(WorkerSpec(url=url, health=AT_ONCE))

        async def both_are_listed() -> bool:
            return len(await replica.find_all(url)) == 2

        await until(both_are_listed)
        ranks = await replica.find_all(url)

        outcomes = [await replica.delete_worker(rank.id, url) for rank in ranks]

        assert {rank.dp_rank for rank in ranks} == {0, 1}
        assert outcomes == [Removal.SENT] * 2
        for rank in ranks:
            await gone(replica, rank.id)
    finally:
        smg.kill()
