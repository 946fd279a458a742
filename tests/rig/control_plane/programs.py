"""Where the control plane's programs are: in the folder that KUBEBUILDER_ASSETS names, or in the cache, built once."""

import os
from collections.abc import Mapping
from pathlib import Path

from rig.control_plane.build import PROGRAMS, build_once, cached


class MissingProgramError(RuntimeError):
    """KUBEBUILDER_ASSETS names a folder that lacks a program."""


def ensure(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder with etcd, kube-apiserver, kube-controller-manager, kubectl and helm.

    Builds them when KUBEBUILDER_ASSETS is not set and the cache has none of this recipe: about eight minutes on two
    cores, with its progress on stderr. Two callers at once build once.

    Raises MissingProgramError and BuildError; both messages say what to do.
    """
    return find(environment) or build_once(environment)


def find(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The same folder when there is nothing to build, else None. Raises MissingProgramError."""
    assets = environment.get("KUBEBUILDER_ASSETS")
    return _checked(Path(assets)) if assets else cached(environment)


def _checked(folder: Path) -> Path:
    missing = [name for name in PROGRAMS if not os.access(folder / name, os.X_OK)]
    if missing:
        raise MissingProgramError(
            f"KUBEBUILDER_ASSETS={folder} lacks {', '.join(missing)}: add what is missing, "
            f"or unset it, and {', '.join(PROGRAMS)} are built once and cached"
        )
    return folder
