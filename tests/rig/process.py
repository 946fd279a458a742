"""A program that the rig runs: its output in a log file, its end in our hands, dead at the latest when we are."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from rig.nursery import Forked, get_nursery
from rig.watchdog import get_watchdog

_POLL_S = 0.02
_PROC = Path("/proc")


class NotReadyError(RuntimeError):
    """A program ended or took too long before it was ready; the message ends with the last lines of its log."""


def is_running(pid: int) -> bool:
    """Whether there is such a process; one that has ended and was not waited for yet is none."""
    if _PROC.is_dir():
        try:
            state = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        return state != "Z"
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listed.stdout.strip()[:1] not in {"", "Z"}


class Process:
    """A running program. `pid` is its own (no wrapper in between) and leads a session of its own."""

    def __init__(self, popen: subprocess.Popen[bytes] | Forked, name: str, log: Path) -> None:
        self._popen = popen
        self.name = name
        self.log = log
        self.pid = popen.pid
        self._is_watched = True

    @classmethod
    def start(
        cls, argv: Sequence[str | Path], log: Path, *, env: Mapping[str, str] | None = None, folder: Path | None = None
    ) -> Self:
        """Run `argv` in `folder` with `env` on top of this process's environment; its log file is appended to."""
        log.parent.mkdir(parents=True, exist_ok=True)
        words = [str(word) for word in argv]
        with log.open("ab") as output:
            popen = get_watchdog().start(words, output=output, folder=folder, env={**os.environ, **(env or {})})
        return cls(popen, Path(words[0]).name, log)

    @classmethod
    def fork(cls, argv: Sequence[str], log: Path, *, env: Mapping[str, str], python_path: str) -> Self:
        """Run `herder` with `argv` and `env` on top of this process's environment, forked from one that is imported."""
        log.parent.mkdir(parents=True, exist_ok=True)
        return cls(get_nursery(python_path).start(argv, log, {**os.environ, **env}), "herder", log)

    @property
    def returncode(self) -> int | None:
        """None while it runs; the negative signal number when a signal ended it."""
        self._popen.poll()
        return self._settle()

    def send_signal(self, number: signal.Signals) -> None:
        """Send the program a signal; nothing when it has ended."""
        self._popen.send_signal(number)

    def pause(self) -> None:
        """Freeze it, and wait until all of its threads stand: it answers nothing and its connections stay open."""
        self.send_signal(signal.SIGSTOP)
        if self.returncode is None:
            # The signal reaches one thread; on a busy machine the others go on for a while before they are stopped.
            os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """Let a paused program go on."""
        self.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self.send_signal(signal.SIGKILL)
        self._wait(timeout_s=None)

    def stop(self, timeout_s: float = 10.0) -> int:
        """SIGTERM, and SIGKILL to what has not ended by then; returns the exit code."""
        self.resume()
        self.send_signal(signal.SIGTERM)
        try:
            return self._wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.send_signal(signal.SIGKILL)
            return self._wait(timeout_s=None)

    def _wait(self, timeout_s: float | None) -> int:
        returncode = self._popen.wait(timeout_s)
        self._settle()
        return returncode

    def _settle(self) -> int | None:
        """After an end: clear up once, because the system may give the pid to somebody else's program from now on."""
        if self._popen.returncode is not None and self._is_watched:
            self._is_watched = False
            get_watchdog().forget(self.pid)
        return self._popen.returncode

    def wait_ready(self, is_ready: Callable[[], bool], timeout_s: float) -> None:
        """Block until `is_ready()`.

        Raises NotReadyError when the program ends before that, or when the time is over: it is killed then.
        """
        deadline_s = time.monotonic() + timeout_s
        while not is_ready():
            if self.returncode is not None:
                raise NotReadyError(self._complaint(f"ended with {self.returncode} before it was ready"))
            if time.monotonic() > deadline_s:
                self.kill()
                raise NotReadyError(self._complaint(f"was not ready after {timeout_s:g} s"))
            time.sleep(_POLL_S)

    def log_tail(self) -> str:
        """The last twenty lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])

    def _complaint(self, what: str) -> str:
        return f"{self.name} {what}; the end of {self.log}:\n{self.log_tail()}"
