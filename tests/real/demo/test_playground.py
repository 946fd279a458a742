"""`make up` and `make down`: what they say and leave, whatever state they meet."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rig.playground.background import take_down
from rig.playground.commands import processes_of, run
from rig.playground.samples import Samples
from rig.playground.state import State
from rig.process import is_running
from rig.waiting import eventually
from rig.web import is_ok

_KILLED_SUPERVISOR = """\
import subprocess, sys
from pathlib import Path
from rig.playground import remains
null = subprocess.DEVNULL
child = subprocess.Popen(["sleep", "600"], start_new_session=True, stdout=null, stderr=null)
remains.note_children(Path(sys.argv[1]))
print(child.pid, flush=True)
"""


class Playground:
    """The two commands with a state of the test's own."""

    def __init__(self, samples: Samples, folder: Path) -> None:
        self.state = State(folder / "state")
        self._args = ("--samples", samples.folder, "--state", self.state.folder)
        self._temporary = folder

    def __call__(self, command: str) -> str:
        """Run `up` or `down`; what it printed."""
        done = run("rig.playground", command, *self._args, temporary=self._temporary)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def playground(samples: Samples, tmp_path: Path) -> Playground:
    return Playground(samples, tmp_path)


def test_up_and_down_can_be_repeated_and_say_how_things_are(
    playground: Playground, samples: Samples, tmp_path: Path
) -> None:
    try:
        first, second = playground("up"), playground("up")
        listed = _paste(_exports(first), "kubectl get wr --output=name")
        own = _paste(
            _exports(first),
            *_lines(first, "add a worker of your own"),
            "kubectl wait --for=condition=Ready --timeout=60s wr/mine",
        )
        word = _paste(_lines(first, "look up a word of a status")[0])
        files = [path for path in (*samples.modules, *samples.tokenizers) if path.exists()]
        metrics = _paste(*(line for line in _lines(first, "read what the operator does") if line.startswith("curl")))
    finally:
        ended, again = playground("down"), playground("down")

    assert second == "It is up already.\n" + first[first.index("The playground is up") :]
    assert [line.rpartition("/")[2] for line in listed.split()] == sorted(samples.worker_urls)
    assert own.endswith("workerregistration.herder.dev/mine condition met\n")
    assert "herder_gateway_entries" in metrics
    assert "What to do: correct spec.url" in word
    assert files == [*samples.modules, *samples.tokenizers]
    assert not [path for path in files if path.parent.exists()]
    assert (ended, again) == ("Everything is ended.\n", "Nothing was running.\n")
    samples.check_ports()
    assert not processes_of(tmp_path)


async def test_a_replica_that_is_killed_is_started_again(playground: Playground, samples: Samples) -> None:
    port = samples.gateway_ports[0]
    try:
        playground("up")
        pid_file = playground.state.replica_pid(port)
        killed = pid_file.read_text()

        os.kill(int(killed), signal.SIGKILL)

        await eventually(lambda: pid_file.read_text() not in {"", killed})
        await eventually(lambda: is_ok(f"http://127.0.0.1:{port}/health"))
    finally:
        playground("down")


async def test_down_ends_what_a_supervisor_left_that_was_killed_with_its_watchdog(tmp_path: Path) -> None:
    state = State(tmp_path)
    left = _leave_a_part(state)

    assert take_down(state)

    await eventually(lambda: not is_running(left))
    assert not take_down(state)


def _leave_a_part(state: State) -> int:
    argv = [sys.executable, "-c", _KILLED_SUPERVISOR, str(state.parts)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return int(subprocess.run(argv, env=environment, capture_output=True, text=True, check=True).stdout)


def _exports(guide: str) -> str:
    return "\n".join(line.strip() for line in guide.splitlines() if line.strip().startswith("export "))


def _lines(guide: str, heading: str) -> list[str]:
    """What is to be pasted below a heading."""
    [section] = [each for each in guide.split("\n\n") if each.strip().startswith(heading)]
    return [line.strip() for line in section.splitlines() if line.startswith("    ")]


def _paste(*lines: str) -> str:
    """What a shell prints for these lines."""
    return subprocess.run(["bash", "-ec", "\n".join(lines)], capture_output=True, text=True, check=True).stdout
