"""What the GitOps guide says to type is taken by the real kubectl and API server."""

from pathlib import Path

import yaml

from rig.control_plane.cluster import Cluster

GITOPS = Path(__file__).parents[3] / "gitops"


def test_the_patch_adds_to_what_argo_cds_config_map_has(control_plane: Cluster, namespace: str) -> None:
    patch = GITOPS / "argocd" / "argocd-cm.yaml"
    path = f"/api/v1/namespaces/{namespace}/configmaps/argocd-cm"
    control_plane.kubectl("create", "configmap", "argocd-cm", "-n", namespace, "--from-literal=url=https://argo")

    control_plane.kubectl("patch", "configmap", "argocd-cm", "-n", namespace, "--patch-file", str(patch))

    found = control_plane.get(path)
    assert found is not None
    assert found["data"] == {"url": "https://argo", **yaml.safe_load(patch.read_text())["data"]}
