"""One file out of a package of Debian's, fetched once and kept in the cache; nothing is installed."""

import os
import platform
import shutil
import subprocess
from functools import partial
from pathlib import Path

from rig.image.tools import ImageError, run, update_lists
from rig.once import made_once


class NoPackage(RuntimeError):
    """The package can't be had; the message says why."""


def file_of(package: str, pattern: str, name: str) -> Path:
    """Return the file of a package that matches `pattern`, under a name of its own. Raises NoPackage."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise NoPackage(f"only root on Debian can fetch the package {package}")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    unpack = partial(_unpack, package, pattern, name)
    return made_once(base / "herder" / f"{name}-{platform.machine()}", unpack, what=name) / name


def _unpack(package: str, pattern: str, name: str, result: Path, scratch: Path) -> None:
    log = scratch / "log"
    scratch.chmod(0o755)
    try:
        update_lists(log)
        environment = dict(os.environ, LC_ALL="C")
        subprocess.run(
            ["apt-get", "-q", "download", package], cwd=scratch, env=environment, check=True, capture_output=True
        )
        [archive] = scratch.glob("*.deb")
        run(["dpkg-deb", "--extract", archive, scratch / "tree"], log)
        [found] = (scratch / "tree").glob(pattern)
    except (ImageError, subprocess.CalledProcessError, ValueError) as error:
        raise NoPackage(f"Debian's package {package} can't be used: {error}") from error
    shutil.move(found, result / name)
