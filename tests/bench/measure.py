"""Runs the programs in turn and keeps what they print."""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import peers

type Command = Sequence[str]


@dataclass(frozen=True)
class Contender:
    """One program, by what it is called in the table."""

    name: str
    command: Command
    rounds: int | None = None
    """How many of the rounds it takes part in; None: all."""


@dataclass
class Figures:
    """What the contenders came to, a figure for each round that they took part in."""

    steps_per_s: dict[str, list[float]] = field(default_factory=dict)
    bytes_per_instance: list[float] = field(default_factory=list)
    late_ms: dict[str, list[float]] = field(default_factory=dict)

    def median(self, name: str) -> float:
        """Return a contender's median steps per second."""
        return statistics.median(self.steps_per_s[name])

    def ratio(self, name: str, to: str) -> float | None:
        """Return the median of the ratios of the rounds that both took part in, None if there is none."""
        pairs = zip(self.steps_per_s.get(name, ()), self.steps_per_s.get(to, ()), strict=False)
        ratios = [mine / theirs for mine, theirs in pairs]
        return statistics.median(ratios) if ratios else None


def run(command: Command) -> Mapping[str, object]:
    """Run a program and return what it printed. Raises CalledProcessError."""
    printed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=peers.HERE.parent).stdout
    figures: dict[str, object] = json.loads(printed.splitlines()[-1])
    return figures


def bursts(contenders: Sequence[Contender], rounds: int, say: Callable[[str], None]) -> Figures:
    """Let the contenders run in turn, `rounds` times."""
    figures = Figures()
    for number in range(rounds):
        for contender in contenders:
            if contender.rounds is not None and number >= contender.rounds:
                continue
            result = run(contender.command)
            steps_per_s = float(str(result["steps_per_s"]))
            figures.steps_per_s.setdefault(contender.name, []).append(steps_per_s)
            if contender.name == HERDER:
                figures.bytes_per_instance.append(float(str(result["bytes_per_instance"])))
            say(f"round {number + 1}/{rounds}  {contender.name:<40} {steps_per_s:>12,.0f} steps/s")
    return figures


HERDER = "herder.engine"
HEARD = "herder.engine, one subscriber"
ANCESTOR = "wfaas 1.1.0 (Rust)"
ANCESTOR_HEARD = "wfaas 1.1.0 (Rust), one subscriber"


def contenders(instances: int, ancestor: Path | None, python: Path | None) -> list[Contender]:
    """Return who takes part, each ancestor right before what it is compared with."""

    def program(name: str, module: str, *arguments: str, rounds: int | None = None) -> Contender:
        return Contender(name, (sys.executable, "-m", f"bench.{module}", str(instances), *arguments), rounds)

    everybody = [
        program(HERDER, "herder_burst", "uvloop"),
        program(HEARD, "herder_burst", "uvloop", "heard"),
        program("herder.engine on asyncio's own loop", "herder_burst", "asyncio"),
        program("uvloop, a task a step", "floor", "uvloop", "task"),
        program("uvloop, awaiting inline", "floor", "uvloop", "inline"),
        program("asyncio, a task a step", "floor", "asyncio", "task"),
    ]
    if ancestor is not None:
        everybody.insert(0, Contender(ANCESTOR, (str(ancestor), "burst", str(instances))))
        everybody.insert(2, Contender(ANCESTOR_HEARD, (str(ancestor), "burst", str(instances), "heard")))
    if python is not None:
        few = str(max(instances // 25, 1))
        everybody.append(
            Contender("LangGraph 1.2", (str(python), str(peers.HERE / "langgraph_burst.py"), few), rounds=3)
        )
    return everybody
