"""Ending in good order when told to."""

import signal
import sys
from types import FrameType
from typing import Final

_SIGNALLED: Final = 128


def end_on_sigterm() -> None:
    """Let SIGTERM and SIGHUP raise SystemExit, so that `with` blocks end what they started; others are ignored then."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    sys.exit(_SIGNALLED + number)
