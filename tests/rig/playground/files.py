"""The files that the samples name: on a cluster they would lie on a volume, here in a folder that goes with the world.

What the samples name elsewhere is somebody's own, and neither written nor removed.
"""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from rig.playground.samples import Samples
from rig.tokenizers import write_tokenizer
from rig.wasm import component

OURS: Final = "herder-samples"
"""The name of that folder."""


def write_files(samples: Samples) -> None:
    """Put what the replicas are to read where the samples say."""
    for path in _ours(samples.modules):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(component(path.stem))
    for folder in _ours(samples.tokenizers):
        write_tokenizer(folder, "hello", "world")


def remove_files(samples: Samples) -> None:
    """Remove it, if it is there."""
    for path in _ours((*samples.modules, *samples.tokenizers)):
        shutil.rmtree(path.parent, ignore_errors=True)


def _ours(paths: Iterable[Path]) -> Iterator[Path]:
    return (path for path in paths if path.parent.name == OURS)
