"""One test run's real parts: the control plane that all its processes share, and the folder with every log.

    controller ──holds── lease          the run's folder is in HERDER_TEST_RUN, which pytest-xdist's workers inherit
       worker, the first that needs it ── starts ──▶ host (this file): control plane, CRDs; then waits for the lease
       workers ── Cluster(folder)

The lease is a lock on a file. It falls when the controller ends, however it does; the host then gets it and clears up.
So the control plane is started only in runs that need one, once, and never outlives its run.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rig.control_plane.cluster import Cluster
from rig.control_plane.control_plane import ControlPlane
from rig.control_plane.programs import find
from rig.crds import apply_crds
from rig.locks import hold, locked
from rig.process import NotReadyError

RUN_VARIABLE = "HERDER_TEST_RUN"
_PREFIX = "herder-run-"
_KEPT_FOR_S = 24 * 3600


class Run:
    """The run as the process that leads it has it."""

    def __init__(self) -> None:
        _remove_old_folders()
        self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._lease = hold(self.folder / "lease")
        os.environ[RUN_VARIABLE] = str(self.folder)

    def logs(self) -> list[Path]:
        """The logs of all that was started in this run."""
        return sorted(self.folder.rglob("*.log"))

    def end(self, *, keep_logs: bool) -> None:
        """Let the control plane go and wait until it is gone; then remove the folder, or leave it for a day."""
        del os.environ[RUN_VARIABLE]
        self._lease.close()
        with locked(self.folder / "host"):
            pass
        if not (keep_logs and self.logs()):
            shutil.rmtree(self.folder, ignore_errors=True)


def _remove_old_folders() -> None:
    """Of failed runs, whose logs were kept, and of killed ones."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):  # another run does the same at the same time
            if time.time() - folder.stat().st_mtime > _KEPT_FOR_S:
                shutil.rmtree(folder, ignore_errors=True)


def shared_folder() -> Path:
    """The folder of the run that this process belongs to."""
    return Path(os.environ[RUN_VARIABLE])


def shared_cluster() -> Cluster:
    """The run's control plane, with herder's CRDs; the first caller of all processes starts it.

    Raises NotReadyError when it does not come up, or its programs are not there yet.
    """
    if find() is None:
        raise NotReadyError("the control plane's programs are not built yet: `make -s control-plane` does it, once")
    folder = shared_folder()
    with locked(folder / "starting"):
        if not (folder / "ready").exists():
            _start_host(folder)
    return Cluster(folder / "control-plane")


def _start_host(folder: Path) -> None:
    """It must outlive the worker that starts it, so no watchdog of this process holds it."""
    log = folder / "host.log"
    with log.open("wb") as output:
        host = subprocess.Popen(
            [sys.executable, "-m", "rig.run", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        )
    assert host.stdout is not None
    is_ready = host.stdout.readline() == b"ready\n"
    host.stdout.close()
    if not is_ready:
        host.wait()
        raise NotReadyError(f"the control plane did not start; {log} says:\n{log.read_text()}")
    (folder / "ready").touch()
    host.returncode = 0  # not ours to wait for: the run's end is


def _host(folder: Path) -> None:
    with locked(folder / "host"), ControlPlane.start(folder / "control-plane") as control_plane:
        apply_crds(control_plane)
        print("ready", flush=True)
        hold(folder / "lease").close()


if __name__ == "__main__":
    _host(Path(sys.argv[1]))
