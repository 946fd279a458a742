"""What the background world leaves on disk, so that later commands find it.

FOLDER/lock           held by whoever runs the world, or is clearing up after it; falls by itself
FOLDER/supervisor     who runs it
FOLDER/parts          every process that it has started
FOLDER/ready          there once everything is up
FOLDER/metrics-url   where the operator serves its metrics
FOLDER/supervisor.log what went wrong
FOLDER/world/         see world.py
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rig.locks import try_hold

STATE: Final = Path(__file__).parents[3] / ".herder"


@dataclass(frozen=True, slots=True)
class State:
    """The files in `folder`, which git ignores."""

    folder: Path = STATE

    @property
    def lock(self) -> Path:
        """Held while the world runs."""
        return self.folder / "lock"

    @property
    def supervisor(self) -> Path:
        """A record (see remains) of the process that runs the world."""
        return self.folder / "supervisor"

    @property
    def parts(self) -> Path:
        """A record of the processes that the world consists of."""
        return self.folder / "parts"

    @property
    def ready(self) -> Path:
        """Exists while everything is up."""
        return self.folder / "ready"

    @property
    def metrics_url(self) -> Path:
        """Where the operator serves its metrics, which is another port each time."""
        return self.folder / "metrics-url"

    @property
    def log(self) -> Path:
        """What the supervisor says."""
        return self.folder / "supervisor.log"

    @property
    def world(self) -> Path:
        """The world's own folder."""
        return self.folder / "world"

    def replica_pid(self, port: int) -> Path:
        """The file with the pid of a replica, for people who want to kill it."""
        return self.folder / f"replica-{port}.pid"

    def is_held(self) -> bool:
        """Whether somebody runs the world, or clears up after it."""
        if not self.lock.exists():
            return False
        file = try_hold(self.lock)
        if file is None:
            return True
        file.close()
        return False

    def clear(self) -> None:
        """Remove everything but the lock, which the caller holds."""
        for path in self.folder.iterdir():
            if path == self.lock:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
