"""What the API server was asked, from its audit log: exact, by user and namespace, and kept over its restarts."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - {level: None, users: ["system:apiserver", "controller-manager"]}
  - {level: None, nonResourceURLs: ["*"]}
  - {level: Metadata}
"""


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One answered request. `verb` is get, list, watch, create, update, patch, delete or deletecollection."""

    user: str
    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int


def read_requests(audit_log: Path) -> Iterator[ApiRequest]:
    """Every answered request of a resource in order; a watch is one as soon as it is open."""
    seen: set[str] = set()  # a watch is logged when it opens and once more when it ends
    with audit_log.open() as lines:
        for line in lines:
            if not line.endswith("\n"):
                return  # being written just now
            entry = json.loads(line)
            if entry["auditID"] not in seen and "objectRef" in entry:
                seen.add(entry["auditID"])
                yield _request(entry)


def count(requests: Iterable[ApiRequest]) -> Counter[tuple[str, str]]:
    """How many of each (verb, subresource), e.g. ("patch", "status")."""
    return Counter((request.verb, request.subresource) for request in requests)


def _request(entry: Mapping[str, Any]) -> ApiRequest:
    target = entry["objectRef"]
    return ApiRequest(
        user=entry["user"]["username"],
        verb=entry["verb"],
        resource=target["resource"],
        subresource=target.get("subresource", ""),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        code=entry.get("responseStatus", {}).get("code", 0),
    )
