"""Makes the peers ready, once, in a cache outside the checkout."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "herder" / "bench"

LOCK = HERE / "requirements.lock"
"""What the bench needs and herder does not; where it can't be installed, LangGraph and the picture are left out."""


def ancestor() -> Path | None:
    """Build wfaas' side of the bench and return the program, None where there is no cargo or it does not build."""
    cargo = shutil.which("cargo")
    if cargo is None:
        return None
    target = CACHE / "wfaas"
    print("==> building the ancestor, wfaas 1.1.0", file=sys.stderr)
    # Built from a copy: cargo's lock names the registry's host, and so is kept in the cache, not in the repository.
    source = shutil.copytree(HERE / "wfaas", CACHE / "wfaas-source", dirs_exist_ok=True)
    manifest = str(source / "Cargo.toml")
    command = [cargo, "build", "--release", "--manifest-path", manifest, "--target-dir", str(target)]
    built = subprocess.run(command, check=False)
    return target / "release" / "ancestor" if built.returncode == 0 else None


def python() -> Path | None:
    """Return the Python of an environment that has what LOCK names, None where it can't be made."""
    environment = CACHE / f"venv-{sys.version_info.major}.{sys.version_info.minor}"
    interpreter, stamp = environment / "bin" / "python", environment / "installed"
    if stamp.exists() and stamp.read_text() == LOCK.read_text():
        return interpreter
    print("==> making an environment with LangGraph and matplotlib", file=sys.stderr)
    options = ["--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:"]
    install = [str(interpreter), "-m", "pip", "install", *options, "-r", str(LOCK)]
    for command in ([sys.executable, "-m", "venv", "--clear", str(environment)], install):
        if subprocess.run(command, check=False).returncode != 0:
            return None
    stamp.write_text(LOCK.read_text())
    return interpreter
