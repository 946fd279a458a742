"""SIGTERM and SIGINT: the first asks the process to end in order, a second ends it at once."""

import asyncio
import signal
from typing import Final

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_LONGEST_END_S: Final = 9
"""What has not ended by then is ended by the system, also where a defect keeps the event loop from turning."""


def listen(stop: asyncio.Event) -> None:
    """Set `stop` on the first signal, and leave the next one to the system."""
    loop = asyncio.get_running_loop()

    def heard() -> None:
        stop.set()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        signal.alarm(_LONGEST_END_S)

    for number in _SIGNALS:
        loop.add_signal_handler(number, heard)
