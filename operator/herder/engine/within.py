"""A time limit that costs nothing until there is something to wait for."""

import asyncio
import types
from collections.abc import Coroutine, Generator
from typing import Any

from herder.engine.errors import StepTimeoutError


async def within[T](timeout_s: float, step_id: str, work: Coroutine[Any, Any, T]) -> T:
    """Run `work` in the calling task. Raises StepTimeoutError when it is not through after `timeout_s` seconds.

    The first stretch, up to where `work` would wait, runs without a timer: work that never waits needs none.
    """
    try:
        waits_for = work.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # StopIteration.value is not generic
    try:
        async with asyncio.timeout(timeout_s) as limit:
            return await _go_on(work, waits_for)
    except TimeoutError as error:
        if limit.expired():
            raise StepTimeoutError(step_id, timeout_s) from error
        raise


@types.coroutine
def _go_on[T](work: Coroutine[Any, Any, T], waits_for: Any) -> Generator[Any, Any, T]:
    """Await a coroutine that has been started already and waits for `waits_for`."""
    try:
        while True:
            try:
                answer = yield waits_for
            except BaseException as error:  # noqa: BLE001 (whatever is thrown in is for `work` to deal with)
                waits_for = work.throw(error)
            else:
                waits_for = work.send(answer)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # StopIteration.value is not generic
