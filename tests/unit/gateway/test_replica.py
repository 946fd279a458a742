"""Replica: each trap of the gateway has a test that closes on a client without the handling."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from herder.gateway.errors import (
    AlreadyExists,
    Busy,
    Conflict,
    CreateInProgress,
    Draining,
    Gone,
    Permanent,
    StillPending,
    Transient,
    Unavailable,
)
from herder.gateway.inquiry import question
from herder.gateway.replica import Replica
from herder.gateway.spec import WorkerPatch, WorkerSpec
from herder.gateway.workers import Removal
from herder.net.address import AddressPolicy
from herder.net.http import Http
from herder.net.tls import SYSTEM_TRUST
from herder.net.urls import InvalidUrl
from unit.gateway.fake import ACCEPTED, ID, ITEM, MISSING, OTHER_ID, URL, Rig, item, rigged, running

type Change = Callable[[Replica], Awaitable[None]]
type Sighting = Callable[[Rig], Awaitable[None]]

SPEC = WorkerSpec(url=URL, priority=7)
OTHER_ITEM = f"/workers/{OTHER_ID}"
LISTED = (200, {"workers": [item()], "total": 1, "stats": {}})
NOBODY_LISTED = (200, {"workers": [], "total": 0, "stats": {}})


async def test_a_worker_is_added_and_its_id_returned(rig: Rig) -> None:
    rig.gateway.will("POST /workers", ACCEPTED)

    assert await rig.replica.add_worker(SPEC) == ID

    assert rig.gateway.asked[0].body == SPEC.body()
    assert rig.time.slept_s == []


async def test_find_all_finds_every_spelling_and_rank_of_a_url_and_nothing_else(rig: Rig) -> None:
    entries = [
        item(url=URL),
        item(url=f"{URL}/"),
        item(url=f"{URL}@1", dp_base_url=URL, dp_rank=1, dp_size=2),
        item(url=f"{URL}1"),
        item(url=f"{URL}/w/1"),
    ]
    rig.gateway.will("GET /workers", (200, {"workers": entries}))

    found = await rig.replica.find_all(f"{URL}/")

    assert [worker.url for worker in found] == [URL, f"{URL}/", f"{URL}@1"]


# DELETE: one is sent, a second would cut the drain short


async def test_a_worker_that_drains_is_not_deleted_again(rig: Rig) -> None:
    rig.gateway.will(f"GET {ITEM}", (200, item("draining")))

    assert await rig.replica.delete_worker(ID, URL) is Removal.ALREADY_DRAINING

    assert rig.gateway.lines == [f"GET {ITEM}"]


@pytest.mark.parametrize("status", ["ready", "not_ready", "failed", "hibernating"])
async def test_a_delete_is_sent_once_also_while_the_replica_does_not_show_it_yet(rig: Rig, status: str) -> None:
    rig.gateway.will(f"GET {ITEM}", (200, item(status)))
    rig.gateway.will(f"DELETE {ITEM}", ACCEPTED)

    outcomes = [await rig.replica.delete_worker(ID, URL) for _ in range(2)]

    assert outcomes == [Removal.SENT, Removal.ALREADY_DRAINING]
    assert rig.gateway.count(f"DELETE {ITEM}") == 1


async def test_deletes_at_the_same_time_are_one_delete(rig: Rig) -> None:
    rig.gateway.will(f"GET {ITEM}", (200, item()))
    rig.gateway.will(f"DELETE {ITEM}", ACCEPTED)

    outcomes = await asyncio.gather(*(rig.replica.delete_worker(ID, URL) for _ in range(5)))

    assert sorted(outcomes) == sorted([Removal.SENT] + [Removal.ALREADY_DRAINING] * 4)
    assert rig.gateway.count(f"DELETE {ITEM}") == 1


async def test_a_delete_removes_both_spellings_so_the_second_is_not_sent(rig: Rig) -> None:
    rig.gateway.will(f"GET {ITEM}", (200, item(url=URL)))
    rig.gateway.will(f"GET {OTHER_ITEM}", (200, item(url=f"{URL}/", id=OTHER_ID)))
    rig.gateway.will(f"DELETE {ITEM}", ACCEPTED)

    outcomes = [await rig.replica.delete_worker(ID, URL), await rig.replica.delete_worker(OTHER_ID, URL)]

    assert outcomes == [Removal.SENT, Removal.ALREADY_DRAINING]


async def test_ranks_are_deleted_one_by_one(rig: Rig) -> None:
    rank_0 = item(url=f"{URL}@0", dp_base_url=URL, dp_rank=0)
    rank_1 = item(url=f"{URL}@1", dp_base_url=URL, dp_rank=1, id=OTHER_ID)
    rig.gateway.will(f"GET {ITEM}", (200, rank_0))
    rig.gateway.will(f"GET {OTHER_ITEM}", (200, rank_1))
    rig.gateway.will(f"DELETE {ITEM}", ACCEPTED)
    rig.gateway.will(f"DELETE {OTHER_ITEM}", ACCEPTED)

    outcomes = [await rig.replica.delete_worker(ID, URL), await rig.replica.delete_worker(OTHER_ID, URL)]

    assert outcomes == [Removal.SENT, Removal.SENT]


async def test_a_delete_whose_reply_was_lost_is_not_repeated_before_its_effect_would_show() -> None:
    async with rigged(call_deadline_s=1.0) as rig:
        release = asyncio.Event()

        async def lose_the_reply(line: str) -> None:
            if line.startswith("DELETE"):
                await release.wait()

        rig.gateway.before = lose_the_reply
        rig.gateway.will(f"GET {ITEM}", (200, item()))
        rig.gateway.will(f"DELETE {ITEM}", ACCEPTED)

        with pytest.raises(Unavailable):
            await rig.replica.delete_worker(ID, URL)
        release.set()

        assert await rig.replica.delete_worker(ID, URL) is Removal.ALREADY_DRAINING
        rig.time.now_s += 10
        assert await rig.replica.delete_worker(ID, URL) is Removal.SENT


async def test_a_delete_that_was_not_accepted_is_sent_again(rig: Rig) -> None:
    rig.gateway.will(f"GET {ITEM}", (200, item()))
    rig.gateway.will(f"DELETE {ITEM}", (500, b"queue unavailable"), ACCEPTED)

    with pytest.raises(Transient):
        await rig.replica.delete_worker(ID, URL)

    assert await rig.replica.delete_worker(ID, URL) is Removal.SENT


@pytest.mark.parametrize("is_late", [False, True], ids=["when looked at", "between look and DELETE"])
async def test_deleting_what_is_gone_is_done(rig: Rig, is_late: bool) -> None:
    rig.gateway.will(f"GET {ITEM}", (200, item()) if is_late else MISSING)
    rig.gateway.will(f"DELETE {ITEM}", MISSING)

    assert await rig.replica.delete_worker(ID, URL) is Removal.GONE


async def test_a_pending_worker_is_not_deleted(rig: Rig) -> None:
    rig.gateway.will(f"GET {ITEM}", (200, item("pending", job_status=running("AddWorker"))))

    with pytest.raises(StillPending, match="still being registered"):
        await rig.replica.delete_worker(ID, URL)

    assert rig.gateway.lines == [f"GET {ITEM}"]


# POST: not within 2.5 s of the removal of the same URL


async def _removed(rig: Rig) -> None:
    rig.gateway.will(f"GET {ITEM}", (200, item()), MISSING)
    rig.gateway.will(f"DELETE {ITEM}", ACCEPTED)
    rig.gateway.will("GET /workers", NOBODY_LISTED)
    rig.gateway.will("POST /workers", ACCEPTED)
    await rig.replica.delete_worker(ID, URL)


async def _by_get(rig: Rig) -> None:
    with pytest.raises(Gone):
        await rig.replica.get_worker(ID)


async def _by_list(rig: Rig) -> None:
    await rig.replica.list_workers()


async def _by_delete(rig: Rig) -> None:
    assert await rig.replica.delete_worker(ID, URL) is Removal.GONE


async def _by_nobody(rig: Rig) -> None:
    """The POST itself has to look."""


@pytest.mark.parametrize("seen", [_by_get, _by_list, _by_delete, _by_nobody])
async def test_a_url_is_posted_again_only_after_its_quiet_time(rig: Rig, seen: Sighting) -> None:
    await _removed(rig)
    await seen(rig)

    await rig.replica.add_worker(WorkerSpec(url=URL))

    assert rig.time.slept_s == [2.5]


async def test_a_removal_is_remembered_when_the_credentials_change(rig: Rig) -> None:
    await _removed(rig)
    await _by_get(rig)
    rig.replica.use(api_key="an0ther", trust=SYSTEM_TRUST)

    await rig.replica.add_worker(WorkerSpec(url=URL))

    assert rig.time.slept_s == [2.5]
    assert [asked.authorization for asked in rig.gateway.asked[-2:]] == [None, "Bearer an0ther"]


async def test_a_url_whose_removal_by_others_a_delete_finds_done_is_quiet_all_the_same(rig: Rig) -> None:
    """A client that was restarted between its DELETE and the end of the removal is in this place."""
    rig.gateway.will(f"GET {ITEM}", MISSING)
    rig.gateway.will("POST /workers", ACCEPTED)
    await rig.replica.delete_worker(ID, URL)

    await rig.replica.add_worker(SPEC)

    assert rig.time.slept_s == [2.5]


async def test_only_what_is_left_of_the_quiet_time_is_waited_for(rig: Rig) -> None:
    await _removed(rig)
    await _by_get(rig)
    rig.time.now_s += 2

    await rig.replica.add_worker(SPEC)

    assert rig.time.slept_s == [0.5]


async def test_another_url_does_not_wait(rig: Rig) -> None:
    await _removed(rig)
    await _by_get(rig)

    await rig.replica.add_worker(WorkerSpec(url=f"{URL}/w/2"))

    assert rig.time.slept_s == []


async def test_a_url_that_still_drains_is_left_to_the_gateways_own_refusal(rig: Rig) -> None:
    await _removed(rig)
    rig.gateway.will(f"GET {ITEM}", (200, item("draining")))
    exists = {"error": f"Worker already exists at URL '{URL}' with ID {ID}.", "code": "WORKER_ALREADY_EXISTS"}
    rig.gateway.will("POST /workers", (409, exists))

    with pytest.raises(AlreadyExists):
        await rig.replica.add_worker(SPEC)


async def test_a_list_that_began_before_the_delete_proves_nothing(rig: Rig) -> None:
    """The list is read while the entry is not in it yet; before it arrives the entry comes, and its DELETE."""
    list_may_go, list_asked = asyncio.Event(), asyncio.Event()

    async def hold_the_list(line: str) -> None:
        if line == "GET /workers":
            list_asked.set()
            await list_may_go.wait()

    rig.gateway.before = hold_the_list
    rig.gateway.will("GET /workers", NOBODY_LISTED)
    rig.gateway.will(f"GET {ITEM}", (200, item()))
    rig.gateway.will(f"DELETE {ITEM}", ACCEPTED)
    listing = asyncio.create_task(rig.replica.list_workers())
    await list_asked.wait()
    await rig.replica.delete_worker(ID, URL)

    list_may_go.set()
    await listing

    assert await rig.replica.delete_worker(ID, URL) is Removal.ALREADY_DRAINING


# a registration whose id was lost


def _conflict(code: str, text: str) -> tuple[int, object]:
    return 409, {"error": text, "code": code}


@pytest.mark.parametrize("code", ["WORKER_CREATE_IN_PROGRESS", "WORKER_ALREADY_EXISTS"])
async def test_a_registration_under_way_is_named_by_its_refusal_of_another(rig: Rig, code: str) -> None:
    rig.gateway.will("POST /workers", _conflict(code, f"with ID {ID}."))

    assert await rig.replica.pending_add(f"{URL}/") == ID

    assert rig.gateway.asked[0].body == question(URL)


async def test_the_question_itself_is_no_registration(rig: Rig) -> None:
    in_progress = _conflict("WORKER_CREATE_IN_PROGRESS", f"with ID {ID}.")
    rig.gateway.will("POST /workers", ACCEPTED, in_progress)

    assert [await rig.replica.pending_add(URL) for _ in range(2)] == [None, None]


async def test_a_registration_that_is_not_named_is_not_taken_for_none(rig: Rig) -> None:
    rig.gateway.will("POST /workers", _conflict("WORKER_CREATE_IN_PROGRESS", "wait"))

    with pytest.raises(CreateInProgress):
        await rig.replica.pending_add(URL)


async def test_a_url_is_not_asked_for_in_its_quiet_time(rig: Rig) -> None:
    """The gateway would answer 202 although a registration is under way."""
    await _removed(rig)
    await _by_get(rig)

    await rig.replica.pending_add(URL)

    assert rig.time.slept_s == [2.5]


# PUT and PATCH


async def test_a_replacement_names_the_url_as_it_is_registered(rig: Rig) -> None:
    rig.gateway.will(f"GET {ITEM}", (200, item(url=f"{URL}/")))
    rig.gateway.will(f"PUT {ITEM}", ACCEPTED)

    await rig.replica.replace_worker(ID, SPEC)

    assert rig.gateway.asked[-1].body == SPEC.body() | {"url": f"{URL}/"}


async def test_a_worker_that_drains_is_not_replaced(rig: Rig) -> None:
    rig.gateway.will(f"GET {ITEM}", (200, item("draining", job_status=running("RemoveWorker"))))

    with pytest.raises(Draining):
        await rig.replica.replace_worker(ID, SPEC)

    assert rig.gateway.lines == [f"GET {ITEM}"]


async def test_a_worker_whose_delete_does_not_show_yet_is_not_replaced(rig: Rig) -> None:
    rig.gateway.will(f"GET {ITEM}", (200, item()))
    rig.gateway.will(f"DELETE {ITEM}", ACCEPTED)
    await rig.replica.delete_worker(ID, URL)

    with pytest.raises(Draining):
        await rig.replica.replace_worker(ID, SPEC)


async def test_a_worker_that_drains_can_be_patched(rig: Rig) -> None:
    rig.gateway.will(f"GET {ITEM}", (200, item("draining", job_status=running("RemoveWorker"))))
    rig.gateway.will(f"PATCH {ITEM}", ACCEPTED)

    await rig.replica.patch_worker(ID, URL, WorkerPatch(priority=9))

    assert rig.gateway.asked[-1].body == {"priority": 9}


async def _replace(replica: Replica) -> None:
    await replica.replace_worker(ID, SPEC)


async def _patch(replica: Replica) -> None:
    await replica.patch_worker(ID, URL, WorkerPatch(priority=9))


async def _delete(replica: Replica) -> None:
    await replica.delete_worker(ID, URL)


@pytest.mark.parametrize("change", [_replace, _patch])
async def test_a_change_waits_for_the_one_that_is_still_being_applied(rig: Rig, change: Change) -> None:
    rig.gateway.will(f"GET {ITEM}", (200, item(job_status=running("UpdateWorker"))))

    with pytest.raises(Busy):
        await change(rig.replica)

    assert rig.gateway.lines == [f"GET {ITEM}"]


@pytest.mark.parametrize("change", [_replace, _patch])
async def test_a_change_that_failed_before_is_in_nobodys_way(rig: Rig, change: Change) -> None:
    rig.gateway.will(f"GET {ITEM}", (200, item(job_status=running("AddWorker") | {"status": "failed"})))
    rig.gateway.will(f"PUT {ITEM}", ACCEPTED)
    rig.gateway.will(f"PATCH {ITEM}", ACCEPTED)

    await change(rig.replica)


@pytest.mark.parametrize("change", [_replace, _patch])
async def test_a_pending_worker_is_not_changed(rig: Rig, change: Change) -> None:
    rig.gateway.will(f"GET {ITEM}", (200, item("pending")))

    with pytest.raises(StillPending):
        await change(rig.replica)


async def test_a_removal_does_not_wait_for_a_change(rig: Rig) -> None:
    rig.gateway.will(f"GET {ITEM}", (200, item("not_ready", job_status=running("AddWorker"))))
    rig.gateway.will(f"DELETE {ITEM}", ACCEPTED)

    assert await rig.replica.delete_worker(ID, URL) is Removal.SENT


@pytest.mark.parametrize("change", [_replace, _patch, _delete])
async def test_an_entry_of_another_worker_is_not_touched(rig: Rig, change: Change) -> None:
    """The id comes from a status, which somebody may have written with another's id."""
    rig.gateway.will(f"GET {ITEM}", (200, item(url="http://10.0.0.8:8000")))

    with pytest.raises(Conflict, match="another worker"):
        await change(rig.replica)

    assert rig.gateway.lines == [f"GET {ITEM}"]


