"""`python -m rig.demo`: the story, told once; exit code 0 when all of it came true."""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Final

from rig.control_plane.cluster import KubectlError
from rig.control_plane.go import BuildError
from rig.control_plane.programs import MissingProgramError, ensure
from rig.demo.acts import SICK, tell
from rig.demo.report import describe
from rig.demo.screen import Screen, open_screen
from rig.demo.stage import Stage, UnmetError
from rig.playground.ending import end_on_sigterm
from rig.playground.samples import SAMPLES, PortTakenError, Samples
from rig.playground.world import World
from rig.process import NotReadyError

_INTERRUPTED: Final = 130
_NOTHING_STARTED: Final = (PortTakenError, MissingProgramError, BuildError)


class _FailedError(Exception):
    """The text says what was expected and what was seen."""


def main() -> int:
    """Show the story on the samples of `--samples`. Nothing it starts outlives it; the logs stay if it failed."""
    parser = argparse.ArgumentParser(prog="python -m rig.demo", description="Show what herder is for, in a minute.")
    parser.add_argument("--samples", type=Path, default=SAMPLES, metavar="FOLDER", help="the manifests to apply")
    samples = Samples.read(parser.parse_args().samples)
    end_on_sigterm()
    try:
        with _log_folder() as folder:
            _run(samples, folder)
    except KeyboardInterrupt:
        print("demo: interrupted; everything that it started is ended", file=sys.stderr)
        return _INTERRUPTED
    except _NOTHING_STARTED as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except (_FailedError, NotReadyError, KubectlError, OSError) as error:
        print("\ndemo failed:", error, *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
        return 1
    return 0


@contextmanager
def _log_folder() -> Iterator[Path]:
    """A fresh folder, which is removed unless something failed that its logs may explain; the error names it then."""
    folder = Path(tempfile.mkdtemp(prefix="herder-demo-"))
    keeps = False
    try:
        yield folder
    except _NOTHING_STARTED:
        raise
    except Exception as error:
        keeps = True
        error.add_note(f"logs: {folder}")
        raise
    finally:
        if not keeps:
            shutil.rmtree(folder, ignore_errors=True)


def _run(samples: Samples, folder: Path) -> None:
    samples.check_ports()
    ensure()
    began_s = time.monotonic()
    with open_screen() as screen:
        screen.act("starting the real parts")
        with World.start(samples, folder, screen.starting, sick={SICK}) as world:
            stage = Stage(world, screen)
            try:
                tell(stage)
            except UnmetError as unmet:
                raise _FailedError(describe(unmet, world)) from unmet
        _sum_up(stage, screen, time.monotonic() - began_s)


def _sum_up(stage: Stage, screen: Screen, took_s: float) -> None:
    rows: list[tuple[str, str]] = []
    for since, mets in groupby(stage.met, key=lambda met: met.since):
        rows += [("", since), *((f"{met.took_s:.1f} s", met.what) for met in mets)]
    last = f"{took_s:.0f} s in all, and nothing is left running. To play on yourself: make up"
    screen.sum_up("what came true", rows, last)


if __name__ == "__main__":
    sys.exit(main())
