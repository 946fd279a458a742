"""The process that `up` leaves behind: it runs the world until SIGTERM, and starts a replica again that was killed.

On stdout it says what it is starting, one line each, and at last READY; then nothing any more.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rig.locks import try_hold
from rig.playground import remains
from rig.playground.ending import end_on_sigterm
from rig.playground.samples import Samples
from rig.playground.state import State
from rig.playground.world import World

READY: Final = "ready"
_LOOK_EVERY_S: Final = 0.5


def main() -> int:
    """Run the world of these samples with this state; at once 1 where another process does."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=Path, required=True)
    parser.add_argument("--state", type=Path, required=True)
    arguments = parser.parse_args()
    state = State(arguments.state)
    lock = try_hold(state.lock)
    if lock is None:
        print(f"{state.lock} is held: another command starts or ends the world", file=sys.stderr)
        return 1
    end_on_sigterm()
    with lock:
        _supervise(Samples.read(arguments.samples), state)
    return 0


def _supervise(samples: Samples, state: State) -> None:
    remains.note_self(state.supervisor)

    @contextmanager
    def stage(what: str) -> Iterator[None]:
        print(what, flush=True)
        yield
        remains.note_children(state.parts)

    with World.start(samples, state.world, stage) as world:
        world.apply_samples()
        _note_replicas(world, state)
        state.metrics_url.write_text(f"{world.operator.metrics_url}\n")
        state.ready.touch()
        print(READY, flush=True)
        while True:
            time.sleep(_LOOK_EVERY_S)
            _revive(world, state)


def _revive(world: World, state: State) -> None:
    ended = [replica for replica in world.replicas if replica.process.returncode is not None]
    for replica in ended:
        replica.restart()
    if ended:
        _note_replicas(world, state)
        remains.note_children(state.parts)


def _note_replicas(world: World, state: State) -> None:
    for port, replica in zip(world.samples.gateway_ports, world.replicas, strict=True):
        state.replica_pid(port).write_text(f"{replica.process.pid}\n")


if __name__ == "__main__":
    sys.exit(main())
