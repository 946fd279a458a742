"""The demo on a terminal: the story grows upwards, two tables that keep themselves fresh stay below it."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rig.demo.scene import Scene
from rig.demo.table import picture

_REFRESHES_PER_S: Final = 10


class LiveScreen:
    """The story grows upwards; the tables stay below it, at the bottom of the terminal."""

    is_live = True

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=_REFRESHES_PER_S)

    @contextmanager
    def starting(self, what: str) -> Iterator[None]:
        """Spin while the block runs."""
        began_s = time.monotonic()
        with self._console.status(f"[dim]{what}"):
            yield
        self._tick(what, time.monotonic() - began_s)

    def act(self, title: str) -> None:
        """Draw a line with the title in it."""
        self._console.print()
        self._console.rule(f"[bold]{title}", align="left", style="dim")

    def say(self, sentence: str) -> None:
        """Print the sentence, wrapped between words."""
        self._console.print(Text(sentence, "bold cyan"))

    def do(self, deed: str) -> None:
        """Print it as what was typed."""
        self._console.print(Text.assemble(("  ▶ ", "bold yellow"), (deed, "bold")))

    def quote(self, text: str) -> None:
        """Print it indented."""
        self._console.print(Padding(Text(text, "italic"), (0, 0, 0, 4)))

    def met(self, what: str, took_s: float) -> None:
        """Print a tick and the time."""
        self._tick(what, took_s)

    def _tick(self, what: str, took_s: float) -> None:
        line = Table.grid(padding=(0, 1), expand=True)
        line.add_column(width=3, justify="right")
        line.add_column(ratio=1)
        line.add_column(justify="right", no_wrap=True)
        line.add_row(Text("✓", "bold green"), Text(what), Text(f"{took_s:.1f} s", "dim"))
        self._console.print(line)

    def show(self, scene: Scene) -> None:
        """Replace the tables."""
        self._live.update(picture(scene))
        self._live.start()

    def sum_up(self, title: str, rows: Sequence[tuple[str, str]], last: str) -> None:
        """Leave the tables as they were last, and print the summary below."""
        self._end()
        self.act(title)
        table = Table.grid(padding=(0, 2))
        table.add_column(justify="right", style="bold green", no_wrap=True)
        for left, right in rows:
            table.add_row(left, right)
        self._console.print(table)
        self._console.print(f"\n{last}")

    def _end(self) -> None:
        self._live.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
