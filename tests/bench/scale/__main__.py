"""usage: python -m bench.scale [--flood N] [--heal N] [--rounds N] [--hang N] [--dry-run]"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from bench.scale import report
from bench.scale.declaring import flood, heal
from bench.scale.hanging import hang
from bench.scale.world import World

PAGE = Path(__file__).resolve().parents[3] / "docs" / "scale.md"
REPLICAS = 3


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description="Measure how herder scales.")
    parser.add_argument("--flood", type=int, default=1000, metavar="N", help="workers declared at once")
    parser.add_argument("--heal", type=int, default=200, metavar="N", help="workers of the replica that is restarted")
    parser.add_argument("--rounds", type=int, default=9, help="how often it is restarted")
    parser.add_argument("--hang", type=int, default=100, metavar="N", help="workers declared while a replica hangs")
    parser.add_argument("--dry-run", action="store_true", help="print the page instead of writing docs/scale.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="herder-scale-") as folder, World.running(Path(folder), REPLICAS) as world:
        heals = asyncio.run(heal(world, world.urls(options.heal), options.rounds))
        for each in heals:
            print(each, file=sys.stderr)
        world.forget()
        hung = asyncio.run(hang(world, world.urls(2 * options.hang)))
        print(hung, file=sys.stderr)
        world.forget()
        flooded = asyncio.run(flood(world, world.urls(options.flood)))
        print(flooded, file=sys.stderr)
    page = report.page(flooded, heals, hung, REPLICAS)
    if options.dry_run:
        print(page)
    else:
        PAGE.write_text(page)


if __name__ == "__main__":
    main()
