"""Rolling a gateway's Deployment when the file that its replicas start with has changed: pure."""

from collections.abc import Mapping
from typing import Any, Final

from herder.api.meta import GROUP

HASH_ANNOTATION: Final = f"{GROUP}/mcp-config-hash"
"""On the pods: which version of the file they were started for."""


def path_of(namespace: str, name: str) -> str:
    """Return the Deployment's path on the API server."""
    return f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"


def is_told(deployment: Mapping[str, Any], config_hash: str) -> bool:
    """Whether the Deployment's pods are, or are being, started for this version of the file."""
    return _told(deployment) == config_hash


def was_told(deployment: Mapping[str, Any]) -> bool:
    """Whether the Deployment's pods were started for some version of the file."""
    return _told(deployment) is not None


def _told(deployment: Mapping[str, Any]) -> str | None:
    template = deployment["spec"]["template"].get("metadata") or {}
    told: str | None = (template.get("annotations") or {}).get(HASH_ANNOTATION)
    return told


def telling(deployment: Mapping[str, Any], config_hash: str) -> dict[str, Any]:
    """Return the merge patch that rolls the Deployment, fenced by the version that it was made for."""
    metadata = deployment["metadata"]
    return {
        "metadata": {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]},
        "spec": {"template": {"metadata": {"annotations": {HASH_ANNOTATION: config_hash}}}},
    }


def waits_for(deployment: Mapping[str, Any]) -> str | None:
    """Return what a rollout still waits for, as `kubectl rollout status` has it; None once it is complete."""
    status: Mapping[str, Any] = deployment.get("status") or {}
    desired = int(deployment["spec"].get("replicas", 1))
    if int(status.get("observedGeneration", 0)) < int(deployment["metadata"]["generation"]):
        return "its controller has not begun yet"
    updated, total = int(status.get("updatedReplicas", 0)), int(status.get("replicas", 0))
    if updated < desired:
        return f"{updated} of {desired} replicas are new"
    if total > updated:
        return f"{total - updated} old replicas are still there"
    available = int(status.get("availableReplicas", 0))
    return f"{available} of {desired} new replicas are available" if available < desired else None
