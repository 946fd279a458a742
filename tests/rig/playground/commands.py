"""Runs the rig's own commands as a person's shell would, and finds what they left running."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_TESTS = Path(__file__).parents[2]


def start(module: str, *args: str | Path, temporary: Path) -> subprocess.Popen[str]:
    """Start `python -m MODULE ARGS` with its temporary files in a folder of its own; output and errors are piped."""
    return subprocess.Popen(
        _argv(module, args),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(_TESTS), "TMPDIR": str(temporary)},
    )


def run(module: str, *args: str | Path, temporary: Path) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    with start(module, *args, temporary=temporary) as process:
        output, errors = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def processes_of(folder: Path) -> list[str]:
    """The command lines of all processes that name the folder."""
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "args="], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if str(folder) in line]


def _argv(module: str, args: Sequence[str | Path]) -> list[str]:
    return [sys.executable, "-m", module, *map(str, args)]
