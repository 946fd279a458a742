"""A person's shell that is given one block of commands after another."""

import os
import select
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from rig.documents import Block

_PATIENCE_S: Final = 600.0
_TICK_S: Final = 0.1
_LAST_CHARS: Final = 4000


class Shell:
    """bash in a folder; it stops at the first command that fails, as a person does. A context manager."""

    def __init__(self, folder: Path, log: Path, environment: Mapping[str, str], meanwhile: Callable[[], None]) -> None:
        self._folder = folder
        self._log = log
        self._meanwhile = meanwhile
        self._done, tell = os.pipe()
        with log.open("ab") as output:
            self._bash = subprocess.Popen(
                ["bash", "--noprofile", "--norc", "-euo", "pipefail"],
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=[tell],
                start_new_session=True,
            )
        os.close(tell)
        self._tell = tell

    def run(self, block: Block) -> None:
        """Run a block to its end, and look after the rest of the world meanwhile. Raises AssertionError."""
        file = self._folder / ".block"
        file.write_text(block.text + "\n")
        assert self._bash.stdin is not None
        self._bash.stdin.write(f". ./{file.name} < /dev/null\necho >&{self._tell}\n".encode())
        self._bash.stdin.flush()
        deadline_s = time.monotonic() + _PATIENCE_S
        while not select.select([self._done], [], [], _TICK_S)[0]:
            self._meanwhile()
            assert time.monotonic() < deadline_s, self._failure(block, "did not end")
        assert os.read(self._done, 1), self._failure(block, "failed")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bash.kill()
        self._bash.wait()
        os.close(self._done)
        assert self._bash.stdin is not None
        self._bash.stdin.close()

    def _failure(self, block: Block, what: str) -> str:
        said = self._log.read_text(errors="replace")[-_LAST_CHARS:]
        return f"{block.page}:{block.line} {what}:\n{block.text}\n--- {self._log} ends with:\n{said}"
