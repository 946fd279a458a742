"""The base of every step: an attempt, its problem kept for the status, and the type of its error deciding the retry."""

import abc
from typing import ClassVar, Protocol

import structlog

from herder.engine import StepResult, WorkflowContext
from herder.workflows.errors import Problem, StepFault, problem_of

log = structlog.get_logger(__name__)


class HasProblems(Protocol):
    """Workflow data that keeps, by step id, what went wrong in the latest attempt."""

    problems: dict[str, Problem]


class Step[D: HasProblems](abc.ABC):
    """One step of a workflow over data of type D."""

    id: ClassVar[str]

    async def execute(self, context: WorkflowContext[D]) -> StepResult:
        """Make one attempt. Raises whatever the attempt raises, after it has been noted in `data.problems`."""
        try:
            result = await self.attempt(context)
        except Exception as error:
            problem = problem_of(error)
            context.data.problems[self.id] = problem
            if problem.reason == "InternalError":
                log.exception("step.defect", instance=context.instance_id, step=self.id)
            raise
        context.data.problems.pop(self.id, None)
        return StepResult.SUCCESS if result is None else result

    def is_retryable(self, error: Exception) -> bool:
        """Whether another attempt may succeed: for a timeout of the attempt, always."""
        return problem_of(error).retryable

    @abc.abstractmethod
    async def attempt(self, context: WorkflowContext[D]) -> StepResult | None:
        """Do the step's work once; return SKIP if there is none, raise StepFault or an error of the rooms below."""


__all__ = ["HasProblems", "Step", "StepFault"]
