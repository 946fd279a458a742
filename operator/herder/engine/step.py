"""How one step is written down."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from herder.engine.context import WorkflowContext
from herder.engine.errors import DefinitionError
from herder.engine.policy import FailureAction, RetryPolicy


class StepResult(StrEnum):
    """What a step may return; None is SUCCESS."""

    SUCCESS = "Success"
    FAILURE = "Failure"
    """The step failed for good: not tried again. To be tried again, raise."""
    SKIP = "Skip"
    """There was nothing to do; dependents go on as after a success."""


type StepFunction[D] = Callable[[WorkflowContext[D]], Awaitable[StepResult | None]]
type Condition[D] = Callable[[WorkflowContext[D]], bool | Awaitable[bool]]


class StepExecutor[D](Protocol):
    """A step as an object. It may also have any of

    - `is_retryable(error: Exception) -> bool`: whether another attempt makes sense; without it, always;
    - `async on_success(context)`: called once after the step succeeded, before its dependents start;
    - `async on_failure(context, error: Exception)`: called once when the step has failed for good.

    An error out of `on_success` or `on_failure` is logged and changes nothing.
    """

    async def execute(self, context: WorkflowContext[D]) -> StepResult | None:
        """Do the work of one attempt; raising fails it."""
        ...


@dataclass(frozen=True)
class StepDefinition[D]:
    """One step.

    It starts when all of `depends_on` and one of `depends_on_any` (where given) are satisfied, that is succeeded,
    skipped, or failed with CONTINUE_NEXT_STEP; then at `scheduled_at` at the earliest, and `delay` seconds after that;
    then only if `run_if` says so, else it is skipped. `timeout` is in seconds, for each attempt; None takes the
    workflow's default, as does `retry`. Raises DefinitionError.
    """

    id: str
    run: StepFunction[D] | StepExecutor[D]
    name: str | None = field(default=None, kw_only=True)
    depends_on: Iterable[str] = field(default=(), kw_only=True)
    depends_on_any: Iterable[str] = field(default=(), kw_only=True)
    run_if: Condition[D] | None = field(default=None, kw_only=True)
    retry: RetryPolicy | None = field(default=None, kw_only=True)
    timeout: float | None = field(default=None, kw_only=True)
    failure_action: FailureAction = field(default=FailureAction.FAIL_WORKFLOW, kw_only=True)
    delay: float = field(default=0.0, kw_only=True)
    scheduled_at: datetime | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_id("step", self.id)
        if not (callable(self.run) or callable(getattr(self.run, "execute", None))):
            raise DefinitionError(f"step {self.id!r}: run is neither an async function nor an object with execute")
        object.__setattr__(self, "depends_on", _step_ids(self.id, "depends_on", self.depends_on))
        object.__setattr__(self, "depends_on_any", _step_ids(self.id, "depends_on_any", self.depends_on_any))
        if self.timeout is not None and not self.timeout > 0:
            raise DefinitionError(f"step {self.id!r}: timeout is in seconds and above 0, not {self.timeout!r}")
        if not self.delay >= 0:
            raise DefinitionError(f"step {self.id!r}: delay is in seconds and at least 0, not {self.delay!r}")
        if self.scheduled_at is not None and self.scheduled_at.tzinfo is None:
            raise DefinitionError(f"step {self.id!r}: scheduled_at has no time zone")


def check_id(what: str, given: object) -> None:
    """Raise DefinitionError unless `given` can be the id of a `what`."""
    if not isinstance(given, str) or not given:
        raise DefinitionError(f"a {what}'s id is a non-empty string, not {given!r}")


def _step_ids(step_id: str, field_name: str, given: Iterable[str]) -> tuple[str, ...]:
    if isinstance(given, str | bytes):
        raise DefinitionError(f"step {step_id!r}: {field_name} takes several step ids, not the bare string {given!r}")
    ids = tuple(dict.fromkeys(given))
    for dependency in ids:
        if not isinstance(dependency, str):
            raise DefinitionError(f"step {step_id!r}: {field_name} takes step ids, not {dependency!r}")
    return ids
