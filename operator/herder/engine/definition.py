"""How a workflow is written down: its steps, and which waits for which. Checked when it is made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

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
    _check_cycles(waits_for)


def _check_cycles(waits_for: Mapping[str, tuple[str, ...]]) -> None:
    """Take away the steps that wait for nothing that is left, until none is left or none can be taken."""
    left = dict(waits_for)
    while free := [step_id for step_id, dependencies in left.items() if left.keys().isdisjoint(dependencies)]:
        for step_id in free:
            del left[step_id]
    if left:
        raise DependencyCycleError(_cycle_in(left))


def _cycle_in(left: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return a cycle of `left`, whose every step waits for another of it: follow one until it comes round."""
    path: dict[str, None] = {}
    step_id = next(iter(left))
    while step_id not in path:
        path[step_id] = None
        step_id = next(dependency for dependency in left[step_id] if dependency in left)
    walked = tuple(path)
    return walked[walked.index(step_id) :]
