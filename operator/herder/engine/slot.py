"""Where the waiters of one instance wait."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from herder.engine.state import WorkflowOutcome

type Answer = WorkflowOutcome | Exception
"""How the workflow ended, or why that will never be known."""


class Slot:
    """Any number of waiters, each with a future of its own, so that one that gives up takes nobody along."""

    __slots__ = ("_answer", "_waiters")

    def __init__(self) -> None:
        self._waiters: set[asyncio.Future[WorkflowOutcome]] = set()
        self._answer: Answer | None = None

    @contextmanager
    def take(self) -> Iterator[asyncio.Future[WorkflowOutcome]]:
        """Lend a future that `answer` fulfils, or has fulfilled: whoever comes late misses nothing."""
        waiter: asyncio.Future[WorkflowOutcome] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        if self._answer is not None:
            _fulfil(waiter, self._answer)
        try:
            yield waiter
        finally:
            self._waiters.discard(waiter)
            if not waiter.cancel() and not waiter.cancelled():
                waiter.exception()  # retrieved, or asyncio would report an error that nobody stayed to hear

    def answer(self, answer: Answer) -> None:
        """Wake everybody."""
        self._answer = answer
        for waiter in self._waiters:
            if not waiter.done():
                _fulfil(waiter, answer)


def _fulfil(waiter: asyncio.Future[WorkflowOutcome], answer: Answer) -> None:
    if isinstance(answer, WorkflowOutcome):
        waiter.set_result(answer)
    else:
        waiter.set_exception(answer)
