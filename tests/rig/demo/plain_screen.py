"""The demo where no terminal is, such as in CI: lines without control codes."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rig.demo.scene import Scene, WorkerRow


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
