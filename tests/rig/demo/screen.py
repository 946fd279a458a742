"""What the demo is shown on, whichever way stdout asks for."""

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console

from rig.demo.live_screen import LiveScreen
from rig.demo.plain_screen import PlainScreen
from rig.demo.scene import Scene


class Screen(Protocol):
    """What the story is shown on."""

    is_live: bool
    """Whether a person watches, who needs time to read."""

    def starting(self, what: str) -> AbstractContextManager[None]:
        """Tell what is being started for as long as the block takes."""

    def act(self, title: str) -> None:
        """Open an act."""

    def say(self, sentence: str) -> None:
        """Say what is being shown from now on."""

    def do(self, deed: str) -> None:
        """Say what is done to the world."""

    def quote(self, text: str) -> None:
        """Show a text of herder's own, word by word."""

    def met(self, what: str, took_s: float) -> None:
        """Say what has come true, and how long it took."""

    def show(self, scene: Scene) -> None:
        """Show everything as it is now."""

    def sum_up(self, title: str, rows: Sequence[tuple[str, str]], last: str) -> None:
        """Close with a table of two columns and a line."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was found."""


def open_screen() -> Screen:
    """The screen that fits what stdout is."""
    is_terminal = sys.stdout.isatty()
    console = Console(force_terminal=is_terminal, highlight=False)
    return LiveScreen(console) if is_terminal and not console.is_dumb_terminal else PlainScreen()
