"""Prometheus' own promtool, to check rules by and to play them: from PATH, or once from Debian's package."""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from rig.debian import NoPackage, file_of

_PACKAGE = "prometheus"
_SAMPLE = re.compile(r"^(?P<series>[a-zA-Z_:][^ {]*(?:\{.*\})?) (?P<value>\S+)$")

type Series = Mapping[str, str]
"""By series, as in PromQL, its values over time in promtool's notation, such as `0+1x20`."""


class NoPromtool(RuntimeError):
    """There is no promtool, and it can't be had; the message says why."""


@dataclass(frozen=True, slots=True)
class Promtool:
    """promtool at `path`."""

    path: Path

    @classmethod
    def found(cls) -> Self:
        """Return this machine's promtool, or the one of Debian's package, kept in the cache. Raises NoPromtool."""
        on_path = shutil.which("promtool")
        if on_path:
            return cls(Path(on_path))
        try:
            return cls(file_of(_PACKAGE, "usr/bin/promtool", "promtool"))
        except NoPackage as error:
            raise NoPromtool(f"promtool is not on PATH: {error}") from error

    def check(self, rules: Mapping[str, Any], folder: Path) -> str:
        """Return what is wrong with rules; empty if nothing is."""
        file = _written(rules, folder)
        return self._run("check", "rules", str(file))

    def play(self, rules: Path, series: Series, expected: Sequence[Mapping[str, Any]], folder: Path) -> str:
        """Play rules on series with a value each minute; return what is not as `expected`, empty if all is.

        `expected` are promtool's `promql_expr_test`.
        """
        inputs = [{"series": name, "values": values} for name, values in series.items()]
        case = {"interval": "1m", "input_series": inputs, "promql_expr_test": list(expected)}
        document = {"rule_files": [str(rules.resolve())], "evaluation_interval": "1m", "tests": [case]}
        return self._run("test", "rules", str(_written(document, folder)))

    def _run(self, *words: str) -> str:
        done = subprocess.run([self.path, *words], capture_output=True, text=True, check=False, timeout=120)
        return "" if done.returncode == 0 else done.stdout + done.stderr


def _written(document: Mapping[str, Any], folder: Path) -> Path:
    """Write a document, JSON being YAML, too."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", dir=folder, delete=False) as file:
        json.dump(document, file)
    return Path(file.name)


def samples_of(text: str) -> dict[str, float]:
    """Return the samples of a page in Prometheus' text format, by series."""
    found = (_SAMPLE.match(line) for line in text.splitlines() if not line.startswith("#"))
    return {each["series"]: float(each["value"]) for each in found if each}
