"""A slim file system with Python 3.13, in place of the official image: Debian 13 from the machine's own mirror.

It is made once and kept outside the checkout, as a tar file. As in the official slim images there are no manuals, no
translations, no package lists, and no compiler; pip and venv are there for the stages that build.
"""

import hashlib
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

from rig.image.tools import ImageError, run, update_lists
from rig.once import made_once

_SUITE = "trixie"
_PACKAGES = ("ca-certificates", "python-is-python3", "python3", "python3-pip", "python3-venv")
_LEFT_OUT = (
    *("var/cache/apt/*", "var/cache/debconf/*-old", "var/lib/apt/lists/*", "var/log/*"),
    *("usr/share/doc/*", "usr/share/info/*", "usr/share/locale/*", "usr/share/man/*"),
)
_MIRROR = ["apt-get", "indextargets", "--format", "$(LABEL)|$(COMPONENT)|$(SITE)", "Created-By: Packages"]


def base_tar(log: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """The tar file of the file system. Raises ImageError."""

    def make(result: Path, scratch: Path) -> None:
        print(f"==> making the image's base, Debian {_SUITE} with Python 3.13, this once", file=sys.stderr, flush=True)
        root = scratch / "root"
        include = f"--include={','.join(_PACKAGES)}"
        run(["debootstrap", "--variant=minbase", include, _SUITE, root, _mirror(log)], log)
        excluded = [f"--exclude=./{pattern}" for pattern in _LEFT_OUT]
        run(["tar", "-C", root, "--numeric-owner", *excluded, "-cf", result / "base.tar", "."], log)

    cache = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    recipe = hashlib.sha256(repr((_SUITE, _PACKAGES, _LEFT_OUT)).encode()).hexdigest()
    target = cache / "herder" / "image-base" / f"{_SUITE}-{platform.machine()}-{recipe[:12]}"
    return made_once(target, make, what="the image's base") / "base.tar"


def _mirror(log: Path) -> str:
    """Where this machine's apt finds Debian itself."""
    update_lists(log)
    for line in run(_MIRROR, log).splitlines():
        label, component, site = line.split("|")
        if (label, component) == ("Debian", "main"):
            return site
    raise ImageError("apt knows no mirror of Debian: see to its sources")
