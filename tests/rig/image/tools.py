"""What building an image takes: root that may mount, buildah and debootstrap, which are installed where they can be."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rig.locks import locked

PROGRAMS = ("buildah", "debootstrap")

_APT_GET = ("apt-get", "-q", "-o", "DPkg::Lock::Timeout=300")


class ImageError(RuntimeError):
    """A program that helps to build an image failed; the message holds what it said."""


def lacking() -> str | None:
    """Why no image can be built on this machine; None where it can be, once `install` was called."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "building an image without a daemon takes root"
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        return "building an image takes the right to mount, which root does not have here"
    if not _is_debian() or not shutil.which("apt-get"):
        return "the image's base is made from the packages of Debian's mirror, and this is no Debian"
    return None


def install(log: Path) -> None:
    """Install the programs that are missing. Raises ImageError."""
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    if not missing:
        return
    print(f"==> installing {' and '.join(missing)}, which build the image", file=sys.stderr, flush=True)
    update_lists(log)
    run([*_APT_GET, "install", "--yes", "--no-install-recommends", *missing], log)


def update_lists(log: Path) -> None:
    """Let apt know what its mirrors have; one after another, for apt itself refuses the second. Raises ImageError."""
    with locked(Path(tempfile.gettempdir()) / "herder-apt-update.lock"):
        run([*_APT_GET, "update"], log)


def run(argv: Sequence[str | Path], log: Path, *, environment: dict[str, str] | None = None) -> str:
    """Run a program to its end, its stderr and stdout appended to `log`; returns its stdout. Raises ImageError."""
    words = [str(word) for word in argv]
    settings = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", **(environment or {})}
    with log.open("a") as output:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=output, text=True, env=settings, check=False
        )
        output.write(done.stdout)
    if done.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
        raise ImageError(f"{' '.join(words[:3])} … ended with {done.returncode}; the end of {log}:\n{tail}")
    return done.stdout


def _is_debian() -> bool:
    release = Path("/etc/os-release")
    return release.exists() and "\nID=debian\n" in f"\n{release.read_text()}"
