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
    is kept once the last reader is served. Where a read raises `fails_all_with`, those who asked while it was under way
    are not kept waiting for another one, which would most likely end the same.
    """

    def __init__(self, read: Callable[[], Awaitable[T]], *, fails_all_with: type[Exception] | None = None) -> None:
        self._read = read
        self._fails_all_with = fails_all_with
        self._lock = asyncio.Lock()
        self._begun = 0
        self._readers = 0
        self._last: _Outcome[T] | None = None

    async def __call__(self) -> T:
        """Return the result of a read that begins after this call. Raises what that read raised."""
        newest_too_old, is_under_way = self._begun, self._lock.locked()
        self._readers += 1
        try:
            async with self._lock:
                if is_under_way:
                    self._raise_for_all(newest_too_old)
                if self._last is None or self._last.number <= newest_too_old:
                    self._last = await self._fresh()
                return _result(self._last)
        finally:
            self._readers -= 1
            if not self._readers:
                self._last = None

    def _raise_for_all(self, number: int) -> None:
        last, kind = self._last, self._fails_all_with
        if last is not None and last.number == number and kind is not None and isinstance(last.error, kind):
            raise last.error.with_traceback(None)

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
