"""A worker whose new URL is not well yet, and a replica that loses what it has under the old one."""

import asyncio
from typing import Any

from herder.controller.known.objects import Key
from herder.gateway.errors import Transient
from unit.controller.office import ENDPOINTS, GATEWAY, Office, at_work

A, B = ENDPOINTS
OLD, NEW = "http://a:8000", "http://b:8000"
RESYNC_S = 10
QUICK: dict[str, Any] = {"startup": {"timeoutSeconds": 5}}


async def moving(office: Office, **spec: Any) -> Key:
    """A worker that is registered, and is to be so under another URL behind which nobody is."""
    key = office.worker(**spec)
    await office.registered(key)
    await asyncio.sleep(RESYNC_S * 1.2)  # each replica was seen to list it
    office.worker("a", url=NEW, up=False, **spec)
    await office.until(lambda: office.kube.status(key).get("former"))
    return key


def posts_of(office: Office, url: str) -> int:
    return sum(spec.url == url for spec in office.a.posted)


async def settled(office: Office, key: Key) -> None:
    await office.until(lambda: office.listed(A) == office.listed(B) == [NEW])
    await office.registered(key)
    await office.until(lambda: not office.kube.status(key).get("former"))


@at_work
async def test_it_is_given_back_and_goes_when_the_new_one_is_well(office: Office) -> None:
    key = await moving(office)

    office.a.restart()
    await office.until(lambda: ("Warning", "Drifted") in office.told(key))
    listed = office.listed(A)
    office.workers[NEW].rise()
    await settled(office, key)
    await asyncio.sleep(60)

    assert listed == [OLD]
    assert posts_of(office, OLD) == 2
    assert (office.listed(A), office.a.pending) == ([NEW], [])
    assert ("Normal", "OrphanRemoved") not in office.told(GATEWAY)


@at_work
async def test_it_is_given_back_also_where_no_list_has_shown_it_before(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    office.worker("a", url=NEW, up=False)
    await office.until(lambda: office.kube.status(key).get("former"))

    office.a.restart()

    await office.until(lambda: office.listed(A) == [OLD])


@at_work
async def test_it_is_given_back_also_after_the_run_has_failed(office: Office) -> None:
    key = await moving(office, **QUICK)
    await office.until(lambda: office.condition(key, "Stalled"))

    office.a.restart()

    await office.until(lambda: office.listed(A) == [OLD])


@at_work
async def test_it_is_given_back_also_while_the_new_one_is_anothers(office: Office) -> None:
    other = office.worker("b")
    await office.registered(other)
    key = office.worker("a")
    await office.registered(key)
    office.kube.touch(other, creationTimestamp="2029-01-01T00:00:00Z")
    office.worker("a", url=NEW)
    await office.until(office.says(key, "Conflict"))

    office.a.restart()

    await office.until(lambda: sorted(office.listed(A)) == [OLD, NEW])


@at_work
async def test_what_was_declared_before_is_not_known_where_more_was_changed(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    await asyncio.sleep(RESYNC_S * 1.2)
    office.worker("a", url=NEW, up=False, priority=7)
    await office.until(lambda: office.kube.status(key).get("former"))

    office.a.restart()
    await asyncio.sleep(60)

    assert (office.listed(A), office.listed(B)) == ([], [OLD])


@at_work
async def test_what_was_given_back_and_is_not_listed_yet_goes_with_the_rest(office: Office) -> None:
    key = await moving(office)
    office.workers[OLD].up_since_s = None
    office.a.restart()
    await office.until(lambda: office.a.pending == [OLD])

    office.workers[NEW].rise()
    await office.until(lambda: NEW in office.listed(A))
    await asyncio.sleep(1)
    office.workers[OLD].rise()
    await settled(office, key)
    await asyncio.sleep(60)

    assert (office.listed(A), office.a.pending) == ([NEW], [])
    assert ("Normal", "OrphanRemoved") not in office.told(GATEWAY)


@at_work
async def test_it_is_not_given_back_once_it_is_being_taken_off(office: Office) -> None:
    key = await moving(office, drain={"settleSeconds": 30})
    office.workers[NEW].rise()
    await office.until(lambda: office.condition(key, "Drained"))

    office.workers[NEW].up_since_s = None
    office.a.restart()
    await asyncio.sleep(RESYNC_S * 2)
    office.workers[NEW].rise()
    await settled(office, key)

    assert posts_of(office, OLD) == 1


@at_work
async def test_it_is_posted_once_however_often_the_worker_is_looked_at(office: Office) -> None:
    office.gateway(resyncSeconds=1)
    key = await moving(office)
    office.workers[OLD].up_since_s = None

    office.a.restart()
    for second in range(20):
        await asyncio.sleep(1)
        office.kube.touch(key, annotations={"looked-at": str(second)})

    assert office.a.count("add_worker") == 2
    assert office.kube.status(key)["former"][0]["url"] == OLD


@at_work
async def test_what_is_refused_at_first_is_given_back_later_though_nothing_is_news(office: Office) -> None:
    key = await moving(office, **QUICK)
    await office.until(lambda: office.condition(key, "Stalled"))

    office.a.fails["add_worker"] = [Transient("503")]
    office.a.restart()
    await office.until(lambda: office.listed(A) == [OLD])

    assert office.a.count("add_worker") == 3


@at_work
async def test_what_nobody_is_behind_any_more_is_posted_seldom_and_told_of_when_it_is_listed(office: Office) -> None:
    key = await moving(office, **QUICK)
    await office.until(lambda: office.condition(key, "Stalled"))
    office.workers[OLD].up_since_s = None
    posts = posts_of(office, OLD)

    office.a.restart()
    await asyncio.sleep(3600)
    in_vain, told = posts_of(office, OLD) - posts, office.told(key)
    office.workers[OLD].rise()
    await office.until(lambda: ("Warning", "Drifted") in office.told(key), within_s=1200)

    assert 5 <= in_vain <= 12
    assert ("Warning", "Drifted") not in told
    assert office.listed(A) == [OLD]


@at_work
async def test_it_is_not_posted_again_before_the_replica_was_read_again(office: Office) -> None:
    office.gateway(resyncSeconds=600)
    key = office.worker(**QUICK)
    await office.registered(key)
    office.worker("a", url=NEW, up=False, **QUICK)
    await office.until(lambda: office.condition(key, "Stalled"))
    posts = office.a.count("add_worker")

    office.a.restart()
    await asyncio.sleep(3600)

    assert office.a.count("add_worker") - posts == 1
    assert office.told(key).count(("Warning", "Drifted")) == 1


@at_work
async def test_what_was_given_back_right_before_is_taken_for_no_part_of_the_new_one(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    await asyncio.sleep(RESYNC_S * 1.2)
    office.a.restart()
    await office.until(lambda: posts_of(office, OLD) == 2)
    office.worker("a", url=NEW, up=False)
    await office.until(lambda: office.kube.status(key).get("former"))
    await office.until(lambda: office.listed(A) == [OLD])
    [old] = office.a.listed

    office.worker("a", url=NEW, up=False, priority=7)  # the run is stopped, and begun anew
    await asyncio.sleep(5)
    status = office.kube.status(key)

    assert [row["workerId"] for row in status["former"][0]["replicas"] if row["endpoint"] == A] == [old.id]
    assert [row for row in status["replicas"] if row.get("workerId") == old.id] == []
