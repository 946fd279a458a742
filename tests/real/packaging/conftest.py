"""helm, with a home of its own, and a namespace in which pod security is restricted."""

from pathlib import Path

import pytest

from real.packaging.chart import Helm
from rig.control_plane.cluster import Cluster


@pytest.fixture
def helm(control_plane: Cluster, tmp_path: Path) -> Helm:
    """helm against the run's control plane."""
    return Helm(control_plane, tmp_path)


@pytest.fixture
def restricted_namespace(control_plane: Cluster, namespace: str) -> str:
    """A namespace that refuses pods which are not restricted, and warns of what would make such pods."""
    labels = [f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "warn")]
    control_plane.kubectl("label", "namespace", namespace, *labels)
    return namespace
