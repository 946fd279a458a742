"""SharedRead: no reader is given anything older than his question, and reads stay few."""

import asyncio

import pytest

from herder.gateway.shared_read import SharedRead
from unit.engine.kit import elapsed_s, virtual_time


class _Source:
    """Counts its reads; each waits to be released, and fails as often as told."""

    def __init__(self, failures: int = 0) -> None:
        self.begun = 0
        self.failures = failures
        self.gate = asyncio.Event()

    async def read(self) -> int:
        self.begun += 1
        number = self.begun
        await self.gate.wait()
        if number <= self.failures:
            raise OSError(f"read {number} failed")
        return number


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_readers_share_the_next_read_and_never_the_one_under_way() -> None:
    source = _Source()
    shared = SharedRead(source.read)
    first = asyncio.create_task(shared())
    await _settle()
    later = [asyncio.create_task(shared()) for _ in range(50)]
    await _settle()

    source.gate.set()
    numbers = [await first, *[await reader for reader in later]]

    assert numbers == [1] + [2] * 50


async def test_a_reader_who_comes_after_the_end_reads_anew() -> None:
    source = _Source()
    source.gate.set()
    shared = SharedRead(source.read)

    assert [await shared(), await shared()] == [1, 2]


async def test_everybody_is_told_of_a_failure_at_once_and_the_next_reads_anew() -> None:
    source = _Source(failures=2)
    shared = SharedRead(source.read)
    first = asyncio.create_task(shared())
    await _settle()
    later = [asyncio.create_task(shared()) for _ in range(5)]
    await _settle()

    source.gate.set()
    outcomes = await asyncio.gather(first, *later, return_exceptions=True)

    assert [str(outcome) for outcome in outcomes] == ["read 1 failed"] + ["read 2 failed"] * 5
    assert await shared() == 3


async def test_a_reader_that_is_cancelled_takes_nobody_with_him() -> None:
    source = _Source()
    shared = SharedRead(source.read)
    first = asyncio.create_task(shared())
    await _settle()
    second = asyncio.create_task(shared())
    await _settle()

    first.cancel()
    source.gate.set()

    assert await second == 2
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_nothing_is_kept_when_the_last_reader_is_served() -> None:
    source = _Source()
    source.gate.set()
    shared = SharedRead(source.read)

    await shared()

    assert shared._last is None


async def test_those_who_asked_while_a_read_hung_fail_with_it_and_who_asks_later_does_not() -> None:
    reads, hangs = 0, asyncio.Event()

    async def read() -> int:
        nonlocal reads
        reads += 1
        if reads == 1:
            await hangs.wait()
            raise TimeoutError
        return reads

    shared = SharedRead(read, fails_all_with=TimeoutError)
    asking = [asyncio.create_task(shared()) for _ in range(5)]
    await asyncio.sleep(0)
    asking += [asyncio.create_task(shared()) for _ in range(5)]
    await asyncio.sleep(0)
    hangs.set()
    answers = await asyncio.gather(*asking, return_exceptions=True)

    assert [type(answer) for answer in answers] == [TimeoutError] * 10
    assert (await shared(), reads) == (2, 2)


@virtual_time
async def test_those_who_come_soon_after_a_read_gather_for_the_next() -> None:
    begun_s: list[float] = []

    async def read() -> float:
        begun_s.append(elapsed_s())
        await asyncio.sleep(0.1)
        return begun_s[-1]

    shared = SharedRead(read)
    readers = []
    for _ in range(5):
        readers.append(asyncio.create_task(shared()))
        await asyncio.sleep(0.06)

    results = await asyncio.gather(*readers)

    assert begun_s == pytest.approx([0.0, 0.3])
    assert results == pytest.approx([0.0, 0.3, 0.3, 0.3, 0.3])


@virtual_time
async def test_a_slow_read_has_nobody_wait_long_for_the_next() -> None:
    async def read() -> float:
        began_s = elapsed_s()
        await asyncio.sleep(20)
        return began_s

    shared = SharedRead(read)
    await shared()

    assert await shared() == pytest.approx(20.5)


@virtual_time
async def test_who_comes_later_does_not_wait() -> None:
    async def read() -> float:
        began_s = elapsed_s()
        await asyncio.sleep(0.1)
        return began_s

    shared = SharedRead(read)
    await shared()
    await asyncio.sleep(1)

    assert await shared() == pytest.approx(1.1)
