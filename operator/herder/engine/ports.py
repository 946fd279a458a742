"""What a run needs of the world around it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from herder.engine.bus import EventBus
from herder.engine.store import StateStore

type Clock = Callable[[], datetime]
"""Returns the present moment, aware and in UTC."""

type Sleep = Callable[[float], Awaitable[None]]
"""Waits for so many seconds."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Shared by all runs of an engine."""

    store: StateStore
    bus: EventBus
    clock: Clock
    sleep: Sleep
    cancel_grace_s: float
    """How long a step that was told to stop may take to stop."""
    tasks: set[asyncio.Task[None]]
    """The runs under way, and steps that went on though they were told to stop: somebody has to hold them."""
