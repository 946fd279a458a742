"""One read for many readers, none of whom is given anything older than his question.

Thousands of workflows ask a replica for its list, each of them to see what it just did. Those who ask while a read is
under way can't have its result, for it may have begun before what they did; but all of them can share the next one. So
that reading does not become all that a replica and herder do when thousands ask, the next one begins a while after the
last: the longer that one took, the more readers gather for it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

_REST: Final = 2.0
"""How long nothing is read after a read, in times of what that took: a third of the time is enough for lists."""
_LONGEST_REST_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class _Outcome[T]:
    number: int
    value: T | None
    error: Exception | None


class SharedRead[T]:
    """Calls `read` at most once at a time. A call returns, or raises, what a read brought that began after the call.

    A call waits for two reads at most, and for the rest between them. A reader that is cancelled leaves the others'
    read to the next of them. Nothing is kept once the last reader is served. Where a read raises `fails_all_with`,
    those who asked while it was under way are not kept waiting for another one, which would most likely end the same.
    """

    def __init__(self, read: Callable[[], Awaitable[T]], *, fails_all_with: type[Exception] | None = None) -> None:
        self._read = read
        self._fails_all_with = fails_all_with
        self._lock = asyncio.Lock()
        self._begun = 0
        self._readers = 0
        self._last: _Outcome[T] | None = None
        self._rests_until_s = 0.0

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
        clock = asyncio.get_running_loop().time
        if (rest_s := self._rests_until_s - clock()) > 0:
            await asyncio.sleep(rest_s)
        self._begun += 1
        number, began_s = self._begun, clock()
        try:
            return _Outcome(number, await self._read(), None)
        except Exception as error:  # noqa: BLE001  every reader is told, see _result
            return _Outcome(number, None, error)
        finally:
            ended_s = clock()
            self._rests_until_s = ended_s + min(_LONGEST_REST_S, _REST * (ended_s - began_s))


def _result[T](outcome: _Outcome[T]) -> T:
    if outcome.error is not None:
        raise outcome.error.with_traceback(None)
    return outcome.value  # type: ignore[return-value]  # a T whenever there is no error; T itself may be None
