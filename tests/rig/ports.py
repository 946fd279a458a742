"""Ports that stay free: also between the end of a program and its restart, and with several test processes at once.

They lie below the ephemeral ranges of Linux (32768) and macOS (49152), so that no outgoing connection takes one, and
each is held by a lock file of the process that reserved it, so that no two rigs hand out the same.
"""

import os
import random
import socket
from pathlib import Path
from typing import IO

from rig.locks import try_hold

HOST = "127.0.0.1"
_RANGE = range(20_000, 30_000)
_held: list[IO[str]] = []
"""The lock files of the reserved ports: open, and so locked, as long as this process lives."""


def reserve_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on and that no other rig is given while this process lives."""
    for port in random.sample(_RANGE, len(_RANGE)):
        if _lock(port) and _is_unused(port):
            return port
    raise RuntimeError(f"no port is free from {_RANGE.start} to {_RANGE.stop}")


def _lock(port: int) -> bool:
    folder = Path(f"/tmp/herder-ports-{os.getuid()}")  # not TMPDIR: all rigs of this user must meet here
    folder.mkdir(mode=0o700, exist_ok=True)
    file = try_hold(folder / str(port))
    if file is None:
        return False
    _held.append(file)
    return True


def _is_unused(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a port whose last connections are in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
