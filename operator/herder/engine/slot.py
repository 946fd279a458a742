"""Where the waiters of one instance wait."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from herder.engine.state import WorkflowOutcome


class Slot:
    """Any number of waiters, each with a future of its own, so that one that gives up takes nobody along."""

    __slots__ = ("_waiters",)

    def __init__(self) -> None:
        self._waiters: set[asyncio.Future[WorkflowOutcome]] = set()

    @contextmanager
    def take(self) -> Iterator[asyncio.Future[WorkflowOutcome]]:
        """Lend a future that `answer` fulfils; what comes between taking and awaiting it is not missed."""
        waiter: asyncio.Future[WorkflowOutcome] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            yield waiter
        finally:
            self._waiters.discard(waiter)
            waiter.cancel()

    def answer(self, answer: WorkflowOutcome | Exception) -> None:
        """Wake everybody with how the workflow ended, or with why that will never be known."""
        for waiter in self._waiters:
            if waiter.done():
                continue
            if isinstance(answer, WorkflowOutcome):
                waiter.set_result(answer)
            else:
                waiter.set_exception(answer)
