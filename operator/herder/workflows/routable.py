"""Whether clients are offered what the worker serves: the models that each replica lists under it are in /v1/models."""

from typing import ClassVar

from herder.engine import StepResult, WorkflowContext
from herder.net.text import untrusted
from herder.workflows.convergence import Convergence
from herder.workflows.driving import served_by
from herder.workflows.errors import Transient
from herder.workflows.fanout import drive_in_reach
from herder.workflows.ports import Replica
from herder.workflows.step import Step


class AwaitRoutable[D: Convergence](Step[D]):
    """Every replica that answers offers the worker's models to clients.

    Skipped for an external provider: its models are offered only to a client whose own credentials it takes (measured
    on smg 1.13.0), so that herder can't see them. What fails here does not undo the registration.
    """

    id: ClassVar[str] = "await_routable"

    async def attempt(self, context: WorkflowContext[D]) -> StepResult | None:
        """Compare what each replica lists with what it offers."""
        data = context.data
        if data.plan.is_external:
            return StepResult.SKIP

        async def look(replica: Replica) -> None:
            missing = await served_by(replica, data) - await replica.list_model_ids()
            data.routable[replica.endpoint] = not missing
            if missing:
                model = untrusted(min(missing), secrets=data.secrets)
                raise Transient("NotRoutable", f"{replica.endpoint}: GET /v1/models does not offer {model} yet")

        await drive_in_reach(data, look, context.attempt)
        return None
