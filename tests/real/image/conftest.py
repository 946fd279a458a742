"""The image is built once in a run, by whichever process needs it first."""

import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rig.image.build import Image, build, built
from rig.image.container import Container
from rig.image.tools import lacking
from rig.once import made_once

_SBOM = "opt/herder/sbom.cdx.json"


@pytest.fixture(scope="session")
def image(log_dir: Path) -> Image:
    """What the Dockerfile makes of this checkout; skips where no image can be built."""
    if reason := lacking():
        pytest.skip(reason)
    log = log_dir / "image.log"
    return built(made_once(log_dir / "image", lambda result, scratch: build(result, scratch, log), what="the image"))


@pytest.fixture
def container(image: Image) -> Container:
    """The image with a user that nobody foresaw."""
    return Container(image, user=random.randrange(100_000, 1_000_000_000))


@pytest.fixture
def run_in_image(container: Container) -> Callable[..., str]:
    """Runs a command of the image to its end; returns what it printed, fails when it fails."""

    def run(*command: str) -> str:
        done = subprocess.run(container.argv(*command), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def sbom(image: Image) -> dict[str, Any]:
    """The image's own bill of materials."""
    document: dict[str, Any] = json.loads((image.root / _SBOM).read_text())
    return document
