"""The ConfigMap that a gateway's file of MCP servers is kept in: read, told from others', applied.

It bears the label app.kubernetes.io/managed-by: herder and belongs to its ModelGateway, with which it goes. One without
that label, or of another gateway, is somebody else's.
"""

from dataclasses import dataclass
from typing import Any, Final

from herder.api.base import InvalidResource, parse
from herder.api.gateway import GatewayMcp, Mode, ModelGatewaySpec
from herder.api.meta import ADOPT_ANNOTATION, API_VERSION, MCP_SERVER, MODEL_GATEWAY
from herder.api.served import DeletionPolicy
from herder.controller.cluster.errors import NotFound
from herder.controller.cluster.kube import Kube
from herder.controller.known.objects import Body, Key, Objects, uid_of
from herder.workflows.errors import Permanent
from herder.workflows.mcp import file
from herder.workflows.mcp.file import Entries
from herder.workflows.mcp.ports import FileView

MANAGED_BY: Final = {"app.kubernetes.io/managed-by": "herder"}


@dataclass(frozen=True, slots=True)
class Found:
    """The ConfigMap as it was read; `text` is None where there is no file in it, `version` where there is no such."""

    view: FileView
    text: str | None = None
    version: str | None = None
    is_dressed: bool = False
    """Whether it bears herder's label and belongs to the gateway."""


