"""An image as a folder in the OCI's layout: what a registry would hold of it."""

import gzip
import json
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rig.image.tools import run

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Layer:
    """`size_bytes` is what is pulled and stored, `unpacked_bytes` what its tar file takes on a node."""

    blob: Path
    size_bytes: int

    @property
    def unpacked_bytes(self) -> int:
        """Read through, as it is written nowhere."""
        with gzip.open(self.blob) as content:
            return sum(len(chunk) for chunk in iter(lambda: content.read(_CHUNK_BYTES), b""))


@dataclass(frozen=True)
class Layout:
    """The folder's one image."""

    folder: Path

    @cached_property
    def config(self) -> dict[str, Any]:
        """How it is run: User, Env, Entrypoint, Cmd, Labels and so on."""
        config: dict[str, Any] = self._json(self._manifest["config"]["digest"])["config"]
        return config

    @property
    def environment(self) -> dict[str, str]:
        """What its programs find in their environment."""
        return dict(line.split("=", 1) for line in self.config["Env"])

    @property
    def layers(self) -> list[Layer]:
        """From the base up."""
        return [Layer(self._blob(layer["digest"]), layer["size"]) for layer in self._manifest["layers"]]

    def unpack(self, root: Path, log: Path) -> None:
        """Lay the layers over each other in `root`; none may take away what one below it has."""
        root.mkdir()
        for layer in self.layers:
            run(["tar", "-C", root, "--numeric-owner", "-xzpf", layer.blob], log)
        if whiteout := next(root.rglob(".wh.*"), None):
            shutil.rmtree(root)
            raise AssertionError(f"{whiteout.name}: a layer removes what a lower one brings")

    @property
    def _manifest(self) -> dict[str, Any]:
        [image] = json.loads((self.folder / "index.json").read_text())["manifests"]
        return self._json(image["digest"])

    def _json(self, digest: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self._blob(digest).read_text())
        return content

    def _blob(self, digest: str) -> Path:
        return self.folder / "blobs" / Path(*digest.split(":"))
