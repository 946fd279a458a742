"""mcp-registration and mcp-removal: one MCP server in, or out of, the file that a gateway's replicas start with.

A server that is `required` is published once it has answered:

    connect ─▶ discover_tools ─▶ publish ─▶ roll ─▶ verify

Any other is published whether it answers or not, for the gateway itself goes on trying, and connecting goes on beside:

    connect ─▶ discover_tools ─┐
    publish ─▶ roll ───────────┴─▶ verify

    unpublish ─▶ roll ─▶ confirm

roll is Skipped where the ModelGateway names no Deployment to roll. Of an optional server connect and discover_tools may
fail: the run succeeds all the same, and the server is looked at again at each resync.
"""

from functools import lru_cache
from typing import Final

from herder.api.mcp import McpTool, PublishedServer
from herder.engine import (
    ExponentialBackoff,
    FailureAction,
    LinearBackoff,
    RetryPolicy,
    StepDefinition,
    WorkflowDefinition,
)
from herder.net.mcp import Greeting, Offer
from herder.workflows.mcp.data import McpRegistration, McpRemoval
from herder.workflows.mcp.plan import McpPlan
from herder.workflows.mcp.steps import Confirm, Connect, DiscoverTools, Publish, Roll, Unpublish, Verify
from herder.workflows.step import Step

__all__ = ["McpPlan", "McpRegistration", "McpRemoval", "portrayed", "registration", "removal", "shown"]

REGISTRATION: Final = "mcp-registration"
REMOVAL: Final = "mcp-removal"

_SHORTEST_S: Final = 5.0
"""Time that a removal has at least: one attempt is not enough, whatever is declared."""
_ROLLOUT_S: Final = 900.0
"""How long replicas may take to be rolled; a Deployment gives up on its own progress after 600 s."""

_BRIEF: Final = RetryPolicy(max_attempts=6, backoff=ExponentialBackoff(base=0.25, maximum=4.0))
_POLICIES: Final = {
    "connect": RetryPolicy(max_attempts=100, backoff=LinearBackoff(1.0, 5.0)),  # as the gateway's own engine does
    "discover_tools": RetryPolicy(max_attempts=3, backoff=ExponentialBackoff(base=1.0, maximum=4.0)),
    "publish": _BRIEF,
    "roll": RetryPolicy(max_attempts=None, backoff=ExponentialBackoff(base=1.0, maximum=10.0, max_elapsed=_ROLLOUT_S)),
    "verify": _BRIEF,
}
"""How often each step of a registration is tried, by its id."""

_TIMEOUTS_S: Final = {"connect": 30.0, "discover_tools": 30.0, "publish": 60.0, "roll": 60.0, "verify": 60.0}
"""How long one attempt may take: longer than all that it asks for."""


@lru_cache(maxsize=2)
def registration(*, is_required: bool) -> WorkflowDefinition[McpRegistration]:
    """Return the workflow for servers that must answer before they are published, or for those that need not."""
    action = FailureAction.FAIL_WORKFLOW if is_required else FailureAction.CONTINUE_NEXT_STEP

    def step(
        does: Step[McpRegistration], *after: str, action: FailureAction = FailureAction.FAIL_WORKFLOW
    ) -> StepDefinition[McpRegistration]:
        return StepDefinition(
            does.id,
            does,
            depends_on=after,
            retry=_POLICIES[does.id],
            timeout=_TIMEOUTS_S[does.id],
            failure_action=action,
        )

    steps = (
        step(Connect(), action=action),
        step(DiscoverTools(), Connect.id, action=action),
        step(Publish(), *((DiscoverTools.id,) if is_required else ())),
        step(Roll(), Publish.id),
        step(Verify(), Roll.id, DiscoverTools.id),
    )
    kind = "required" if is_required else "optional"
    return WorkflowDefinition(f"{REGISTRATION}/{kind}", steps, name=REGISTRATION)


@lru_cache(maxsize=256)
def removal(timeout_s: int) -> WorkflowDefinition[McpRemoval]:
    """Return the workflow for removals that are to be done within `timeout_s` seconds."""
    until = ExponentialBackoff(base=0.25, maximum=2.0, max_elapsed=max(_SHORTEST_S, timeout_s))
    wait = RetryPolicy(max_attempts=None, backoff=until)
    steps = (
        StepDefinition(Unpublish.id, Unpublish(), retry=wait, timeout=60.0),
        StepDefinition(Roll.id, Roll(), depends_on=[Unpublish.id], retry=wait, timeout=60.0),
        StepDefinition(Confirm.id, Confirm(), depends_on=[Roll.id], retry=wait, timeout=60.0),
    )
    return WorkflowDefinition(f"{REMOVAL}/{timeout_s}s", steps, name=REMOVAL)


def shown(data: McpRegistration) -> PublishedServer:
    """Return what is shown of the server by its run."""
    config_map = data.view.config_map if data.view else None
    return portrayed(data.plan, config_map, data.greeting, data.offer)


def portrayed(plan: McpPlan, config_map: str | None, greeting: Greeting | None, offer: Offer | None) -> PublishedServer:
    """Return what is shown of a server of which this much is known."""
    return PublishedServer(
        name=plan.key,
        url=plan.spec.transport.url,
        server=greeting.server if greeting else None,
        protocol_version=greeting.protocol_version if greeting else None,
        tool_count=offer.count if offer else None,
        tools=tuple(McpTool(name=tool.name, description=tool.description) for tool in offer.tools) if offer else (),
        config_map=config_map,
    )
