"""`make image`: builds the image and says what each layer takes, pulled and unpacked."""

import sys
import tempfile
from pathlib import Path

from rig.image.build import build, built
from rig.image.tools import lacking

_MEGABYTE = 1_000_000
_LAYERS = ("base", "dependencies", "herder")


def main() -> None:
    """Build into a temporary folder, print, and leave nothing."""
    if reason := lacking():
        sys.exit(reason)
    with tempfile.TemporaryDirectory(prefix="herder-image-") as name:
        folder = Path(name)
        result, scratch = folder / "image", folder / "scratch"
        result.mkdir()
        scratch.mkdir()
        build(result, scratch, folder / "build.log")
        _print_sizes([(layer.size_bytes, layer.unpacked_bytes) for layer in built(result).layout.layers])


def _print_sizes(sizes_bytes: list[tuple[int, int]]) -> None:
    total = tuple(map(sum, zip(*sizes_bytes, strict=True)))
    print(f"{'layer':14}{'pulled':>10}{'unpacked':>12}")
    for name, sizes in zip((*_LAYERS, "all"), (*sizes_bytes, total), strict=True):
        pulled, unpacked = (f"{size / _MEGABYTE:.1f} MB" for size in sizes)
        print(f"{name:14}{pulled:>10}{unpacked:>12}")


if __name__ == "__main__":
    main()
