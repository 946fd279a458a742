"""`python -m rig.playground up|down`."""

import argparse
import os
import sys
from pathlib import Path

from rig.control_plane.go import BuildError
from rig.control_plane.programs import MissingProgramError, ensure
from rig.playground.background import NotUpError, bring_up, take_down
from rig.playground.files import remove_files
from rig.playground.guide import guide
from rig.playground.samples import SAMPLES, PortTakenError, Samples
from rig.playground.state import STATE, State


def main() -> int:
    """Leave the world running and say how to use it, or end it; 0 if it is then as asked for."""
    parser = argparse.ArgumentParser(prog="python -m rig.playground", description="A world to play with.")
    parser.add_argument("command", choices=("up", "down"))
    parser.add_argument("--samples", type=Path, default=SAMPLES, metavar="FOLDER", help="the manifests to apply")
    parser.add_argument("--state", type=Path, default=STATE, metavar="FOLDER", help="where its files are")
    arguments = parser.parse_args()
    state = State(arguments.state)
    try:
        samples = Samples.read(arguments.samples)
        return _up(samples, state) if arguments.command == "up" else _down(samples, state)
    except (PortTakenError, MissingProgramError, BuildError, NotUpError) as error:
        print(f"{arguments.command}: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print(f"{arguments.command}: interrupted", file=sys.stderr)
    return 1


def _up(samples: Samples, state: State) -> int:
    ensure()
    is_new = bring_up(samples, state, lambda what: _tell(f"==> starting {what}"))
    _tell(("" if is_new else "It is up already.\n") + guide(samples, state))
    return 0


def _down(samples: Samples, state: State) -> int:
    was_up = take_down(state)
    remove_files(samples)
    _tell("Everything is ended." if was_up else "Nothing was running.")
    return 0


def _tell(text: str) -> None:
    """Print it, if anybody reads on: `make up | head` is no reason to end what was started."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # else the interpreter tries once more at its end


if __name__ == "__main__":
    sys.exit(main())