class GatewayConfigMap:
    """The ConfigMap of one gateway, by what the gateway's resource says now. Raises KubeError."""

    def __init__(self, kube: Kube, objects: Objects, gateway: Key) -> None:
        self._kube = kube
        self._objects = objects
        self.gateway = gateway

    @property
    def name(self) -> str:
        """Its name."""
        return self.settings.config_map or f"{self.gateway.name}-mcp"

    @property
    def spec(self) -> ModelGatewaySpec | None:
        """The gateway's spec; None if there is none that can be read."""
        body = self._objects.get(self.gateway)
        try:
            return parse(ModelGatewaySpec, (body or {}).get("spec") or {})
        except InvalidResource:
            return None

    @property
    def settings(self) -> GatewayMcp:
        """How the gateway's servers are published."""
        spec = self.spec
        return (spec.mcp if spec is not None else None) or GatewayMcp()

    @property
    def may_write(self) -> bool:
        """Whether the gateway is there to stay, and herder is to change things for it."""
        body, spec = self._objects.get(self.gateway), self.spec
        is_there = body is not None and "deletionTimestamp" not in body["metadata"]
        return is_there and spec is not None and spec.mode is Mode.ENFORCE

    @property
    def known(self) -> frozenset[str]:
        """The servers whose resources want to be in the file, or to stay in it."""
        members = (key for key in self._objects.referring_to(self.gateway) if key.kind == MCP_SERVER.kind)
        return frozenset(key.name for key in members if _stays(self._objects.get(key)))

    async def read(self) -> Found:
        """Read it anew."""
        try:
            body = await self._kube.get(self._path)
        except NotFound:
            return Found(FileView(self.name, {}))
        text: str | None = (body.get("data") or {}).get(file.FILE_KEY)
        holder = self._holder(body)
        foreign = self._foreign(body, holder)
        ours = text if foreign is None else None
        entries = file.parse(ours or "") or {}
        config_hash = file.hash_of(ours) if ours is not None else None
        view = FileView(self.name, entries, config_hash, foreign, is_held=holder is not None)
        owners = body["metadata"].get("ownerReferences") or []
        is_dressed = foreign is None and any(owner["uid"] == self._uid for owner in owners)
        return Found(view, text, str(body["metadata"]["resourceVersion"]), is_dressed)

    def is_as(self, found: Found, entries: Entries) -> bool:
        """Whether nothing is to be written."""
        return found.is_dressed and found.text == self.render(entries)

    def render(self, entries: Entries) -> str:
        """Return the file that lists these servers."""
        return file.render(f"{self.gateway.namespace}/{self.gateway.name}", entries)

    async def apply(self, found: Found, entries: Entries) -> FileView:
        """Have it list these servers. Raises Conflicted if it is not as it was found any more."""
        text = self.render(entries)
        metadata = self._metadata(self.name, found.version)
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {file.FILE_KEY: text}}
        # Where there was none, what somebody else has made since is not taken over.
        await self._kube.server_apply(self._path, body, force=found.version is not None)
        return FileView(self.name, entries, file.hash_of(text))

    @property
    def recorded(self) -> frozenset[str]:
        """The ConfigMaps that the statuses of the gateway's servers name."""
        bodies = (self._objects.get(key) for key in self._objects.referring_to(self.gateway))
        return frozenset(name for body in bodies if body is not None and (name := _published_in(body)) is not None)

    async def vacate(self, name: str, entries: Entries) -> bool:
        """Take the file out of the ConfigMap `name`, which the gateway does not name any more.

        Nothing is done, and False returned, while it lists a server that wants to be in the file and is not among
        `entries`. What others have put into the ConfigMap stays; it goes with the gateway. Raises KubeError.
        """
        try:
            body = await self._kube.get(self._path_of(name))
        except NotFound:
            return True
        owners = body["metadata"].get("ownerReferences") or []
        is_ours = _is_managed(body) and any(owner["uid"] == self._uid for owner in owners)
        text = (body.get("data") or {}).get(file.FILE_KEY)
        if not is_ours or text is None:
            return True
        if (file.parse(text) or {}).keys() & self.known - entries.keys():
            return False
        metadata = self._metadata(name, body["metadata"]["resourceVersion"])
        bare = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
        await self._kube.server_apply(self._path_of(name), bare, force=True)
        return True

    def _holder(self, body: Body) -> str | None:
        """Return the name of the other gateway whose a ConfigMap is; None if it is none's, or one's that is gone."""
        for owner in body["metadata"].get("ownerReferences") or []:
            key = Key(MODEL_GATEWAY.kind, self.gateway.namespace, owner["name"])
            other = self._objects.get(key) if owner["kind"] == MODEL_GATEWAY.kind and key != self.gateway else None
            if other is not None and uid_of(other) == owner["uid"]:
                return key.name
        return None

    def _foreign(self, body: Body, holder: str | None) -> str | None:
        """Say whose a ConfigMap is if it is not this gateway's."""
        if holder is not None:
            return (
                f"ConfigMap {self.name} is the one of ModelGateway {holder}: name another in "
                "spec.mcp.configMap of one of the two"
            )
        if not _is_managed(body):
            return (
                f"ConfigMap {self.name} was not made by herder: delete it, name another in spec.mcp.configMap of "
                f"the ModelGateway, or set the annotation {ADOPT_ANNOTATION} to true to have it taken over"
            )
        return None

    def _metadata(self, name: str, version: str | None) -> dict[str, Any]:
        fence = {} if version is None else {"resourceVersion": version}
        return {
            "name": name,
            "namespace": self.gateway.namespace,
            "labels": MANAGED_BY,
            "ownerReferences": [self._owner_reference],
            **fence,
        }

    @property
    def _path(self) -> str:
        return self._path_of(self.name)

    def _path_of(self, name: str) -> str:
        return f"/api/v1/namespaces/{self.gateway.namespace}/configmaps/{name}"

    @property
    def _owner_reference(self) -> dict[str, str]:
        return {
            "apiVersion": API_VERSION,
            "kind": self.gateway.kind,
            "name": self.gateway.name,
            "uid": self._uid,
        }

    @property
    def _uid(self) -> str:
        body = self._objects.get(self.gateway)
        if body is None:
            raise Permanent("GatewayNotFound", f"ModelGateway {self.gateway.name} does not exist any more")
        return uid_of(body)


def _is_managed(body: Body) -> bool:
    return MANAGED_BY.items() <= (body["metadata"].get("labels") or {}).items()


def _published_in(body: Body) -> str | None:
    """Return the ConfigMap that a server's status says it is published in; None if it says none, or is no server."""
    server = (body.get("status") or {}).get("server") if body["kind"] == MCP_SERVER.kind else None
    return (server or {}).get("configMap")


def _stays(body: Body | None) -> bool:
    if body is None:
        return False
    keeps = (body.get("spec") or {}).get("deletionPolicy") == DeletionPolicy.ORPHAN
    return keeps or "deletionTimestamp" not in body["metadata"]
