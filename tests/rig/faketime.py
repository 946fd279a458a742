"""Wrong clocks for a process, by libfaketime of Debian's: what it asks the system for the time is answered by that."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rig.debian import file_of


@dataclass(frozen=True)
class FakeClock:
    """The clock of a process that is started with `environment`."""

    environment: Mapping[str, str]
    file: Path | None = None

    @classmethod
    def off_by(cls, offset_s: int, folder: Path) -> Self:
        """Return one whose date is wrong, and may be set. It counts seconds right, as a machine does whose date is set.

        Raises NoPackage.
        """
        file = folder / f"clock-{os.urandom(4).hex()}"
        words = {"FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_CACHE_DURATION": "1", "DONT_FAKE_MONOTONIC": "1"}
        clock = cls({**_preloaded(), **words}, file)
        clock.set(offset_s)
        return clock

    @classmethod
    def of_rate(cls, rate: float) -> Self:
        """Return one that is `rate` times as fast as it should be, the monotonic one included. Raises NoPackage."""
        return cls({**_preloaded(), "FAKETIME": f"+0x{rate}"})

    def set(self, offset_s: int) -> None:
        """Let the date jump to where it is off by that."""
        if self.file is None:
            raise ValueError("this one can't be set")
        new = self.file.with_suffix(".new")
        new.write_text(f"{offset_s:+d}s\n")
        new.rename(self.file)


def _preloaded() -> dict[str, str]:
    name = "libfaketimeMT.so.1"
    return {"LD_PRELOAD": str(file_of("libfaketime", f"usr/lib/*/faketime/{name}", name))}
