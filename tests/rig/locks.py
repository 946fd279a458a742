"""Locks between processes that fall by themselves when their holder ends."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def hold(path: Path) -> IO[str]:
    """Take the lock of this file, waiting for whoever has it; closing the result (or ending) lets it go."""
    file = path.open("a")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def try_hold(path: Path) -> IO[str] | None:
    """Take the lock if nobody has it."""
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


@contextmanager
def locked(path: Path, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Have the lock for the block; `on_wait` is called before waiting for another holder."""
    file = try_hold(path)
    if file is None:
        on_wait()
        file = hold(path)
    with file:
        yield
