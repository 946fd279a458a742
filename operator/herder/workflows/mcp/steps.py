"""The steps of an MCP server's registration and removal."""

from typing import ClassVar, Final

from herder.engine import StepResult, WorkflowContext
from herder.net.errors import AddressRefused
from herder.workflows.errors import Permanent, Transient
from herder.workflows.mcp.asking import fault_of_server, faults_of_server
from herder.workflows.mcp.data import McpRegistration, McpRemoval
from herder.workflows.mcp.file import difference
from herder.workflows.step import Step

type Context = WorkflowContext[McpRegistration]
type Removing = WorkflowContext[McpRemoval]

UNPUBLISHABLE: Final = "HeadersNotPublishable"
_WHY_NOT: Final = (
    "the gateway takes headers only from its file, as they stand there, and a secret has no place in a ConfigMap: "
    "put a proxy that adds them before the server, or have an init container fill them in "
    "(spec.mcp.headers: Variables of the ModelGateway)"
)


class Connect(Step[McpRegistration]):
    """The server answers, and speaks the protocol as the gateway does."""

    id: ClassVar[str] = "connect"

    async def attempt(self, context: Context) -> None:
        """Ask once whether the server is there."""
        data = context.data
        with faults_of_server(data.plan.endpoint):
            data.greeting = await data.asker.greet(data.plan.endpoint)


class DiscoverTools(Step[McpRegistration]):
    """Which tools the server offers."""

    id: ClassVar[str] = "discover_tools"

    async def attempt(self, context: Context) -> None:
        """Read all pages of them."""
        data = context.data
        with faults_of_server(data.plan.endpoint):
            data.offer = await data.asker.offer(data.plan.endpoint)
        data.greeting = data.offer.greeting


class Publish(Step[McpRegistration]):
    """The gateway's file lists the server as declared."""

    id: ClassVar[str] = "publish"

    async def attempt(self, context: Context) -> None:
        """Put it into the file, unless it is there: never what would send the gateway where herder must not go."""
        data = context.data
        try:
            await data.asker.vet(data.plan.endpoint.url)
        except AddressRefused as error:
            raise fault_of_server(error, data.plan.endpoint) from error
        if not data.plan.is_publishable:
            raise Permanent(UNPUBLISHABLE, _WHY_NOT)
        data.view = await data.file.put(data.plan.key, data.plan.entry, adopt=data.adopt)


class Roll(Step[McpRegistration | McpRemoval]):
    """The replicas run on the file as it is now; there is nothing to do where nobody asked for that."""

    id: ClassVar[str] = "roll"

    async def attempt(self, context: WorkflowContext[McpRegistration | McpRemoval]) -> StepResult | None:
        """Have them rolled, once for all changes of a moment, and see whether that has ended."""
        if context.data.file.rolls is None:
            return StepResult.SKIP
        await context.data.file.roll()
        return None


class Verify(Step[McpRegistration]):
    """What is published is what is declared: read anew, for others may have written meanwhile."""

    id: ClassVar[str] = "verify"

    async def attempt(self, context: Context) -> None:
        """Compare; what is otherwise is published again, and looked at in the next attempt."""
        data = context.data
        data.view = await data.file.look()
        found = difference(data.view.entries, data.plan.key, data.plan.entry)
        if found is not None:
            await data.file.put(data.plan.key, data.plan.entry, adopt=data.adopt)
            raise Transient("Drift", f"ConfigMap {data.view.config_map}: {found}")


class Unpublish(Step[McpRemoval]):
    """The gateway's file no longer lists the server."""

    id: ClassVar[str] = "unpublish"

    async def attempt(self, context: Removing) -> None:
        """Take it out of the file, if it is there."""
        context.data.view = await context.data.file.take(context.data.key)


class Confirm(Step[McpRemoval]):
    """It is gone: read anew."""

    id: ClassVar[str] = "confirm"

    async def attempt(self, context: Removing) -> None:
        """Look once more."""
        data = context.data
        data.view = await data.file.look()
        if data.key in data.view.entries:
            await data.file.take(data.key)
            raise Transient("StillPublished", f"ConfigMap {data.view.config_map} lists {data.key} again")
