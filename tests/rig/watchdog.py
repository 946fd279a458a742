"""Ends what a process started once that process is gone, however it went: SIGKILL included, on Linux and macOS alike.

    owner ──── pipe ────▶ watchdog          "+123": session 123 was started    "-123": it is gone and cleared up
      └─▶ sh: writes "+$$" into the pipe, closes it, becomes the program (the same pid)

The watchdog sees the pipe's end only when the owner and each half-started shell have closed it, so there is no moment
in which a program runs and is not yet known. It has a session of its own: Ctrl-C in a terminal and a signal to the
owner's process group do not reach it. (PR_SET_PDEATHSIG is Linux only and fires when the starting *thread* ends.)
"""

import atexit
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO


class Watchdog:
    """One watching process; `get_watchdog` gives the one of this process. Notes are written to `notes_fd`."""

    def __init__(self) -> None:
        read_fd, self.notes_fd = os.pipe()
        self._popen = subprocess.Popen(
            [sys.executable, "-IS", str(Path(__file__))],
            stdin=read_fd,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(read_fd)

    def start(
        self, argv: Sequence[str], *, output: IO[bytes], env: Mapping[str, str], folder: Path | None
    ) -> subprocess.Popen[bytes]:
        """Start a program in a session of its own, watched from its first moment; `output` takes stdout and stderr."""
        # The pipe goes in as descriptor 0, because sh need not know descriptors of two digits.
        return subprocess.Popen(
            ["/bin/sh", "-c", 'echo "+$$" >&0 && exec "$@" </dev/null', "sh", *argv],
            stdin=self.notes_fd,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=folder,
            start_new_session=True,
        )

    def forget(self, pid: int) -> None:
        """The program with this pid has been waited for: end what it left of its session, and watch it no longer."""
        end_session(pid)
        os.write(self.notes_fd, f"-{pid}\n".encode())

    def close(self) -> None:
        """End whatever still runs, and the watching."""
        os.close(self.notes_fd)
        self._popen.wait()


@cache
def get_watchdog() -> Watchdog:
    """This process's watchdog, started at the first call, closed when the interpreter ends."""
    watchdog = Watchdog()
    atexit.register(watchdog.close)
    return watchdog


def end_session(pid: int) -> None:
    """SIGKILL to everything in the process group that `pid` leads; nothing when there is none."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        os.killpg(pid, signal.SIGKILL)


def watch(notes: Iterable[str]) -> None:
    """Take notes until their end, which is the owner's; then end every session that is still on the list."""
    sessions: set[int] = set()
    for note in notes:
        pid = int(note[1:])
        if note.startswith("+"):
            sessions.add(pid)
        else:
            sessions.discard(pid)
    for pid in sessions:
        end_session(pid)


if __name__ == "__main__":
    watch(sys.stdin)
