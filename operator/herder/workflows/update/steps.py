"""The steps of an update: the worker itself is asked before anything is sent, and the replicas are driven as ever."""

from dataclasses import replace
from typing import ClassVar

from herder.engine import StepResult, WorkflowContext
from herder.net.errors import DeadlineExceeded, Unreachable
from herder.workflows.discovery import models_served
from herder.workflows.driving import AwaitListed, Send
from herder.workflows.errors import Transient
from herder.workflows.step import Step
from herder.workflows.update.data import Update


class Check(Step[Update]):
    """The worker, if it answers now, takes the key that is declared and serves the models: a PATCH would never tell.

    One that is down is no obstacle to what a PATCH changes, and the replicas themselves wait for it where they must.
    """

    id: ClassVar[str] = "check"

    async def attempt(self, context: WorkflowContext[Update]) -> StepResult | None:
        """Ask for the models once, with the key."""
        data = context.data
        data.facts = replace(data.facts, runtime=data.plan.runtime or data.facts.runtime)
        is_keyed_provider = data.plan.is_discovered_here and data.plan.api_key is not None
        if not (data.plan.is_probed_here or is_keyed_provider):
            return StepResult.SKIP
        try:
            served = await models_served(data)
        except (Transient, Unreachable, DeadlineExceeded):
            return StepResult.SKIP
        data.facts = replace(data.facts, models=served)
        return None


class Apply(Send[Update]):
    """Every replica that answers has been told what changed, or has it so already."""

    id: ClassVar[str] = "apply"


class AwaitApplied(AwaitListed[Update]):
    """Every replica that answers has applied what changed, and lists the worker."""

    id: ClassVar[str] = "await_applied"
