"""An API server in memory, behind the one method of Kube that sends: versions, uids, conflicts, finalizers, calls."""

import asyncio
import copy
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import aiohttp
from kubernetes_asyncio.client import Configuration

from herder.controller.cluster.errors import Conflicted, KubeError, NotFound, Rejected, Unreached
from herder.controller.cluster.kube import Kube
from herder.controller.known.objects import KINDS, Body, Key, collection

NAMESPACE = "ns"
CREATED = "2030-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Call:
    """A call that arrived."""

    method: str
    path: str
    body: Mapping[str, Any] | None


def apply_merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396, section 2, word for word."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = apply_merge_patch(result.get(name), value)
    return result


@dataclass(slots=True)
class Trouble:
    """What the next calls of a method meet: an error before they are carried out, or after."""

    error: KubeError
    is_carried_out: bool = False


async def _go_on(_call: Call) -> None:
    return


@dataclass(eq=False)
class FakeKube(Kube):
    """Holds objects by path. `gate` is awaited in each call before it is carried out; `watches` see each change."""

    bodies: dict[str, Body] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    gate: Callable[[Call], Awaitable[None]] = _go_on
    watches: list[Callable[[Body, bool], None]] = field(default_factory=list)
    """Each is called with an object and whether it is gone."""
    slices: dict[str, Body] = field(default_factory=dict)
    """EndpointSlices by name."""
    slice_watches: list["asyncio.Queue[KubeError | None]"] = field(default_factory=list)
    """The watches of EndpointSlices that are open; what is put in is what they meet next, None being a change."""

    def __post_init__(self) -> None:
        super().__init__(Configuration())
        self._versions = count(1)
        self._uids = count(1)

    # What a user does.

    def apply(self, kind: str, name: str, spec: Mapping[str, Any], **metadata: Any) -> Body:
        """Create the object, or change its spec, and return it as a watch would show it."""
        path = Key(kind, NAMESPACE, name).path
        known = self.bodies.get(path)
        body: Body = {"apiVersion": "herder.dev/v1alpha1", "kind": kind, **copy.deepcopy(known or {})}
        old = body.get("metadata", {"uid": f"uid-{next(self._uids)}", "creationTimestamp": CREATED, "generation": 0})
        changed = old["generation"] + (body.get("spec") != spec)
        meta = {**old, "namespace": NAMESPACE, "name": name, "generation": changed, **metadata}
        return self._store(path, {**body, "metadata": meta, "spec": dict(spec)})

    def touch(self, key: Key, **metadata: Any) -> Body:
        """Let somebody else change the object's metadata."""
        body = copy.deepcopy(self.bodies[key.path])
        return self._store(key.path, {**body, "metadata": {**body["metadata"], **metadata}})

    def set_status(self, key: Key, status: Mapping[str, Any]) -> Body:
        """Let somebody else write the status."""
        return self._store(key.path, {**copy.deepcopy(self.bodies[key.path]), "status": dict(status)})

    def delete(self, key: Key, at: str = CREATED) -> Body:
        """Ask for the object's deletion; without a finalizer it is gone."""
        body = self.bodies[key.path]
        generation = body["metadata"]["generation"] + 1
        return self.touch(key, deletionTimestamp=at, generation=generation)

    def remove(self, key: Key) -> Body:
        """Take the object away, finalizers or not."""
        body = self.bodies.pop(key.path)
        self._tell(body, is_gone=True)
        return body

    def body(self, key: Key) -> Body:
        """The object as it is now, a copy."""
        return copy.deepcopy(self.bodies[key.path])

    def status(self, key: Key) -> dict[str, Any]:
        """The object's status."""
        return dict(self.body(key).get("status") or {})

    def put_service(self, name: str, *ports: Mapping[str, Any]) -> None:
        """Create or change a Service."""
        path = f"/api/v1/namespaces/{NAMESPACE}/services/{name}"
        self.bodies[path] = {"kind": "Service", "spec": {"ports": list(ports), "ipFamilies": ["IPv4"]}}

    def put_slice(self, service: str, addresses: Mapping[str, int], name: str = "slice") -> None:
        """Create or change an EndpointSlice: addresses with the port of each, one slice for each port."""
        self.slices = {key: each for key, each in self.slices.items() if not key.startswith(f"{name}-")}
        for address, port in addresses.items():
            self.slices[f"{name}-{address}-{port}"] = {
                "metadata": {"labels": {"kubernetes.io/service-name": service}},
                "addressType": "IPv4",
                "ports": [{"name": "api", "port": port}],
                "endpoints": [{"addresses": [address], "conditions": {"ready": False}}],
            }
        for watch in self.slice_watches:
            watch.put_nowait(None)

    # What happens to the calls.

    def fail(self, *errors: KubeError) -> None:
        """Let the next calls meet these errors, and have no effect."""
        self.troubles += [Trouble(error) for error in errors]

    def lose_answer(self) -> None:
        """Let the next call be carried out, and its answer be lost."""
        self.troubles.append(Trouble(Unreached("lost"), is_carried_out=True))

    def count(self, method: str, end: str = "") -> int:
        """How many calls of a method on a path with this end arrived."""
        return sum(call.method == method and call.path.endswith(end) for call in self.calls)

    async def changes(self, path: str, *, selector: str = "", fields: str = "") -> AsyncGenerator[None]:
        """Say when a slice changes; whose it is does not matter."""
        self.calls.append(Call("WATCH", path, None))
        watch: asyncio.Queue[KubeError | None] = asyncio.Queue()
        self.slice_watches.append(watch)
        try:
            while (error := await watch.get()) is None:
                yield
            raise error
        finally:
            self.slice_watches.remove(watch)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        timeout: aiohttp.ClientTimeout,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        call = Call(method, path, copy.deepcopy(body))
        self.calls.append(call)
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble is not None and not trouble.is_carried_out:
            raise trouble.error
        await self.gate(call)
        answer = self._carry_out(call, headers or {})
        if trouble is not None:
            raise trouble.error
        return copy.deepcopy(answer)

    def _carry_out(self, call: Call, headers: Mapping[str, str]) -> dict[str, Any]:
        match call.method:
            case "GET" if call.path in {collection(kind, ns) for kind in KINDS.values() for ns in (None, NAMESPACE)}:
                return {"items": [b for b in self.bodies.values() if b["kind"] == _kind_of(call.path)]}
            case "GET" if "/endpointslices?labelSelector=" in call.path:
                _, _, service = call.path.rpartition("%3D")
                of = [each for each in self.slices.values() if service in each["metadata"]["labels"].values()]
                return {"items": of}
            case "GET":
                return self._existing(call.path)
            case "POST" if call.path.endswith("/events"):
                self.events.append(dict(call.body or {}))
                return self.events[-1]
            case "PATCH" if headers["Content-Type"] == "application/merge-patch+json":
                return self._patch(call.path, call.body or {})
        raise Rejected(f"{call.method} {call.path}")

    def _existing(self, path: str) -> Body:
        if path not in self.bodies:
            raise NotFound(path)
        return self.bodies[path]

    def _patch(self, path: str, patch: Mapping[str, Any]) -> Body:
        is_status = path.endswith("/status")
        path = path.removesuffix("/status")
        body = self._existing(path)
        for fence in ("uid", "resourceVersion"):
            if patch.get("metadata", {}).get(fence, body["metadata"][fence]) != body["metadata"][fence]:
                raise Conflicted(f"{path}: {fence}")
        patched = apply_merge_patch(body, patch)
        kept = {**body, "status": patched.get("status")} if is_status else {**patched, "status": body.get("status")}
        return self._store(path, kept) if kept != body else body

    def _store(self, path: str, body: Body) -> Body:
        body["metadata"]["resourceVersion"] = str(next(self._versions))
        metadata = body["metadata"]
        is_gone = "deletionTimestamp" in metadata and not metadata.get("finalizers")
        if is_gone:
            self.bodies.pop(path, None)
        else:
            self.bodies[path] = body
        self._tell(body, is_gone=is_gone)
        return copy.deepcopy(body)

    def _tell(self, body: Body, *, is_gone: bool) -> None:
        for watch in self.watches:
            watch(copy.deepcopy(body), is_gone)


def _kind_of(path: str) -> str:
    return next(kind.kind for kind in KINDS.values() if path.endswith(f"/{kind.plural}"))
