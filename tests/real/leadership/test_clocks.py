"""One of two operators has a wrong clock, by libfaketime: nobody changes anything beside whoever holds the Lease.

A date that is wrong, or set while a process runs, leaves the monotonic clock alone, as on a real machine. A clock that
runs at a wrong rate does so whatever is asked of it.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from real.leadership.conftest import Realm
from rig.debian import NoPackage
from rig.faketime import FakeClock
from rig.waiting import eventually
from rig.workers import MockWorkers

HOUR_S = 3600
LEASE_S, RETRY_S = 18, 1
TERMS = (f"--lease-duration={LEASE_S}", "--renew-deadline=7.5", f"--retry-period={RETRY_S}")
"""One clock may run 2.4 times as fast as the other."""

type MakeClock = Callable[[Path], FakeClock]
LEADER, STANDBY = 0, 1
CLOCKS: dict[str, tuple[int, MakeClock]] = {
    "the standby's date is an hour ahead": (STANDBY, lambda folder: FakeClock.off_by(HOUR_S, folder)),
    "the standby's date is an hour behind": (STANDBY, lambda folder: FakeClock.off_by(-HOUR_S, folder)),
    "the leader's date jumps back an hour": (LEADER, lambda folder: FakeClock.off_by(0, folder)),
    "the standby's clock is twice as fast": (STANDBY, lambda _folder: FakeClock.of_rate(2.0)),
    "the leader's clock is half as fast": (LEADER, lambda _folder: FakeClock.of_rate(0.5)),
}


@pytest.mark.parametrize("case", CLOCKS)
async def test_whatever_the_time_is_only_the_holder_acts(
    case: str, realm: Realm, mock_workers: MockWorkers, tmp_path: Path
) -> None:
    place, make = CLOCKS[case]
    try:
        clock = make(tmp_path)
    except NoPackage as error:
        pytest.skip(str(error))
    first, second = await realm.leader_and_standby(*TERMS, clocks=(clock, None) if place == LEADER else (None, clock))
    realm.declared.worker("a", mock_workers.add("a").url)
    await realm.declared.until("a", timeout_s=60)
    changing = asyncio.create_task(realm.keep_changing("a"))

    if case.endswith("jumps back an hour"):
        clock.set(-HOUR_S)
        await eventually(lambda: _is_wrong(realm), 60)
    before = len(first.renewals)
    await eventually(lambda: len(first.renewals) > before + 1.2 * LEASE_S / RETRY_S, 120)
    has_led_on = first.leads and not second.leads and second.renewals == []
    first.operator.process.pause()
    await eventually(lambda: second.leads, 120)
    led_s = time.monotonic()
    first.operator.process.resume()
    await eventually(lambda: "leadership.lost" in first.operator.log.read_text(), 60)
    await eventually(lambda: realm.calls(second, led_s), 60)
    changing.cancel()

    assert has_led_on
    assert _is_wrong(realm) == ("standby's date" in case)
    assert realm.calls(first, led_s) == first.writes(led_s) == []


def _is_wrong(realm: Realm) -> bool:
    """Whether whoever holds the Lease has a date that is off by an hour, more or less."""
    renewed = datetime.fromisoformat(realm.held["renewTime"])
    return abs((renewed - datetime.now(UTC)).total_seconds()) > HOUR_S / 2
