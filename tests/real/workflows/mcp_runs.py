"""MCP workflows on a real API server and real servers: one gateway's file, and the engine in real time."""

from dataclasses import dataclass, field
from typing import Any

from herder.api.base import parse
from herder.api.gateway import HeaderPublishing
from herder.api.mcp import McpServerSpec
from herder.api.meta import MODEL_GATEWAY
from herder.controller.cluster.kube import Kube
from herder.controller.known.objects import Key, Objects
from herder.controller.mcp.published import PublishedFile
from herder.engine import WorkflowEngine, WorkflowOutcome
from herder.net.mcp import Asker
from herder.workflows.mcp import McpPlan, McpRegistration, McpRemoval, registration, removal
from herder.workflows.owner import Owner
from rig.control_plane.cluster import Cluster

_LIMIT_S = 60.0


@dataclass
class McpRuns:
    """Runs in one namespace, for the gateway `gw` there. What is declared is what `declare` has put there."""

    cluster: Cluster
    namespace: str
    kube: Kube
    asker: Asker
    engine: WorkflowEngine = field(default_factory=WorkflowEngine)
    objects: Objects = field(default_factory=Objects)
    started: list[str] = field(default_factory=list)

    @property
    def gateway(self) -> Key:
        """The gateway."""
        return Key(MODEL_GATEWAY.kind, self.namespace, "gw")

    def declare(self, kind: str, name: str, spec: dict[str, Any]) -> None:
        """Apply a resource, and know it as the operator does."""
        path = self.path(kind, name)
        metadata = {"name": name, "namespace": self.namespace}
        body = {"apiVersion": "herder.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
        self.cluster.apply(path, body)
        found = self.cluster.get(path)
        assert found is not None
        self.objects.put(found)

    def path(self, kind: str, name: str) -> str:
        """A resource's API path."""
        return f"/apis/herder.dev/v1alpha1/namespaces/{self.namespace}/{kind.lower()}s/{name}"

    def declare_gateway(self, **mcp: Any) -> None:
        """Declare the gateway."""
        self.declare("ModelGateway", "gw", {"endpoints": ["http://10.0.0.1:30000"], "mcp": mcp})

    def declare_server(self, name: str, url: str, **spec: Any) -> McpServerSpec:
        """Declare a server."""
        declared = {"gatewayRef": {"name": "gw"}, "transport": {"url": url}, **spec}
        self.declare("McpServer", name, declared)
        return parse(McpServerSpec, declared)

    def withdraw(self, name: str) -> None:
        """Delete a server's resource, and know that."""
        key = Key("McpServer", self.namespace, name)
        body = self.objects.get(key)
        assert body is not None
        self.cluster.delete(self.path("McpServer", name))
        self.objects.remove(key, body["metadata"]["uid"])

    def file(self) -> PublishedFile:
        """The gateway's file, of a process that has just started."""
        return PublishedFile(self.kube, self.objects, self.gateway)

    def data(
        self,
        name: str,
        spec: McpServerSpec,
        file: PublishedFile,
        headers: dict[str, str] | None = None,
        publishing: HeaderPublishing = HeaderPublishing.REFUSE,
    ) -> McpRegistration:
        """The data of a registration."""
        owner = Owner("cluster", self.namespace, name, "uid")
        return McpRegistration(McpPlan(spec, owner, headers or {}, publishing), (), self.asker, file)

    async def register(self, data: McpRegistration) -> WorkflowOutcome:
        """Run `mcp-registration` to its end."""
        return await self.wait(await self.start(data))

    async def start(self, data: McpRegistration) -> str:
        """Start `mcp-registration`; returns its instance."""
        definition = registration(is_required=data.plan.spec.required)
        self.engine.register_workflow(definition)
        self.started.append(await self.engine.start_workflow(definition.id, data))
        return self.started[-1]

    async def end(self) -> None:
        """Cancel what goes on: the SDK's tasks would complain, in a later test, of a loop that ends with them in it."""
        for instance_id in self.started:
            await self.engine.cancel_workflow(instance_id)

    async def wait(self, instance_id: str) -> WorkflowOutcome:
        """Wait for the end of a run."""
        return await self.engine.wait_for_completion(instance_id, _LIMIT_S)

    async def remove(self, name: str, file: PublishedFile) -> WorkflowOutcome:
        """Run `mcp-removal` to its end."""
        definition = removal(20)
        self.engine.register_workflow(definition)
        instance_id = await self.engine.start_workflow(definition.id, McpRemoval(name, (), file))
        return await self.wait(instance_id)

    def config_map(self, name: str = "gw-mcp") -> dict[str, Any]:
        """A ConfigMap as it is now; empty if there is none."""
        return self.cluster.get(f"/api/v1/namespaces/{self.namespace}/configmaps/{name}") or {}

    def text(self) -> str:
        """The published file."""
        return str(self.config_map()["data"]["mcp.yaml"])
