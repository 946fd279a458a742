"""Objects that are gone without notice leave nothing behind: no run, no slot, no memory."""

import asyncio

from unit.controller.fake_kube import Call
from unit.controller.office import GATEWAY, Office, at_work


@at_work
async def test_an_object_that_vanishes_in_a_run_leaves_nothing_behind(office: Office) -> None:
    for number in range(20):
        key = office.worker(f"w{number}", up=bool(number % 2))
        await office.until(office.has_begun(key))
        office.kube.remove(key)
    await asyncio.sleep(30)

    operator = office.operator
    assert list(operator.known.objects) == [GATEWAY]
    assert (
        len(operator.deciding.runs),
        len(operator.telling.writer),
        len(operator.deciding.reconciler.memories),
    ) == (0, 1, 0)
    assert operator.deciding.runs._places.free == 32


@at_work
async def test_an_object_that_vanishes_while_its_start_is_written_leaves_nothing_behind(office: Office) -> None:
    on_its_way = asyncio.Event()

    async def hold(call: Call) -> None:
        if call.path.endswith("a/status"):
            on_its_way.set()
            await asyncio.sleep(5)

    office.kube.gate = hold
    key = office.worker()
    await on_its_way.wait()
    office.kube.remove(key)
    await asyncio.sleep(30)

    assert (len(office.operator.deciding.runs), dict(office.operator.deciding.reconciler.memories)) == (0, {})


@at_work
async def test_an_object_that_the_finalizer_can_not_be_taken_off_any_more_is_gone(office: Office) -> None:
    key = office.worker(suspend=True)
    await office.until(office.says(key, "Suspended"))
    office.kube.delete(key)
    office.kube.bodies.pop(key.path)  # and nobody tells

    await office.until(lambda: office.operator.known.objects.get(key) is None, within_s=1)

    assert dict(office.operator.deciding.reconciler.memories) == {}


@at_work
async def test_an_object_whose_going_is_only_noticed_by_a_write_leaves_nothing_behind(office: Office) -> None:
    older, younger = office.worker("older", url="http://w"), office.worker("younger", url="http://w")
    await office.registered(older)
    await office.until(office.says(younger, "Conflict"))
    office.kube.delete(older)
    await asyncio.sleep(0)
    office.is_deaf = True
    office.kube.bodies.pop(older.path)
    office.operator.known.queue.add(older)

    await office.until(lambda: office.operator.known.objects.get(older) is None)
    office.is_deaf = False
    await office.registered(younger)

    assert len(office.operator.deciding.reconciler.memories) == 1


@at_work
async def test_an_object_made_anew_under_the_same_name_gets_a_run_of_its_own(office: Office) -> None:
    key = office.worker(up=False)
    await office.until(office.has_begun(key))
    office.is_deaf = True
    office.kube.remove(key)
    office.is_deaf = False

    office.worker(up=False)
    office.workers["http://a:8000"].rise()
    await office.registered(key)

    assert len(office.kube.status(key)["history"]) == 1
    assert len(office.operator.deciding.reconciler.memories) == 1
