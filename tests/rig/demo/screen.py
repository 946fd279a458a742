"""How the demo looks: a table that keeps itself fresh on a terminal, lines without control codes anywhere else."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rig.demo.scene import Scene, WorkerRow
from rig.demo.table import picture

_REFRESHES_PER_S: Final = 10


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
        """Take the tables away and print the summary in their place."""
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


class PlainScreen:
    """Lines, each with the seconds since the beginning; a row of the table is one whenever it has changed."""

    is_live = False

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self._shown: dict[str, str] = {}

    @contextmanager
    def starting(self, what: str) -> Iterator[None]:
        """Print what is being started."""
        self._print(f"starting {what}")
        yield

    def act(self, title: str) -> None:
        """Print the title."""
        self._print(f"== {title}")

    def say(self, sentence: str) -> None:
        """Print the sentence."""
        self._print(sentence)

    def do(self, deed: str) -> None:
        """Print it as what was typed."""
        self._print(f"> {deed}")

    def quote(self, text: str) -> None:
        """Print it."""
        self._print(f'"{text}"')

    def met(self, what: str, took_s: float) -> None:
        """Print it."""
        self._print(f"ok: {what} ({took_s:.1f} s)")

    def show(self, scene: Scene) -> None:
        """Print what is not as it was shown last."""
        lines = {row.name: _line(row) for row in scene.workers.values()}
        lines |= {row.address: f"    {row.address:16} {row.summary}" for row in scene.replicas}
        lines |= {name: f"    {name:16} is gone" for name in self._shown if name not in lines}
        for name, line in lines.items():
            if self._shown.get(name) != line:
                self._print(line)
        self._shown = lines

    def sum_up(self, title: str, rows: Sequence[tuple[str, str]], last: str) -> None:
        """Print it, one row a line."""
        self._print(f"== {title}")
        for left, right in rows:
            print(f"{left:>16}  {right}", flush=True)
        print(last, flush=True)

    def _print(self, line: str) -> None:
        print(f"{time.monotonic() - self._began_s:6.1f}s  {line}", flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return


def _line(row: WorkerRow) -> str:
    status, condition = row.status, row.condition
    columns = f"{row.name:16} {row.ready or '-':7} {status.progress or '-':21} {status.registered or '-':4} {row.model}"
    return f"    {columns:70}  {condition.message if condition else ''}".rstrip()
