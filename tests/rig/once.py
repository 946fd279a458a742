"""Makes a folder that is slow to make once, however many ask for it at the same time.

    lock ─▶ already there? ─▶ make it in a folder beside it ─▶ rename

The rename is the only way in, so there is never half a result, and the lock lets the second wait for the first.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rig.locks import locked


def made_once(target: Path, make: Callable[[Path, Path], None], *, what: str) -> Path:
    """`target`; where it is missing, `make(result, scratch)` fills the empty folder `result`, which then becomes it.

    `scratch` is gone afterwards, whether that succeeds or raises. `what` is named to those who have to wait.
    """
    target.parent.mkdir(parents=True, exist_ok=True)

    def say_waiting() -> None:
        print(f"==> another build of {what} is under way: waiting for it", file=sys.stderr, flush=True)

    with locked(target.with_name(f"{target.name}.lock"), on_wait=say_waiting):
        if not target.is_dir():
            _make(target, make)
    return target


def _make(target: Path, make: Callable[[Path, Path], None]) -> None:
    for leftover in target.parent.glob(f"{target.name}.*.partial"):  # of a builder that was killed
        shutil.rmtree(leftover)
    scratch = Path(tempfile.mkdtemp(prefix=f"{target.name}.", suffix=".partial", dir=target.parent))
    try:
        result = scratch / "result"
        result.mkdir()
        make(result, scratch)
        result.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
