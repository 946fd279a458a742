"""What the tests of the controller declare and ask for, in the test's namespace."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from rig.control_plane.cluster import Cluster
from rig.gateway import Smg
from rig.waiting import eventually, wait_for_condition

_API = "/apis/herder.dev/v1alpha1/namespaces"
SERVICE_LABEL = "kubernetes.io/service-name"


@dataclass(frozen=True)
class Declared:
    """One namespace of a cluster, with the resources that a test declares in it."""

    cluster: Cluster
    namespace: str

    def apply(self, kind: str, name: str, spec: dict[str, Any]) -> None:
        """Apply one resource."""
        metadata = {"name": name, "namespace": self.namespace}
        body = {"apiVersion": "herder.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
        self.cluster.apply(self.path(name, f"{kind.lower()}s"), body)

    def gateway(self, replicas: Sequence[Smg], name: str = "gw", **spec: Any) -> None:
        """Declare a gateway of these replicas, compared each second."""
        self.apply("ModelGateway", name, {"endpoints": [r.url for r in replicas], "resyncSeconds": 1, **spec})

    def service(self, name: str, replicas: Sequence[Smg], port: int = 80) -> None:
        """Declare a Service, and in EndpointSlices the replicas behind it, which are not ready; again to change them.

        Each replica has a slice of its own, for a port of its own. It is reached by a name below loopback.test.
        """
        core = f"/api/v1/namespaces/{self.namespace}/services/{name}"
        slices = f"/apis/discovery.k8s.io/v1/namespaces/{self.namespace}/endpointslices"
        meta = {"name": name, "namespace": self.namespace}
        ports = [{"name": "api", "port": port}, {"name": "metrics", "port": 29000}]
        self.cluster.apply(core, {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": ports}})
        wanted = {f"{name}-{urlsplit(replica.url).port}": replica for replica in replicas}
        listed = self.cluster.get(f"{slices}?labelSelector={SERVICE_LABEL}%3D{name}") or {}
        for gone in {item["metadata"]["name"] for item in listed.get("items", ())} - wanted.keys():
            self.cluster.delete(f"{slices}/{gone}")
        for slice_name, replica in wanted.items():
            body = {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {"name": slice_name, "labels": {SERVICE_LABEL: name}},
                "addressType": "FQDN",
                "ports": [{"name": "api", "port": urlsplit(replica.url).port, "protocol": "TCP"}],
                "endpoints": [{"addresses": [f"{slice_name}.loopback.test"], "conditions": {"ready": False}}],
            }
            self.cluster.apply(f"{slices}/{slice_name}", body)

    def worker(self, name: str, url: str, **spec: Any) -> None:
        """Declare a worker of the gateway `gw` that drains at once, unless `spec` says otherwise."""
        fields = {"gatewayRef": {"name": "gw"}, "url": url, "drain": {"settleSeconds": 0}, **spec}
        self.apply("WorkerRegistration", name, fields)

    def secret(self, name: str, *, hosts: str | None = None, **data: str) -> None:
        """Create or change a Secret, which is for these `hosts` only if they are given."""
        metadata = {"name": name, "annotations": {} if hosts is None else {"herder.dev/hosts": hosts}}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
        self.cluster.apply(f"/api/v1/namespaces/{self.namespace}/secrets/{name}", body)

    def delete(self, name: str) -> None:
        """Ask for a worker's deletion, without waiting."""
        self.cluster.delete(self.path(name))

    def annotate(self, name: str, **annotations: str) -> None:
        """Set annotations `herder.dev/KEY` of a worker."""
        words = {f"herder.dev/{key}": value for key, value in annotations.items()}
        self.cluster.merge_patch(self.path(name), {"metadata": {"annotations": words}})

    def path(self, name: str, plural: str = "workerregistrations") -> str:
        """A resource's API path."""
        return f"{_API}/{self.namespace}/{plural}/{name}"

    def get(self, name: str) -> dict[str, Any] | None:
        """A worker as it is now, None if it is gone."""
        return self.cluster.get(self.path(name))

    def status(self, name: str) -> dict[str, Any]:
        """A worker's status as it is now."""
        found: dict[str, Any] = (self.get(name) or {}).get("status", {})
        return found

    def condition(self, name: str, kind: str = "Ready") -> dict[str, Any]:
        """One of a worker's conditions; empty if it is not there."""
        conditions = self.status(name).get("conditions", [])
        return next((c for c in conditions if c["type"] == kind), {})

    async def until(
        self, name: str, kind: str = "Ready", *, status: str = "True", reason: str | None = None, timeout_s: float = 10
    ) -> dict[str, Any]:
        """Wait for a worker's condition and return the worker."""
        return await wait_for_condition(
            self.cluster, self.path(name), kind, status=status, reason=reason, timeout_s=timeout_s
        )

    async def until_gone(self, name: str, timeout_s: float = 15) -> None:
        """Wait until a worker's deletion is complete."""
        await eventually(lambda: self.get(name) is None, timeout_s)


def urls_of(replica: Smg) -> list[str]:
    """The URLs that a replica lists."""
    return sorted(worker["url"] for worker in replica.workers())


def is_listed_ready(replica: Smg, url: str) -> bool:
    """Whether a replica lists the URL, once, as ready."""
    return [w["status"] for w in replica.workers() if w["url"] == url] == ["ready"]
