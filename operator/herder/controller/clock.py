"""Time and ids as the controller gets them: an argument, so that tests live in a time of their own."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

from herder.workflows.ports import utc_now


@dataclass(frozen=True, slots=True)
class Clock:
    """Called, it returns monotonic seconds: what durations are measured in. `now` is what a status shows."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = utc_now
    new_id: Callable[[], str] = lambda: uuid4().hex[:12]

    def __call__(self) -> float:
        """Return monotonic seconds."""
        return self.monotonic()


SYSTEM_CLOCK: Final = Clock()
