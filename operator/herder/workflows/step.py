"""The base of every step: an attempt, its problem kept for the status, and the type of its error deciding the retry."""

import abc
from dataclasses import replace
from typing import ClassVar, Protocol

import structlog

from herder.engine import StepResult, WorkflowContext
from herder.net.text import redacted
from herder.workflows.errors import DEFECT, Problem, StepFault, problem_of

log = structlog.get_logger(__name__)


class HasProblems(Protocol):
    """Workflow data that keeps, by step id, what went wrong in the latest attempt."""

    problems: dict[str, Problem]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what no problem may repeat."""
        ...


class Step[D: HasProblems](abc.ABC):
    """One step of a workflow over data of type D."""

    id: ClassVar[str]

    async def execute(self, context: WorkflowContext[D]) -> StepResult:
        """Make one attempt. Raises whatever the attempt raises, after it has been noted in `data.problems`."""
        # An attempt that is cut off notes nothing: the problem of the one before it would be shown in its place.
        context.data.problems.pop(self.id, None)
        try:
            result = await self.attempt(context)
        except Exception as error:
            context.data.problems[self.id] = _shown(error, context.data)
            if not isinstance(error, StepFault) and problem_of(error).reason == DEFECT:
                log.exception("step.defect", instance=context.instance_id, step=self.id)
            raise
        return StepResult.SUCCESS if result is None else result

    def is_retryable(self, error: Exception) -> bool:
        """Whether another attempt may succeed: for a timeout of the attempt, always."""
        return problem_of(error).retryable

    async def on_failure(self, context: WorkflowContext[D], error: Exception) -> None:
        """Note why the step has failed for good, which a timeout of its last attempt could not do itself."""
        context.data.problems[self.id] = _shown(error, context.data)

    @abc.abstractmethod
    async def attempt(self, context: WorkflowContext[D]) -> StepResult | None:
        """Do the step's work once; return SKIP if there is none, raise StepFault or an error of the rooms below."""


def _shown(error: Exception, data: HasProblems) -> Problem:
    """Describe an error without a secret, whoever worded it."""
    problem = problem_of(error)
    return replace(problem, message=redacted(problem.message, data.secrets))
