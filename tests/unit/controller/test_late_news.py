"""News that the watch brings after herder has come upon them by itself: they are acted on all the same."""

import asyncio

from unit.controller.office import Office, at_work


@at_work
async def test_a_change_that_a_write_of_progress_came_upon_is_acted_on(office: Office) -> None:
    key = office.worker(up=False)
    await office.until(office.has_begun(key))
    gets = _reads(office)

    with office.late_news():
        office.worker(url="http://other:8000")
        await office.until(lambda: _reads(office) > gets)
        await asyncio.sleep(1)

    await office.registered(key)
    assert office.listed() == ["http://other:8000"]


def _reads(office: Office) -> int:
    return office.kube.count("GET", "/workerregistrations/a")
