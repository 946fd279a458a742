"""A definition made ready to run: defaults filled in, hooks looked up, dependencies turned round."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from graphlib import TopologicalSorter
from inspect import iscoroutinefunction
from typing import Any

from herder.engine.changes import AttemptBegun, StepDone, StepPassedOver
from herder.engine.context import WorkflowContext
from herder.engine.definition import WorkflowDefinition
from herder.engine.policy import FailureAction, RetryPolicy
from herder.engine.step import Condition, StepDefinition, StepExecutor, StepFunction, StepResult

# One engine runs workflows with data of any type: from here on only the steps themselves know it.
type Context = WorkflowContext[Any]
type Work = Coroutine[Any, Any, StepResult | None]


@dataclass(frozen=True, slots=True, eq=False)
class PlannedStep:
    """One step, with nothing left to look up."""

    id: str
    run: Callable[[Context], Work]
    depends_on: frozenset[str]
    depends_on_any: frozenset[str]
    dependents: "tuple[PlannedStep, ...]" = field(repr=False)
    timeout_s: float
    retry: RetryPolicy
    goes_on: bool
    """Whether its dependents run though it failed."""
    begun: AttemptBegun
    done: StepDone
    passed_over: StepPassedOver
    """The changes that carry nothing but the step are made once, here."""
    is_gated: bool
    """Whether anything stands between its dependencies and its first attempt."""
    delay_s: float
    scheduled_at: datetime | None
    run_if: Condition[Any] | None
    is_retryable: Callable[[Exception], bool] | None
    on_success: Callable[[Context], Coroutine[Any, Any, object]] | None
    on_failure: Callable[[Context, Exception], Coroutine[Any, Any, object]] | None

    def wait_s(self, now: datetime) -> float:
        """Return how long to wait, from when the dependencies are satisfied: until `scheduled_at`, then `delay`."""
        if self.scheduled_at is None:
            return self.delay_s
        return max(self.scheduled_at - now, timedelta()).total_seconds() + self.delay_s


@dataclass(frozen=True, slots=True)
class Plan:
    """A workflow's steps by id, in the order in which they were written."""

    definition_id: str
    steps: Mapping[str, PlannedStep]
    roots: tuple[PlannedStep, ...]
    """The steps that wait for none."""

    @classmethod
    def of(cls, definition: WorkflowDefinition[Any]) -> "Plan":
        """Make the plan of a definition."""
        dependents: dict[str, list[str]] = {step.id: [] for step in definition.steps}
        for step in definition.steps:
            for dependency in dict.fromkeys((*step.depends_on, *step.depends_on_any)):
                dependents[dependency].append(step.id)
        written = {step.id: step for step in definition.steps}
        planned: dict[str, PlannedStep] = {}
        for step_id in TopologicalSorter(dependents).static_order():  # who waits comes before what it waits for
            known = tuple(planned[dependent] for dependent in dependents[step_id])
            planned[step_id] = _planned(definition, written[step_id], known)
        steps = {step_id: planned[step_id] for step_id in written}
        roots = tuple(step for step in steps.values() if not (step.depends_on or step.depends_on_any))
        return cls(definition.id, steps, roots)


def _planned(
    definition: WorkflowDefinition[Any], step: StepDefinition[Any], dependents: tuple[PlannedStep, ...]
) -> PlannedStep:
    retry = step.retry or definition.default_retry
    if step.failure_action is FailureAction.RETRY_INDEFINITELY:
        retry = RetryPolicy(max_attempts=None, backoff=retry.backoff)
    return PlannedStep(
        id=step.id,
        run=_as_coroutine_function(step.run),
        depends_on=frozenset(step.depends_on),
        depends_on_any=frozenset(step.depends_on_any),
        dependents=dependents,
        timeout_s=definition.default_timeout if step.timeout is None else step.timeout,
        retry=retry,
        goes_on=step.failure_action is FailureAction.CONTINUE_NEXT_STEP,
        begun=AttemptBegun(step.id),
        done=StepDone(step.id),
        passed_over=StepPassedOver(step.id),
        is_gated=bool(step.delay or step.scheduled_at or step.run_if),
        delay_s=step.delay,
        scheduled_at=step.scheduled_at,
        run_if=step.run_if,
        is_retryable=getattr(step.run, "is_retryable", None),
        on_success=getattr(step.run, "on_success", None),
        on_failure=getattr(step.run, "on_failure", None),
    )


def _as_coroutine_function(run: StepFunction[Any] | StepExecutor[Any]) -> Callable[[Context], Work]:
    """Return what makes a coroutine of one attempt: `run` itself where it does, else something that awaits it."""
    call: Any = getattr(run, "execute", run)
    if iscoroutinefunction(call):
        coroutine_function: Callable[[Context], Work] = call
        return coroutine_function

    async def awaited(context: Context) -> StepResult | None:
        result: StepResult | None = await call(context)
        return result

    return awaited
