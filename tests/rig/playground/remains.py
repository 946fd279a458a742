"""Finds again, and ends, processes that another process started: by pid and start time, so that none is mistaken.

The watchdog ends a supervisor's parts when it is gone; this is for the case that both were killed.
"""

import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from rig.watchdog import end_session

_TIME: Final = "%a %b %d %H:%M:%S %Y"
_INEXACT: Final = timedelta(seconds=2)
"""ps adds a process's age to the clock of now, so that two answers may differ."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A process at the time it was noted; `started` is UTC without saying so, as ps prints it."""

    pid: int
    parent: int
    started: datetime

    def is_same(self, other: "Seen") -> bool:
        """Whether both are one process, not two that were given the same pid."""
        return self.pid == other.pid and abs(self.started - other.started) <= _INEXACT


def note_self(path: Path) -> None:
    """Write a record of this process."""
    _write(path, (seen for seen in _running() if seen.pid == os.getpid()))


def note_children(path: Path) -> None:
    """Write a record of everything that this process has started and that still runs."""
    _write(path, (seen for seen in _running() if seen.parent == os.getpid()))


def find(path: Path) -> tuple[int, ...]:
    """The pids of the record's processes that still run; none where there is no record."""
    noted = tuple(_read(path))
    return tuple(seen.pid for seen in _running() if any(seen.is_same(one) for one in noted))


def end(path: Path) -> int:
    """SIGKILL to the sessions of the record's processes that still run; returns how many there were."""
    pids = find(path)
    for pid in pids:
        end_session(pid)
    return len(pids)


def _write(path: Path, processes: Iterable[Seen]) -> None:
    lines = (f"{seen.pid} {seen.parent} {seen.started.strftime(_TIME)}\n" for seen in processes)
    path.write_text("".join(lines))


def _read(path: Path) -> Iterator[Seen]:
    with suppress(FileNotFoundError):
        yield from map(_parse, path.read_text().splitlines())


def _running() -> Iterator[Seen]:
    environment = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
    argv = ["ps", "-A", "-o", "pid=,ppid=,stat=,lstart="]
    listed = subprocess.run(argv, capture_output=True, text=True, check=True, env=environment)
    for line in listed.stdout.splitlines():
        pid, parent, state, started = line.split(maxsplit=3)
        if not state.startswith("Z"):
            yield _parse(f"{pid} {parent} {started}")


def _parse(line: str) -> Seen:
    pid, parent, started = line.split(maxsplit=2)
    return Seen(int(pid), int(parent), datetime.strptime(" ".join(started.split()), _TIME))  # noqa: DTZ007  (both are in UTC)
