"""Keys to reconcile: each at most once in the queue and never in two hands, later or ever later on demand.

Gateways and workers come first: nothing can be sent to a model whose workers are not registered. But every fourth hand
that is free takes of the rest, if there is any.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog

from herder.api.meta import MODEL_GATEWAY, WORKER_REGISTRATION
from herder.controller.cluster.errors import KubeError
from herder.controller.known.objects import Key

log = structlog.get_logger(__name__)

_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 60.0
_URGENT: Final = frozenset({MODEL_GATEWAY.kind, WORKER_REGISTRATION.kind})
_EVERY: Final = 4

type Failed = Callable[[str, str], None]
"""Is told of a handling that failed: the key's kind, and `Cluster` or `Defect`."""


def _untold(_kind: str, _cause: str) -> None:
    return


class WorkQueue:
    """A level-triggered queue: a key added again before it is handled counts once, added while it is handled, twice.

    `clock` returns monotonic seconds.
    """

    def __init__(self, failed: Failed = _untold, clock: Callable[[], float] = time.monotonic) -> None:
        self._failed = failed
        self._clock = clock
        self._urgent: deque[Key] = deque()
        self._rest: deque[Key] = deque()
        self._taken = 0
        self._waiting: dict[Key, float] = {}
        """Since when each does, the longest first."""
        self._in_hand: set[Key] = set()
        self._again: set[Key] = set()
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}
        self._wake = asyncio.Semaphore(0)

    def __len__(self) -> int:
        return len(self._urgent) + len(self._rest)

    @property
    def depths(self) -> Mapping[str, int]:
        """How many wait, by kind."""
        return Counter(key.kind for key in self._waiting)

    @property
    def ages_s(self) -> Mapping[str, float]:
        """For how long the one has waited that has waited longest, by kind; nothing of kinds of which none waits."""
        now_s, ages_s = self._clock(), dict[str, float]()
        for key, since_s in self._waiting.items():
            ages_s.setdefault(key.kind, now_s - since_s)
        return ages_s

    def add(self, key: Key) -> None:
        """Have a key reconciled as soon as a hand is free."""
        if key in self._in_hand:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting[key] = self._clock()
            (self._urgent if key.kind in _URGENT else self._rest).append(key)
            self._wake.release()

    def add_after(self, key: Key, delay_s: float) -> None:
        """Have a key reconciled in a while; of several such wishes the earliest counts."""
        loop = asyncio.get_running_loop()
        due = loop.time() + delay_s
        timer = self._timers.get(key)
        if timer is not None:
            if timer.when() <= due:
                return
            timer.cancel()
        self._timers[key] = loop.call_at(due, self._ring, key)

    def forget(self, key: Key) -> None:
        """Drop what was planned for a key whose object is gone."""
        self._failures.pop(key, None)
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    async def work(self, hands: int, handle: Callable[[Key], Awaitable[None]]) -> None:
        """Handle keys, `hands` at a time, until cancelled. A key whose handling raises comes back, later each time."""
        async with asyncio.TaskGroup() as group:
            for _ in range(hands):
                group.create_task(self._hand(handle))

    async def _hand(self, handle: Callable[[Key], Awaitable[None]]) -> None:
        while True:
            await self._wake.acquire()
            key = self._next()
            self._waiting.pop(key, None)
            self._in_hand.add(key)
            try:
                await handle(key)
                self._failures.pop(key, None)
            except Exception as error:  # noqa: BLE001  whatever it is, the object must not be lost
                self._pause(key, error)
            finally:
                self._in_hand.discard(key)
                if key in self._again:
                    self._again.discard(key)
                    self.add(key)

    def _next(self) -> Key:
        self._taken += 1
        is_for_rest = self._rest and (not self._urgent or self._taken % _EVERY == 0)
        return self._rest.popleft() if is_for_rest else self._urgent.popleft()

    def _pause(self, key: Key, error: Exception) -> None:
        count = self._failures[key] = self._failures.get(key, 0) + 1
        delay_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(count - 1, 16))
        is_of_cluster = isinstance(error, KubeError)
        self._failed(key.kind, "Cluster" if is_of_cluster else "Defect")
        if is_of_cluster:
            log.warning("reconcile.delayed", key=str(key), attempt=count, delay_s=delay_s, error=str(error))
        else:
            log.error("reconcile.failed", key=str(key), attempt=count, delay_s=delay_s, exc_info=error)
        self.add_after(key, delay_s)

    def _ring(self, key: Key) -> None:
        del self._timers[key]
        self.add(key)
