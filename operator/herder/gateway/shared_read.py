"""One read for many readers, none of whom is given anything older than his question.

Thousands of workflows ask a replica for its list, each of them to see what it just did. Those who ask while a read is
under way can't have its result, for it may have begun before what they did; but all of them can share the next one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Outcome[T]:
    number: int
    value: T | None
    error: Exception | None


class SharedRead[T]:
    """Calls `read` at most once at a time. A call returns, or raises, what a read brought that began after the call.

    A call waits for two reads at most. A reader that is cancelled leaves the others' read to the next of them. Nothing
    is kept once the last reader is served.
    """

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._lock = asyncio.Lock()
        self._begun = 0
        self._readers = 0
        self._last: _Outcome[T] | None = None

    async def __call__(self) -> T:
        """Return the result of a read that begins after this call. Raises what that read raised."""
        newest_too_old = self._begun
        self._readers += 1
        try:
            async with self._lock:
                if self._last is None or self._last.number <= newest_too_old:
                    self._last = await self._fresh()
                return _result(self._last)
        finally:
            self._readers -= 1
            if not self._readers:
                self._last = None

    async def _fresh(self) -> _Outcome[T]:
        self._begun += 1
        number = self._begun
        try:
            return _Outcome(number, await self._read(), None)
        except Exception as error:  # noqa: BLE001  every reader is told, see _result
            return _Outcome(number, None, error)


def _result[T](outcome: _Outcome[T]) -> T:
    if outcome.error is not None:
        raise outcome.error.with_traceback(None)
    return outcome.value  # type: ignore[return-value]  # a T whenever there is no error; T itself may be None
