"""Runs `go` and shows on stderr that it moves: time, packages so far, the one of now."""

import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rig.control_plane.go import BuildError
from rig.process import Process

_POLL_S = 0.5
_LINE_EVERY_S = 15.0
"""How often a line is printed where stderr is no terminal (a CI log); on a terminal one line is kept fresh."""


@dataclass(frozen=True, slots=True)
class Go:
    """The go command at `path`, run in `folder` with `environment`, its output in `log_folder`."""

    path: str
    folder: Path
    environment: Mapping[str, str]
    log_folder: Path

    def run(self, command: str, *arguments: str, saying: str, package_count: int | None = None) -> int:
        """Run it to its end; returns how many packages it named, one a line, as `list -deps` and `build -v` do.

        `package_count`, where it is known, is how many there can be. Raises BuildError with the end of the output.
        """
        log = self.log_folder / f"go-{command}.log"
        progress = _Progress(saying, package_count)
        process = Process.start([self.path, command, *arguments], log, env=self.environment, folder=self.folder)
        try:
            progress.follow(process)
        finally:
            process.stop()
        if process.returncode:
            raise BuildError(f"go {command} failed:\n{process.log_tail()}")
        return progress.packages


class _Progress:
    def __init__(self, saying: str, package_count: int | None) -> None:
        self.packages = 0
        self._saying = saying
        self._of = f" of at most {package_count}" if package_count else ""
        self._last = ""
        self._started_s = self._shown_s = time.monotonic()

    def follow(self, process: Process) -> None:
        """Show what the process writes until it ends."""
        with process.log.open(errors="replace") as lines:
            is_over = False
            while not is_over:
                is_over = process.returncode is not None  # asked first: what it wrote before its end is then read
                for line in lines:
                    self._count(line.strip())
                self._show(is_over)
                if not is_over:
                    time.sleep(_POLL_S)

    def _count(self, line: str) -> None:
        if re.fullmatch(r"[\w./~-]+", line):
            self.packages += 1
        self._last = line

    def _show(self, is_over: bool) -> None:
        now_s = time.monotonic()
        minutes, seconds = divmod(int(now_s - self._started_s), 60)
        text = f"    {minutes}m{seconds:02}s {self._saying}: {self.packages}{self._of} packages"
        if sys.stderr.isatty():
            end = "\n" if is_over else ""
            print(f"\r\033[K{text}  {self._last[:60]}", end=end, file=sys.stderr, flush=True)
        elif is_over or now_s - self._shown_s >= _LINE_EVERY_S:
            self._shown_s = now_s
            print(f"{text}  {self._last}", file=sys.stderr, flush=True)
