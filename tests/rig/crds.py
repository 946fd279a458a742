"""Herder's CustomResourceDefinitions, as crds/ has them."""

from pathlib import Path

from rig.control_plane.cluster import Cluster

CRDS = Path(__file__).parents[2] / "crds"


def apply_crds(cluster: Cluster) -> None:
    """Apply them and wait until the API server serves them. Raises KubectlError."""
    cluster.kubectl("apply", "--server-side", "-f", str(CRDS))
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=120s", "-f", str(CRDS))