@pytest.mark.parametrize("worker_id", ["", "..", "../wasm", "x", f"{ID}/..", f"{ID}?x", f"{ID}\n", "%2e%2e", "a" * 36])
async def test_what_is_no_worker_id_becomes_no_part_of_a_url(rig: Rig, worker_id: str) -> None:
    with pytest.raises(Permanent, match="is not a worker id"):
        await rig.replica.get_worker(worker_id)

    assert rig.gateway.asked == []


# readiness


READINESS = {
    "ready": ((200, {"status": "ready", "healthy_workers": 1, "total_workers": 1}), True, ""),
    "no workers": ((503, {"status": "not ready", "reason": "insufficient healthy workers"}), False, "insufficient"),
}


@pytest.mark.parametrize(("answer", "ready", "reason"), READINESS.values(), ids=READINESS.keys())
async def test_an_unready_replica_is_an_answer_and_no_error(
    rig: Rig, answer: tuple[int, object], ready: bool, reason: str
) -> None:
    rig.gateway.will("GET /readiness", answer)

    readiness = await rig.replica.readiness()

    assert readiness.ready is ready
    assert readiness.reason.startswith(reason)


async def test_a_proxys_503_is_no_verdict(rig: Rig) -> None:
    rig.gateway.will("GET /readiness", (503, b"<html>upstream down</html>"))

    with pytest.raises(Transient):
        await rig.replica.readiness()


