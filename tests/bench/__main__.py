"""usage: python -m bench [--rounds N] [--instances N] [--dry-run]"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from bench import measure, peers, report

DOCS = Path(__file__).resolve().parents[2] / "docs"
STEP_S = 0.13
WAITS = 200


def main() -> None:
    """Measure, and write the page and the picture."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Time the engine beside its ancestor and others."
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--instances", type=int, default=5000)
    parser.add_argument("--dry-run", action="store_true", help="print the page instead of writing docs/engine-bench.*")
    options = parser.parse_args()
    ancestor, python = peers.ancestor(), peers.python()

    figures = measure.bursts(measure.contenders(options.instances, ancestor, python), options.rounds, say)
    figures.late_ms[measure.HERDER] = wait([sys.executable, "-m", "bench.herder_wait", str(WAITS), str(STEP_S)])
    if ancestor is not None:
        figures.late_ms[measure.ANCESTOR] = wait([str(ancestor), "wait", str(WAITS), str(int(STEP_S * 1e3))])

    page = report.page(figures, options.instances, options.rounds, STEP_S)
    if options.dry_run:
        print(page)
        return
    (DOCS / "engine-bench.md").write_text(page)
    if python is not None:
        plot = [str(python), str(peers.HERE / "plot.py"), str(DOCS / "engine-bench.png")]
        subprocess.run(plot, check=True, text=True, input=json.dumps(figures.steps_per_s))
    say(f"wrote {DOCS / 'engine-bench.md'}")


def say(line: str) -> None:
    """Tell how far it is."""
    print(line, file=sys.stderr)


def wait(command: measure.Command) -> list[float]:
    """Run one of the programs that measure how late a waiter is."""
    late_ms = measure.run(command)["late_ms"]
    return [float(value) for value in late_ms] if isinstance(late_ms, list) else []


if __name__ == "__main__":
    main()
