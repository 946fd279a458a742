"""Keys to reconcile: client-go's work queue in a few lines."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from structlog.testing import capture_logs

from herder.controller.cluster.errors import Unreached
from herder.controller.known.objects import Key
from herder.controller.known.queue import WorkQueue
from unit.engine.kit import virtual_time

A, B = (Key("WorkerRegistration", "ns", name) for name in "ab")


class Hands:
    """A queue that is worked on, and when each key was handled."""

    def __init__(self, handle: Callable[[Key], Awaitable[None]] | None = None, hands: int = 2) -> None:
        self.queue = WorkQueue()
        self.handled: list[tuple[Key, float]] = []
        self._handle = handle
        self._task = asyncio.create_task(self.queue.work(hands, self._note))

    async def _note(self, key: Key) -> None:
        self.handled.append((key, asyncio.get_running_loop().time()))
        if self._handle is not None:
            await self._handle(key)

    @property
    def times_s(self) -> list[float]:
        return [round(at_s, 3) for _, at_s in self.handled]

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})


@virtual_time
async def test_a_key_that_is_added_again_before_it_is_handled_counts_once() -> None:
    hands = Hands()

    for _ in range(5):
        hands.queue.add(A)
    hands.queue.add(B)
    await asyncio.sleep(1)

    assert Counter(key for key, _ in hands.handled) == {A: 1, B: 1}
    await hands.stop()


@virtual_time
async def test_a_key_that_is_added_while_it_is_handled_is_handled_once_more_and_never_in_two_hands() -> None:
    at_once, most = 0, 0

    async def handle(_key: Key) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(1)
        at_once -= 1

    hands = Hands(handle, hands=4)
    hands.queue.add(A)
    await asyncio.sleep(0.5)
    for _ in range(5):
        hands.queue.add(A)
    await asyncio.sleep(10)

    assert (hands.times_s, most) == ([0.0, 1.0], 1)
    await hands.stop()


@virtual_time
async def test_several_keys_are_handled_at_once() -> None:
    async def handle(_key: Key) -> None:
        await asyncio.sleep(1)

    hands = Hands(handle)
    hands.queue.add(A)
    hands.queue.add(B)
    await asyncio.sleep(5)

    assert hands.times_s == [0.0, 0.0]
    await hands.stop()


@virtual_time
async def test_of_several_later_times_the_earliest_counts_and_only_that() -> None:
    hands = Hands()

    for delay_s in (30, 10, 20):
        hands.queue.add_after(A, delay_s)
    await asyncio.sleep(100)

    assert hands.times_s == [10.0]
    await hands.stop()


@virtual_time
async def test_a_key_whose_handling_fails_comes_back_later_each_time_until_it_succeeds() -> None:
    failures = iter([True, True, True, False, True, False])

    async def handle(_key: Key) -> None:
        if next(failures):
            raise Unreached("no answer")

    hands = Hands(handle)
    hands.queue.add(A)
    await asyncio.sleep(10)
    hands.queue.add(A)
    await asyncio.sleep(10)

    assert hands.times_s == [0.0, 0.2, 0.6, 1.4, 10.0, 10.2]
    await hands.stop()


@virtual_time
async def test_pauses_grow_to_a_minute_and_no_further() -> None:
    async def handle(_key: Key) -> None:
        raise Unreached("no answer")

    hands = Hands(handle)
    hands.queue.add(A)
    await asyncio.sleep(3600)

    gaps = {round(later - earlier) for earlier, later in zip(hands.times_s[-9:], hands.times_s[-8:], strict=False)}
    assert gaps == {60}
    await hands.stop()


@virtual_time
async def test_news_of_a_failing_key_is_handled_at_once() -> None:
    async def handle(_key: Key) -> None:
        raise Unreached("no answer")

    hands = Hands(handle)
    for _ in range(12):
        hands.queue.add(A)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    assert set(hands.times_s) == {0.0}
    assert len(hands.handled) > 2
    await hands.stop()


@virtual_time
async def test_one_key_that_always_fails_holds_up_no_other_and_ends_nothing() -> None:
    async def handle(key: Key) -> None:
        if key == A:
            raise ZeroDivisionError

    hands = Hands(handle, hands=1)
    with capture_logs() as logs:
        hands.queue.add(A)
        hands.queue.add(B)
        await asyncio.sleep(0.1)

    assert [key for key, _ in hands.handled] == [A, B]
    assert [(entry["event"], "exc_info" in entry) for entry in logs] == [("reconcile.failed", True)]
    await hands.stop()


@virtual_time
async def test_an_api_server_that_is_away_is_logged_without_a_traceback() -> None:
    async def handle(_key: Key) -> None:
        raise Unreached("no answer")

    hands = Hands(handle)
    with capture_logs() as logs:
        hands.queue.add(A)
        await asyncio.sleep(0.1)

    assert [(entry["event"], entry["error"], "exc_info" in entry) for entry in logs] == [
        ("reconcile.delayed", "no answer", False)
    ]
    await hands.stop()


@virtual_time
async def test_nothing_is_kept_of_a_key_that_is_forgotten() -> None:
    async def handle(_key: Key) -> None:
        raise Unreached("no answer")

    hands = Hands(handle)
    hands.queue.add(A)
    await asyncio.sleep(0.1)

    hands.queue.forget(A)
    await asyncio.sleep(3600)

    assert hands.times_s == [0.0]
    assert (hands.queue._timers, hands.queue._failures, len(hands.queue)) == ({}, {}, 0)
    await hands.stop()


@virtual_time
async def test_workers_come_first_and_the_rest_is_never_left_for_good() -> None:
    hands = Hands(hands=1)
    modules = [Key("WasmModule", "ns", str(number)) for number in range(2)]
    workers = [Key("WorkerRegistration", "ns", str(number)) for number in range(9)]

    for key in (*modules, *workers):
        hands.queue.add(key)
    await asyncio.sleep(1)

    order = [key.kind for key, _ in hands.handled]
    assert [at for at, kind in enumerate(order) if kind == "WasmModule"] == [3, 7]
    await hands.stop()
