"""usage: python plot.py PNG: draw the bars that are given as JSON on standard input, {name: [steps per second, ...]}.

Runs in the bench's own environment.
"""

import json
import statistics
import sys

import matplotlib as mpl  # type: ignore[import-not-found]  # not in herder's environment

mpl.use("Agg")

from matplotlib import pyplot as plt  # after the choice of a backend

OURS, THEIRS, FLOOR = "#2563eb", "#b45309", "#9ca3af"


def colour(name: str) -> str:
    """Return which colour a contender's bar has."""
    if name.startswith("herder"):
        return OURS
    return FLOOR if "loop" in name or "asyncio" in name else THEIRS


def draw(figures: dict[str, list[float]], path: str) -> None:
    """Draw a bar for each contender's median, with a line from its lowest to its highest round."""
    names = [name for name in reversed(figures) if "inline" not in name]
    medians = [statistics.median(figures[name]) for name in names]
    below = [median - min(figures[name]) for name, median in zip(names, medians, strict=True)]
    above = [max(figures[name]) - median for name, median in zip(names, medians, strict=True)]
    figure, axes = plt.subplots(figsize=(9, 0.5 * len(names) + 1.2), dpi=120)
    axes.barh(names, medians, xerr=[below, above], color=[colour(name) for name in names], ecolor="#111827", capsize=3)
    axes.set_xlabel("steps per second, median of the rounds (lines: lowest to highest)")
    axes.xaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda value, _: f"{value / 1000:,.0f}k"))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(path)


if __name__ == "__main__":
    draw(json.load(sys.stdin), sys.argv[1])
