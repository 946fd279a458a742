"""A Pod for a process of the rig: there is no kubelet, so a test says in its place what has become of the container."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from rig.control_plane.cluster import Cluster

_CONTAINER = "herder"
_SIGKILL_EXIT = 137


@dataclass(frozen=True)
class RigPod:
    """The Pod `name`, whose one container is a process that writes its last words to `log`."""

    cluster: Cluster
    namespace: str
    name: str
    log: Path

    @classmethod
    def created(cls, cluster: Cluster, namespace: str, name: str, folder: Path) -> Self:
        """Create it, running, with an empty file for its last words, as a kubelet makes it for each run."""
        pod = cls(cluster, namespace, name, folder / f"termination-log-{namespace}-{name}")
        spec = {"nodeName": "rig", "containers": [{"name": _CONTAINER, "image": "herder"}]}
        cluster.apply(pod.path, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
        pod.log.write_text("")
        pod._say(state={"running": {"startedAt": _now()}})
        return pod

    @property
    def path(self) -> str:
        """Its API path."""
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"

    @property
    def flags(self) -> tuple[str, ...]:
        """What the process is started with to know where it is."""
        return "--pod-name", self.name, "--termination-log", str(self.log)

    def ended(self) -> None:
        """Say what a kubelet does when the container was killed."""
        self._say(state=self._terminated())

    def restarted(self) -> None:
        """Say what a kubelet does when the container was killed and runs again."""
        last = self._terminated()
        self.log.write_text("")
        self._say(state={"running": {"startedAt": _now()}}, lastState=last)

    def _terminated(self) -> dict[str, Any]:
        return {"terminated": {"exitCode": _SIGKILL_EXIT, "finishedAt": _now(), "message": self.log.read_text()}}

    def _say(self, **states: dict[str, Any]) -> None:
        container = {"name": _CONTAINER, "image": "herder", "imageID": "", "ready": False, "restartCount": 0, **states}
        self.cluster.merge_patch(f"{self.path}/status", {"status": {"containerStatuses": [container]}})


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