# calls: order, number, time


async def test_calls_for_one_worker_go_one_after_another_and_for_others_at_once(rig: Rig) -> None:
    under_way: set[str] = set()
    together: set[frozenset[str]] = set()
    both_adds = asyncio.Event()

    async def watch(line: str) -> None:
        under_way.add(line)
        together.add(frozenset(under_way))
        if line == "POST /workers" and rig.gateway.count(line) == 2:
            both_adds.set()
        if line == "POST /workers":
            await both_adds.wait()
        under_way.discard(line)

    rig.gateway.before = watch
    rig.gateway.will("POST /workers", ACCEPTED)
    rig.gateway.will(f"GET {ITEM}", (200, item()))
    rig.gateway.will(f"PATCH {ITEM}", ACCEPTED)
    rig.gateway.will(f"DELETE {ITEM}", ACCEPTED)

    async with asyncio.TaskGroup() as group:
        group.create_task(rig.replica.add_worker(WorkerSpec(url=f"{URL}/")))
        await asyncio.sleep(0)
        group.create_task(rig.replica.patch_worker(ID, URL, WorkerPatch(priority=1)))
        group.create_task(rig.replica.delete_worker(ID, URL))
        group.create_task(rig.replica.add_worker(WorkerSpec(url="http://10.0.0.8:8000")))

    assert all(len(lines) == 1 for lines in together)
    assert rig.gateway.lines == ["POST /workers"] * 2 + [
        f"GET {ITEM}",
        f"PATCH {ITEM}",
        f"GET {ITEM}",
        f"DELETE {ITEM}",
    ]
    assert len(rig.replica._turns) == 0


