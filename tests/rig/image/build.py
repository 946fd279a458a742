"""Builds the Dockerfile by buildah, as root: plain folders are its storage and a chroot its isolation."""

from dataclasses import dataclass
from pathlib import Path

from rig.image.base import base_tar
from rig.image.indexes import pip_secrets
from rig.image.layout import Layout
from rig.image.tools import install, run

CHECKOUT = Path(__file__).parents[3]
_BASE = "localhost/herder-base"
_TAG = "localhost/herder"


@dataclass(frozen=True, slots=True)
class Image:
    """A built image: as a registry would have it, and unpacked as a container would see it, to be left as it is."""

    layout: Layout
    root: Path


def build(folder: Path, scratch: Path, log: Path, *, context: Path = CHECKOUT) -> None:
    """Build into `folder`, which `Image` then can be read from; all else lies in `scratch`. Raises ImageError."""
    install(log)
    buildah = _Buildah(scratch, log)
    container = buildah.run("from", "scratch").strip()
    buildah.run("add", container, base_tar(log), "/")
    buildah.run("commit", "--timestamp=0", container, _BASE)
    arguments = ("--layers", "--timestamp=0", f"--build-arg=BASE={_BASE}", f"--tag={_TAG}", *pip_secrets(scratch))
    buildah.run("build", *arguments, context)
    layout = Layout(folder / "layout")
    buildah.run("push", _TAG, f"oci:{layout.folder}:herder")
    layout.unpack(folder / "root", log)


def built(folder: Path) -> Image:
    """What `build` left in `folder`."""
    return Image(Layout(folder / "layout"), folder / "root")


@dataclass(frozen=True, slots=True)
class _Buildah:
    scratch: Path
    log: Path

    def run(self, command: str, *arguments: str | Path) -> str:
        """One buildah command; its images and temporary files are in the scratch folder."""
        stores = (f"--root={self.scratch / 'images'}", f"--runroot={self.scratch / 'running'}")
        environment = {"STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot", "TMPDIR": str(self.scratch)}
        return run(["buildah", *stores, command, *arguments], self.log, environment=environment)
