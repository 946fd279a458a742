"""Grafana's own schema of dashboards, to read one by: from its Go module, built once into the user's cache."""

import hashlib
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from rig.control_plane.go import BuildError, find_go
from rig.once import made_once

_SOURCE: Final = Path(__file__).with_name("source")
_ENVIRONMENT: Final = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off"}
_PROGRAM: Final = "check-dashboard"


@dataclass(frozen=True, slots=True)
class Grafana:
    """The program at `path`, which reads a dashboard to the letter."""

    path: Path

    @classmethod
    def built(cls) -> Self:
        """Return the one of the cache, built first where it is not there. Raises BuildError."""
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "herder"
        sources = b"\0".join((_SOURCE / name).read_bytes() for name in ("main.go", "go.mod", "go.sum"))
        key = f"grafana-{platform.machine()}-{hashlib.sha256(sources).hexdigest()[:12]}"
        return cls(made_once(base / key, _build, what="Grafana's schema of dashboards") / _PROGRAM)

    def problems_of(self, dashboard: str) -> list[str]:
        """Return what Grafana does not take in a dashboard, given as JSON: fields, types and panels, by their path."""
        done = subprocess.run([self.path], input=dashboard, capture_output=True, text=True, check=False, timeout=60)
        return done.stdout.splitlines() if done.returncode else []


def _build(result: Path, scratch: Path) -> None:
    print("==> building Grafana's schema of dashboards, this once", file=sys.stderr, flush=True)
    environment = {**os.environ, **_ENVIRONMENT}
    go = find_go(scratch.parent, environment)
    argv = [go, "build", "-trimpath", "-buildvcs=false", "-o", str(result / _PROGRAM), "."]
    done = subprocess.run(argv, cwd=_SOURCE, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"Grafana's schema of dashboards can't be built:\n{done.stderr}")
