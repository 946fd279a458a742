"""Starts operators by forking one that has imported everything: a start costs milliseconds instead of seconds.

    a test ── request ──▶ nursery ── forks ──▶ (a process in between, which ends) ── forks ──▶ the operator

The suite starts some hundred operators, and two of three seconds of each went into importing. A forked one is a process
like any other: it leads a session of its own, has a log, a pid and an exit code, and dies with the test at the latest.
The process in between makes it an orphan, and the test, being what adopts orphans here (PR_SET_CHILD_SUBREAPER), may
wait for it as for a child of its own. That is Linux only: elsewhere operators are started as usual.
"""

import atexit
import ctypes
import gc
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from rig.watchdog import get_watchdog

IS_AVAILABLE = sys.platform == "linux"
_PR_SET_CHILD_SUBREAPER = 36


class Forked:
    """What `subprocess.Popen` says of a child, as far as `rig.process` asks, for one that was adopted."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._descriptor = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """The exit code, or the negative signal number, once it has ended."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
                os.close(self._descriptor)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """As `poll`, once it has ended. Raises TimeoutExpired."""
        if self.returncode is None:
            poller = select.poll()
            poller.register(self._descriptor, select.POLLIN)
            poller.poll(None if timeout is None else timeout * 1000)
        returncode = self.poll()
        if returncode is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing when it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


class Nursery:
    """One process that forks others; `get_nursery` gives the one of this process."""

    def __init__(self, python_path: str) -> None:
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._lock = threading.Lock()
        ours, theirs = socket.socketpair()
        notes = get_watchdog().notes_fd
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "rig.nursery", str(theirs.fileno()), str(notes)],
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([python_path, str(Path(__file__).parents[1])])},
            pass_fds=(theirs.fileno(), notes),
            start_new_session=True,
        )
        theirs.close()
        self._line = ours.makefile("rw")

    def start(self, argv: Sequence[str], log: Path, env: Mapping[str, str]) -> Forked:
        """Have `herder` run with these arguments, its output appended to a file, in this process's folder."""
        with self._lock:
            print(json.dumps([list(argv), str(log), dict(env), str(Path.cwd())]), file=self._line, flush=True)
            return Forked(int(self._line.readline()))

    def close(self) -> None:
        """End it; what it has forked goes on."""
        self._line.close()
        self._popen.wait()


@cache
def get_nursery(python_path: str) -> Nursery:
    """This process's nursery, started at the first call, closed when the interpreter ends."""
    nursery = Nursery(python_path)
    atexit.register(nursery.close)
    return nursery


def serve(line: socket.socket, notes_fd: int) -> bool:
    """Fork once for each request. Returns True in a fork, which has become what was asked for, but for running it."""
    with line.makefile("rw") as talk:
        for request in talk:
            read_fd, write_fd = os.pipe()
            between = os.fork()
            if not between:
                orphan = os.fork()
                if orphan:
                    os.write(write_fd, f"{orphan}\n".encode())
                    os._exit(0)
                _become(json.loads(request), notes_fd, line.fileno(), read_fd, write_fd)
                return True
            os.waitpid(between, 0)
            talk.write(os.read(read_fd, 32).decode())
            talk.flush()
            os.close(read_fd)
            os.close(write_fd)
    return False


def _become(request: tuple[list[str], str, dict[str, str], str], notes_fd: int, *not_mine: int) -> None:
    argv, log, env, folder = request
    os.setsid()
    os.write(notes_fd, f"+{os.getpid()}\n".encode())
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for descriptor in (output, notes_fd, *not_mine):
        os.close(descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    random.seed()
    sys.argv = ["herder", *argv]


def _main() -> None:
    from herder.cli.main import main  # noqa: PLC0415  what this process is for; the tests' own need not import it

    gc.freeze()
    if serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])):
        main()


if __name__ == "__main__":
    _main()
