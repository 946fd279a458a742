"""News that the watch brings after herder has come upon them by itself: they are acted on all the same."""

import asyncio

import pytest

from unit.controller.office import Office, working
from unit.engine.kit import virtual_time


@virtual_time
async def test_a_change_that_a_write_of_progress_came_upon_is_acted_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working(monkeypatch) as office:
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
