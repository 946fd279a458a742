"""Stands in for what the test's cluster lacks, a Deployment controller and nodes: a pod of herder's is a process here.

It is started as the Deployment's container says and under its ServiceAccount's token, but for addresses and ports, and
ended by SIGTERM when the Deployment goes, shrinks or changes: the former one first, as `Recreate` has it.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rig.control_plane.cluster import Cluster
from rig.operator_process import Operator

_LISTED: Final = "/apis/apps/v1/deployments?labelSelector=app.kubernetes.io/name%3Dherder"
_OF_ADDRESSES: Final = ("--health-", "--metrics-")


@dataclass(frozen=True)
class Pod:
    """A process, and the template that it was made from."""

    template: str
    process: Operator


class Pods:
    """The pods of every Deployment of herder's in a cluster."""

    def __init__(self, cluster: Cluster, log_dir: Path) -> None:
        self._cluster = cluster
        self._log_dir = log_dir
        self._pods: dict[str, list[Pod]] = {}

    def tend(self) -> None:
        """Have what the Deployments ask for now, and say how far it is."""
        found = {each["metadata"]["namespace"]: each for each in (self._cluster.get(_LISTED) or {})["items"]}
        for namespace in self._pods.keys() - found.keys():
            self._end(self._pods.pop(namespace))
        for namespace, deployment in found.items():
            self._pods[namespace] = self._follow(namespace, deployment)

    def end(self) -> None:
        """End them all."""
        for pods in self._pods.values():
            for pod in pods:
                pod.process.kill()

    def _follow(self, namespace: str, deployment: dict[str, Any]) -> list[Pod]:
        spec = deployment["spec"]
        template = json.dumps(spec["template"], sort_keys=True)
        pods = self._pods.get(namespace, [])
        kept = [pod for pod in pods if pod.template == template][: spec["replicas"]]
        self._end([pod for pod in pods if pod not in kept])
        missing = spec["replicas"] - len(kept)
        pods = [*kept, *(Pod(template, self._start(namespace, spec["template"]["spec"])) for _ in range(missing))]
        self._tell(deployment, len(pods), sum(pod.process.is_healthy() for pod in pods))
        return pods

    def _start(self, namespace: str, spec: dict[str, Any]) -> Operator:
        account, [container] = spec["serviceAccountName"], spec["containers"]
        token = self._cluster.kubectl("create", "token", account, "--namespace", namespace).stdout.strip()
        words = [word for word in container["args"][1:] if not word.startswith(_OF_ADDRESSES)]
        kubeconfig = self._cluster.kubeconfig_for(token)
        return Operator.start(self._cluster, *words, kubeconfig=kubeconfig, log_dir=self._log_dir)

    @staticmethod
    def _end(pods: list[Pod]) -> None:
        for pod in pods:
            pod.process.stop()

    def _tell(self, deployment: dict[str, Any], there: int, ready: int) -> None:
        metadata = deployment["metadata"]
        condition = {"type": "Available", "status": "True" if ready == there else "False"}
        status = {
            "observedGeneration": metadata["generation"],
            "replicas": there,
            "updatedReplicas": there,
            "readyReplicas": ready,
            "availableReplicas": ready,
            "conditions": [{**condition, "reason": "StandIn", "message": "a process stands in for the pod"}],
        }
        before = {name: deployment.get("status", {}).get(name, 0) for name in status if name != "conditions"}
        if before != {name: status[name] for name in before}:
            path = f"/apis/apps/v1/namespaces/{metadata['namespace']}/deployments/{metadata['name']}/status"
            self._cluster.merge_patch(path, {"status": status})
