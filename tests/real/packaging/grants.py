"""What roles grant, and what was asked for, in the same words: (verb, resource), such as ("patch", "x/status")."""

from collections.abc import Iterable
from typing import Any

from rig.control_plane.audit import ApiRequest

type Grant = tuple[str, str]

SERVED = ("workerregistrations", "wasmmodules", "tokenizers", "mcpservers")
"""The kinds that a gateway serves."""

SERVING: frozenset[Grant] = frozenset(
    {
        *((verb, "modelgateways") for verb in ("get", "list", "watch")),
        *((verb, kind) for kind in SERVED for verb in ("get", "list", "watch", "patch")),
        ("patch", "modelgateways/status"),
        *(("patch", f"{kind}/status") for kind in SERVED),
        ("get", "secrets"),
        ("get", "services"),
        ("list", "endpointslices"),
        ("watch", "endpointslices"),
        *((verb, "configmaps") for verb in ("get", "create", "patch")),
        *((verb, "deployments") for verb in ("get", "patch")),
        ("create", "events"),
    }
)
"""In each namespace that is served."""

IDENTITY: frozenset[Grant] = frozenset({("get", "namespaces")})
"""In the cluster as a whole, of kube-system alone; not where the installation is named."""

LEASE: frozenset[Grant] = frozenset({("create", "leases"), ("get", "leases"), ("patch", "leases")})
"""In the release's own namespace; all but to create one of its own Lease alone."""

RIVALS: frozenset[Grant] = frozenset({("get", "pods"), ("watch", "pods")})
"""In the release's own namespace: who holds the Lease, and whether that one has ended."""

REVIEWS: frozenset[Grant] = frozenset({("create", "tokenreviews"), ("create", "subjectaccessreviews")})
"""In the cluster as a whole, where metrics are secure."""

IMPLIED: frozenset[Grant] = frozenset({("create", "configmaps")})
"""What applying needs where there is nothing yet, though the API server is never asked for it by that name."""


def granted(documents: Iterable[dict[str, Any]], kind: str) -> frozenset[Grant]:
    """What the roles of a kind grant. A wildcard is a grant of its own, that no table has."""
    rules = [rule for document in documents if document["kind"] == kind for rule in document["rules"]]
    return frozenset((verb, what) for rule in rules for verb in rule["verbs"] for what in rule.get("resources", ()))


def asked(requests: Iterable[ApiRequest]) -> frozenset[Grant]:
    """What requests needed."""
    return frozenset((request.verb, _resource(request)) for request in requests)


def _resource(request: ApiRequest) -> str:
    return f"{request.resource}/{request.subresource}" if request.subresource else request.resource
