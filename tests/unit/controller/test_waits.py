"""Looking again when time alone changes what is to be done, with a clock that goes on while a decision is made."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import pytest

from herder.controller.clock import Clock
from unit.controller.office import ENDPOINTS, working
from unit.engine.kit import virtual_time

_STEP_S = 0.005


class Restless:
    """A monotonic clock that jumps ahead of the event loop's at its `jumps_at`-th reading within one turn of the loop.

    So does the real one: an event loop may take its own time at the beginning of each turn, and go by that.
    """

    def __init__(self, jumps_at: int) -> None:
        self._jumps_at = jumps_at
        self._turn_s, self._readings = 0.0, 0

    def __call__(self) -> float:
        turn_s = asyncio.get_running_loop().time()
        self._readings = self._readings + 1 if turn_s == self._turn_s else 1
        self._turn_s = turn_s
        return turn_s + (_STEP_S if self._readings >= self._jumps_at else 0.0)


@pytest.mark.parametrize("jumps_at", range(1, 9))
@virtual_time
async def test_a_removal_that_failed_is_tried_again_whenever_its_time_comes(
    monkeypatch: pytest.MonkeyPatch, jumps_at: int
) -> None:
    def restless(*, monotonic: Callable[[], float], now: Callable[[], datetime]) -> Clock:
        return Clock(monotonic=Restless(jumps_at), now=now)

    monkeypatch.setattr("unit.controller.office.Clock", restless)
    async with working() as office:
        key = office.worker(drain={"settleSeconds": 0, "timeoutSeconds": 5, "onTimeout": "Keep"})
        await office.registered(key)
        office.a.away = True
        office.kube.delete(key)
        await office.until(lambda: office.kube.status(key)["workflow"]["status"] == "Failed")
        office.a.come_back()

        await office.until(lambda: office.is_gone(key), within_s=60)

        assert office.listed(ENDPOINTS[0]) == []