async def test_at_most_so_many_calls_are_under_way() -> None:
    async with rigged(max_calls=3) as rig:
        three, release = asyncio.Event(), asyncio.Event()
        now, peak = 0, 0

        async def count(line: str) -> None:
            nonlocal now, peak
            now += 1
            peak = max(peak, now)
            if now == 3:
                three.set()
            await release.wait()
            now -= 1

        rig.gateway.before = count
        rig.gateway.will("POST /workers", ACCEPTED)
        async with asyncio.TaskGroup() as group:
            for number in range(12):
                group.create_task(rig.replica.add_worker(WorkerSpec(url=f"{URL}/w/{number}")))
            await three.wait()
            release.set()

    assert peak == 3
    assert len(rig.gateway.asked) == 12


async def test_a_replica_that_hangs_fails_those_who_wait_for_a_slot_as_soon_as_the_first() -> None:
    async with rigged(max_calls=1, call_deadline_s=1.0) as rig:
        forever = asyncio.Event()

        async def hang(line: str) -> None:
            await forever.wait()

        rig.gateway.before = hang
        calls = (rig.replica.get_worker(str(UUID(int=number))) for number in range(50))
        async with asyncio.timeout(40):  # one after another they would take 50 s
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
        forever.set()

    assert {type(outcome) for outcome in outcomes} == {Unavailable}


