"""The table of a measurement, as a page of the documentation."""

import datetime
import os
import platform
import statistics
from importlib.metadata import version
from pathlib import Path

from bench.measure import ANCESTOR, ANCESTOR_HEARD, HEARD, HERDER, Figures

PAGE = """\
# How fast the engine is

Written by `make bench`; don't edit. {date}, {machine}.
{versions}.

## The burst

{instances:,} instances of an 11-step workflow whose steps do nothing, in the shape of a worker's registration, are
started together and all waited for. State is kept. {rounds} rounds, everybody in turn, each in a process of its own;
the ratios are the medians of those within a round.

| | steps/s (median) | lowest to highest | herder / this |
|---|---:|---:|---:|
{bursts}

![steps per second](engine-bench.png)

{verdict}

A finished instance holds {kib:.1f} KiB until it is evicted.

## The wait

How late a waiter returns after a step of {step_ms:.0f} ms has ended, {waits} times:

| | median | 99th percentile | longest |
|---|---:|---:|---:|
{waits_table}
"""


def page(figures: Figures, instances: int, rounds: int, step_s: float) -> str:
    """Return the page, as Markdown."""
    waits = max(map(len, figures.late_ms.values()), default=0)
    return PAGE.format(
        date=datetime.datetime.now(datetime.UTC).date(),
        machine=machine(),
        versions=_versions(),
        instances=instances,
        rounds=rounds,
        bursts="\n".join(_burst_row(figures, name) for name in figures.steps_per_s),
        verdict=_verdict(figures),
        kib=statistics.median(figures.bytes_per_instance) / 1024,
        step_ms=step_s * 1e3,
        waits=waits,
        waits_table="\n".join(_wait_row(name, late_ms) for name, late_ms in figures.late_ms.items()),
    )


def percentile(values: list[float], share: float) -> float:
    """Return the value that `share` of all values don't exceed."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def _burst_row(figures: Figures, name: str) -> str:
    values = figures.steps_per_s[name]
    mine = HEARD if name == ANCESTOR_HEARD else HERDER
    ratio = figures.ratio(mine, name)
    told = "" if name.startswith("herder") or ratio is None else f"{ratio:.2f}"
    return f"| {name} | {figures.median(name):,.0f} | {min(values):,.0f} to {max(values):,.0f} | {told} |"


def _wait_row(name: str, late_ms: list[float]) -> str:
    return (
        f"| {name} | {statistics.median(late_ms):.2f} ms | {percentile(late_ms, 0.99):.2f} ms | {max(late_ms):.2f} ms |"
    )


def _verdict(figures: Figures) -> str:
    silent, heard = figures.ratio(HERDER, ANCESTOR), figures.ratio(HEARD, ANCESTOR_HEARD)
    if silent is None or heard is None:
        return "The ancestor, wfaas 1.1.0, could not be built here (there is no cargo), so it is not in the table."
    return (
        f"So the engine runs {silent:.2f} times as many steps a second as its ancestor, on one core beside the\n"
        f"ancestor's {os.cpu_count()}; with one subscriber on either side that hears of every step, {heard:.2f} times."
    )


def machine() -> str:
    """Return what it was measured on."""
    model = "an unknown processor"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return f"{os.cpu_count()} cores of {model}, {platform.system()} {platform.release()}"


def _versions() -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in ("uvloop", "structlog", "tenacity"))
    return f"{platform.python_implementation()} {platform.python_version()}, {libraries}"
