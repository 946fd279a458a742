"""The Lease on the API server: read, taken and renewed, always for the version that was seen."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from herder.controller.cluster.errors import NotFound
from herder.controller.cluster.kube import Kube
from herder.controller.leadership.election import NOBODY, Lease
from herder.workflows.ports import utc_now

_MICROSECONDS: Final = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True)
class LeaseObject:
    """The coordination.k8s.io/v1 Lease `name` in `namespace`. Every call raises KubeError.

    What `now` says is for people to read; a clock that stands still or jumps does no harm.
    """

    kube: Kube
    namespace: str
    name: str
    now: Callable[[], datetime] = utc_now

    async def read(self) -> Lease | None:
        """Return it as it is now, None if there is none."""
        try:
            return _lease(await self.kube.get(f"{self._collection}/{self.name}"))
        except NotFound:
            return None

    async def write(self, claim: Lease, *, is_taken: bool) -> Lease:
        """Make `claim` of the version that it names, and return what has come of it; without a version, create it.

        `is_taken` also notes since when its holder has it. Raises Conflicted if somebody else wrote meanwhile.
        """
        now = self._another_moment(claim.mark)
        spec: dict[str, Any] = {
            "holderIdentity": claim.holder,
            "leaseDurationSeconds": int(claim.lease_s),
            "leaseTransitions": claim.epoch,
            "renewTime": now,
        }
        if is_taken:
            spec["acquireTime"] = now
        if claim.version:
            patch = {"metadata": {"resourceVersion": claim.version}, "spec": spec}
            return _lease(await self.kube.merge_patch(f"{self._collection}/{self.name}", patch))
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": self.name}, "spec": spec}
        return _lease(await self.kube.create(self._collection, body))

    async def give_back(self, held: Lease) -> Lease:
        """Let anybody take it at once."""
        return await self.write(replace(held, holder=NOBODY, lease_s=1), is_taken=False)

    def _another_moment(self, mark: str) -> str:
        """Return the time, but never as it was written last: others would not see that the Lease was renewed."""
        now = self.now()
        text = now.strftime(_MICROSECONDS)
        return text if text != mark else (now + timedelta(microseconds=1)).strftime(_MICROSECONDS)

    @property
    def _collection(self) -> str:
        return f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases"


def _lease(body: dict[str, Any]) -> Lease:
    spec = body.get("spec") or {}
    return Lease(
        holder=str(spec.get("holderIdentity") or NOBODY),
        lease_s=float(spec.get("leaseDurationSeconds") or 0),
        epoch=int(spec.get("leaseTransitions") or 0),
        mark=str(spec.get("renewTime") or ""),
        version=str(body["metadata"]["resourceVersion"]),
    )
