"""One after another for each key, at once for different ones."""

import asyncio
from weakref import WeakValueDictionary


class Turns:
    """A lock for each key that somebody holds or waits for; nothing is kept of the others."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, key: str) -> asyncio.Lock:
        """Return the lock of `key`, to be used as `async with turns.of(key):`. The caller's hold keeps it alive."""
        return self._locks.setdefault(key, asyncio.Lock())

    def __len__(self) -> int:
        return len(self._locks)
