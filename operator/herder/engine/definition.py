"""How a workflow is written down: its steps, and which waits for which. Checked when it is made."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from herder.engine.errors import DefinitionError, DependencyCycleError, DuplicateStepError, MissingDependencyError
from herder.engine.policy import RetryPolicy
from herder.engine.step import StepDefinition, check_id


@dataclass(frozen=True)
class WorkflowDefinition[D]:
    """A DAG of steps.

    `default_retry` and `default_timeout` (seconds) hold for the steps that don't say otherwise. Raises
    MissingDependencyError, DependencyCycleError, DuplicateStepError, or DefinitionError for the rest.
    """

    id: str
    steps: Iterable[StepDefinition[D]]
    name: str | None = field(default=None, kw_only=True)
    default_retry: RetryPolicy = field(default=RetryPolicy(), kw_only=True)
    default_timeout: float = field(default=300.0, kw_only=True)

    def __post_init__(self) -> None:
        check_id("workflow", self.id)
        object.__setattr__(self, "steps", tuple(self.steps))
        if not self.default_timeout > 0:
            raise DefinitionError(f"workflow {self.id!r}: default_timeout is above 0, not {self.default_timeout!r}")
        _check_graph(self.steps)


def _check_graph[D](steps: Iterable[StepDefinition[D]]) -> None:
    waits_for: dict[str, tuple[str, ...]] = {}
    for step in steps:
        if step.id in waits_for:
            raise DuplicateStepError(step.id)
        waits_for[step.id] = (*step.depends_on, *step.depends_on_any)
    for step_id, dependencies in waits_for.items():
        for dependency in dependencies:
            if dependency not in waits_for:
                raise MissingDependencyError(step_id, dependency)
    try:
        TopologicalSorter(waits_for).prepare()
    except CycleError as error:
        # graphlib goes from a dependency to its dependent, and names the first one twice.
        raise DependencyCycleError(tuple(reversed(error.args[1][1:]))) from None
