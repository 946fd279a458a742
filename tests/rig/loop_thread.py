"""An event loop in a thread of its own: a test that blocks holds up nothing of what runs there."""

import asyncio
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Final, Self

_TURNS: Final = 3
"""Of the loop, until a connection that was aborted is closed."""


class LoopThread:
    """A context manager. What is still at work at its end is cancelled, and has ended before it closes."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)

    def run[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Have it done there, and wait for what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run(_end_everything())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _end_everything() -> None:
    """Requests that nobody answers, and connections that were just taken, or shake hands: no server knows of these yet.

    What is left would complain one day, in whatever test its remains are cleared up in.
    """
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
    for transport in tuple(vars(asyncio.get_running_loop())["_transports"].values()):
        transport.abort()
    for _ in range(_TURNS):
        await asyncio.sleep(0)
