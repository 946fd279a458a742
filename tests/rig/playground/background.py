"""Starts the world in the background and ends it, from commands that come and go."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from rig.locks import locked
from rig.playground import remains
from rig.playground.samples import Samples
from rig.playground.state import State
from rig.playground.supervisor import READY

_POLL_S: Final = 0.05
_END_WITHIN_S: Final = 15.0
_TESTS: Final = Path(__file__).parents[2]


class NotUpError(RuntimeError):
    """The world did not come up; the message ends with what its supervisor said."""


def bring_up(samples: Samples, state: State, tell: Callable[[str], None]) -> bool:
    """Leave the world of the samples running; False if it is already.

    `tell` is called with what is being started. Raises NotUpError, and PortTakenError before anything is started.
    """
    if state.is_held():
        if state.ready.exists():
            return False
        raise NotUpError("another command is starting or ending it right now: wait for that one")
    _clear(state)
    samples.check_ports()
    supervisor = _start_supervisor(samples, state)
    try:
        _follow(supervisor, state, tell)
    except BaseException:
        take_down(state)
        raise
    supervisor.returncode = 0  # not ours to wait for: it is to outlive us
    return True


def take_down(state: State) -> bool:
    """End the world, whatever is left of it, and wait until nothing runs; False if nothing did."""
    if not state.folder.exists():
        return False
    was_held = state.is_held()
    if was_held:
        _end_supervisor(state)
    return _clear(state) or was_held


def _start_supervisor(samples: Samples, state: State) -> subprocess.Popen[str]:
    argv = ["--samples", str(samples.folder.resolve()), "--state", str(state.folder.resolve())]
    with state.log.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "rig.playground.supervisor", *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(_TESTS)},
        )


def _follow(supervisor: subprocess.Popen[str], state: State, tell: Callable[[str], None]) -> None:
    assert supervisor.stdout is not None
    with supervisor.stdout:
        for line in supervisor.stdout:
            if line.strip() == READY:
                return
            tell(line.strip())
    supervisor.wait()
    raise NotUpError(f"the world did not come up:\n{state.log.read_text()}")


def _end_supervisor(state: State) -> None:
    """SIGTERM lets it end its parts; SIGKILL to one that does not, and its watchdog ends them."""
    deadline_s = time.monotonic() + _END_WITHIN_S
    pids = _await_record(state)
    for pid in pids:
        _send(pid, signal.SIGCONT)
        _send(pid, signal.SIGTERM)
    while state.is_held() or remains.find(state.supervisor):
        if time.monotonic() > deadline_s:
            remains.end(state.supervisor)
        time.sleep(_POLL_S)


def _await_record(state: State) -> tuple[int, ...]:
    """Whoever holds the lock writes its record at once, or is clearing up and lets go soon."""
    while state.is_held():
        if pids := remains.find(state.supervisor):
            return pids
        time.sleep(_POLL_S)
    return ()


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _clear(state: State) -> bool:
    """End what a supervisor that was killed has left, and remove its files; whether anything was left running."""
    state.folder.mkdir(exist_ok=True)
    with locked(state.lock):
        count = remains.end(state.parts)
        state.clear()
    return count > 0
