"""What is to become of one object's status: a wish that waits and one that is being tried, without any I/O."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from herder.controller.known.objects import Body, Key

type Status = dict[str, Any]
type Render = Callable[[Body], Status]
"""Returns the status that the object should have; called as often as the object turns out to be newer."""


class Haste(IntEnum):
    """How soon a wish is to be written, the more urgent the higher."""

    PROGRESS = 0
    """Of a run: the next one will say more."""
    NEWS = 1
    """What has changed and stays so."""
    URGENT = 2
    """What somebody waits for."""


@dataclass(slots=True, eq=False)
class Wish:
    """What the status should be, and who wants to know when it is."""

    render: Render
    haste: Haste
    waiters: list[asyncio.Future[bool]] = field(default_factory=list)
    is_withdrawn: bool = False

    def in_place_of(self, earlier: "Wish | None") -> "Wish":
        """Return this wish with the haste and the waiters of the one that it stands for, too."""
        if earlier is None:
            return self
        return Wish(self.render, max(self.haste, earlier.haste), [*earlier.waiters, *self.waiters])

    def answer(self, *, is_written: bool) -> None:
        """Tell those who wait, once."""
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(is_written)

    def withdraw(self) -> None:
        """Nobody wants it any more."""
        self.is_withdrawn = True
        self.answer(is_written=False)


@dataclass(slots=True, eq=False)
class Slot:
    """The wishes for one object. At most one is in hand and one waits; `hurry` is set when waiting must end."""

    key: Key
    uid: str
    wish: Wish | None = None
    in_hand: Wish | None = None
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    is_worked_on: bool = False
    last_write_s: float = float("-inf")

    @property
    def is_urgent(self) -> bool:
        """Whether the wish that waits may not be kept waiting."""
        return self.wish is not None and self.wish.haste is Haste.URGENT

    def put(self, wish: Wish) -> None:
        """Let a wish wait, in place of the one that does."""
        self.wish = wish.in_place_of(self.wish)
        if self.is_urgent:
            self.hurry.set()

    def take(self) -> Wish | None:
        """Take the wish in hand; None if it was withdrawn."""
        self.in_hand, self.wish = self.wish, None
        return self.in_hand

    def put_back(self, wish: Wish) -> None:
        """Let the wish in hand be tried again, unless it was withdrawn; one that came meanwhile stands for it, too."""
        if not wish.is_withdrawn:
            self.wish = wish if self.wish is None else self.wish.in_place_of(wish)

    def withdraw(self) -> None:
        """Drop both."""
        for wish in (self.wish, self.in_hand):
            if wish is not None:
                wish.withdraw()
        self.wish = None
        self.hurry.set()
