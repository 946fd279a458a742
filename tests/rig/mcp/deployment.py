"""A gateway's Deployment as an API server without a Deployment controller has it: the test plays that."""

from dataclasses import dataclass
from typing import Any

from rig.control_plane.cluster import Cluster

_REPLICAS = 2
_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")


@dataclass(frozen=True)
class FakeDeployment:
    """The Deployment `shepherd` in a namespace."""

    cluster: Cluster
    namespace: str

    def create(self) -> None:
        """Create it; nothing is rolled yet."""
        template = {
            "metadata": {"labels": {"app": "shepherd"}},
            "spec": {"containers": [{"name": "smg", "image": "smg"}]},
        }
        spec = {"replicas": _REPLICAS, "selector": {"matchLabels": {"app": "shepherd"}}, "template": template}
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shepherd"}, "spec": spec}
        self.cluster.apply(self._path, body)

    def told(self) -> str | None:
        """Which version of the file its pods are to be started for."""
        annotations = self._body["spec"]["template"]["metadata"].get("annotations", {})
        found: str | None = annotations.get("herder.dev/mcp-config-hash")
        return found

    def generation(self) -> int:
        """How often its spec was changed, and once more."""
        return int(self._body["metadata"]["generation"])

    def complete(self) -> None:
        """Say that the rollout is complete, as its controller would."""
        status = {"observedGeneration": self.generation(), **dict.fromkeys(_COUNTS, _REPLICAS)}
        self.cluster.merge_patch(f"{self._path}/status", {"status": status})

    @property
    def _path(self) -> str:
        return f"/apis/apps/v1/namespaces/{self.namespace}/deployments/shepherd"

    @property
    def _body(self) -> dict[str, Any]:
        return self.cluster.get(self._path) or {}
