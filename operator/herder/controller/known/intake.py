"""What any source tells of objects: taken if it is news, and then everybody whom it concerns is looked at."""

from collections.abc import Callable

from herder.controller.known.objects import Body, Key, Objects, uid_of
from herder.controller.known.queue import WorkQueue

type Forget = Callable[[Key, Body], None]
"""Called with an object that is gone, as it was known last, to free what is kept for it."""


class Intake:
    """Takes what the watch, a list or the answer to a write says of an object. Nothing is taken twice."""

    def __init__(self, objects: Objects, queue: WorkQueue) -> None:
        self._objects = objects
        self._queue = queue
        self._forget: list[Forget] = []

    def at_end(self, forget: Forget) -> None:
        """Have `forget` called with each object that is gone, before anything is decided on that."""
        self._forget.append(forget)

    def seen(self, body: Body) -> None:
        """Take a version of an object. That of one that has taken another's name says that the other is gone."""
        key = Key.of(body)
        before, known = self._objects.rivals(key), self._objects.get(key)
        if self._objects.put(body):
            if known is not None and uid_of(known) != uid_of(body):
                self._free(key, known)
            self._enqueue(key, before)

    def gone(self, body: Body) -> None:
        """Take the news that an object is gone."""
        key = Key.of(body)
        before = self._objects.rivals(key)
        if self._objects.remove(key, uid_of(body)):
            self._free(key, body)
            self._enqueue(key, before)

    def _free(self, key: Key, body: Body) -> None:
        for forget in self._forget:
            forget(key, body)

    def _enqueue(self, key: Key, rivals_before: frozenset[Key]) -> None:
        """Have an object reconciled, and those that a URL was or is contested with."""
        for each in {key} | rivals_before | self._objects.rivals(key):
            self._queue.add(each)