async def test_those_who_ask_for_the_list_at_the_same_time_share_a_read(rig: Rig) -> None:
    rig.gateway.will("GET /workers", LISTED)

    lists = await asyncio.gather(*(rig.replica.list_workers() for _ in range(100)))

    assert {len(listed) for listed in lists} == {1}
    assert rig.gateway.count("GET /workers") <= 2


async def test_a_list_of_ten_thousand_is_read(rig: Rig) -> None:
    labels = {f"label-{number}": "x" * 20 for number in range(12)}
    workers = [item(url=f"{URL}/w/{number}", labels=labels) for number in range(10_000)]
    rig.gateway.will("GET /workers", (200, {"workers": workers}))

    listed = await rig.replica.list_workers()

    assert len({worker.key for worker in listed}) == 10_000


async def test_an_answer_without_end_is_cut_off(rig: Rig) -> None:
    rig.gateway.will(f"GET {ITEM}", (200, b'"' + b"x" * (2 << 20)))

    with pytest.raises(Transient, match="sent more than 1048576 bytes"):
        await rig.replica.get_worker(ID)


@pytest.mark.parametrize("endpoint", ["10.0.0.7:30000", "grpc://h:1", "http://user@h", "http://h?x"])
async def test_an_endpoint_that_is_no_http_url_is_refused(endpoint: str) -> None:
    async with Http(AddressPolicy()) as http:
        with pytest.raises(InvalidUrl):
            Replica(endpoint, http)
