"""A run's processes share one control plane, and it does not outlive the run."""

import os
import subprocess
import sys
from pathlib import Path

from rig.run import RUN_VARIABLE
from rig.waiting import eventually

_LEADER = """\
import sys
from rig.run import Run, shared_cluster
run = Run()
print(run.folder, shared_cluster().server, flush=True)
sys.stdin.read()
"""
_WORKER = "from rig.run import shared_cluster; print(shared_cluster().server)"


def _environment(**variables: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **variables}


def _start_leader(folder: Path) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", _LEADER]
    environment = _environment(TMPDIR=str(folder))
    return subprocess.Popen(argv, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _run_worker(folder: Path) -> str:
    argv = [sys.executable, "-c", _WORKER]
    environment = _environment(**{RUN_VARIABLE: str(folder)})
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def _processes_of(folder: Path) -> list[str]:
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "args="], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if str(folder) in line]


async def test_every_process_of_a_run_gets_the_same_control_plane_and_it_ends_with_a_killed_run(
    tmp_path: Path,
) -> None:
    with _start_leader(tmp_path) as leader:
        assert leader.stdout is not None
        folder, server = leader.stdout.readline().split()
        assert _run_worker(Path(folder)) == server

        leader.kill()

    await eventually(lambda: not _processes_of(Path(folder)))


def test_programs_that_are_not_built_are_asked_for(tmp_path: Path) -> None:
    environment = _environment(XDG_CACHE_HOME=str(tmp_path), KUBEBUILDER_ASSETS="")

    failed = subprocess.run(
        [sys.executable, "-c", _WORKER], env=environment, capture_output=True, text=True, check=False
    )

    assert "are not built yet: `make -s control-plane` does it, once" in failed.stderr
