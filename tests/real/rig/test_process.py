"""What the rig starts ends with whoever started it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rig.process import NotReadyError, Process, is_running
from rig.waiting import eventually

_OWNER = """\
import sys, time
from pathlib import Path
from rig.process import Process
process = Process.start(["/bin/sh", "-c", "sleep 600 & echo $! >&2; sleep 600"], Path(sys.argv[1]))
process.wait_ready(lambda: process.log.read_text() != "", 120)
print(process.pid, process.log.read_text().strip(), flush=True)
{then}
"""


def _start_owner(then: str, log: Path) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", _OWNER.format(then=then), str(log)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


@pytest.mark.parametrize(
    ("then", "returncode"),
    [
        pytest.param("time.sleep(600)", -signal.SIGKILL, id="killed"),
        pytest.param("raise SystemExit(0)", 0, id="ended"),
        pytest.param("raise RuntimeError", 1, id="crashed"),
    ],
)
async def test_a_program_and_its_children_end_with_their_owner(then: str, returncode: int, tmp_path: Path) -> None:
    with _start_owner(then, tmp_path / "log") as owner:
        assert owner.stdout is not None
        pids = [int(word) for word in owner.stdout.readline().split()]
        if returncode == -signal.SIGKILL:
            owner.kill()

    assert owner.returncode == returncode
    assert len(pids) == 2
    await eventually(lambda: not any(is_running(pid) for pid in pids))


def test_stopping_a_program_that_ignores_it_kills_it(tmp_path: Path) -> None:
    process = Process.start(["/bin/sh", "-c", "trap '' TERM; echo deaf; sleep 600 & wait"], tmp_path / "log")
    process.wait_ready(lambda: process.log.read_text() == "deaf\n", 120)

    assert process.stop(timeout_s=0.1) == -signal.SIGKILL


def test_a_paused_program_can_be_stopped(tmp_path: Path) -> None:
    process = Process.start(["sleep", "600"], tmp_path / "log")
    process.pause()

    assert process.stop() == -signal.SIGTERM


def test_once_a_program_is_paused_none_of_its_threads_works(tmp_path: Path) -> None:
    count = tmp_path / "count"
    program = f"""
import threading
def work(file):
    while True:
        file.write(b"x")
for _ in range(8):
    threading.Thread(target=work, args=[open({str(count)!r}, "ab", buffering=0)]).start()
"""
    process = Process.start([sys.executable, "-c", program], tmp_path / "log")
    process.wait_ready(lambda: count.exists() and count.stat().st_size > 0, 120)

    grown = []
    for _ in range(200):
        process.pause()
        before = count.stat().st_size
        os.sched_yield()
        grown.append(count.stat().st_size - before)
        process.resume()
    process.kill()

    assert not any(grown)


def test_pausing_a_program_that_has_ended_does_nothing(tmp_path: Path) -> None:
    process = Process.start(["true"], tmp_path / "log")
    process.stop()

    process.pause()

    assert process.returncode is not None


def test_a_program_that_ends_too_early_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    process = Process.start(["/bin/sh", "-c", "echo no such luck; exit 4"], tmp_path / "log")

    with pytest.raises(NotReadyError, match=r"(?s)sh ended with 4 before it was ready; .*no such luck"):
        process.wait_ready(lambda: False, 120)


def test_a_program_that_is_not_ready_in_time_is_ended(tmp_path: Path) -> None:
    process = Process.start(["sleep", "600"], tmp_path / "log")

    with pytest.raises(NotReadyError, match="sleep was not ready after 0 s"):
        process.wait_ready(lambda: False, 0)

    assert process.returncode == -signal.SIGKILL
