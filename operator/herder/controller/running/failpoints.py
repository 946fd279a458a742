"""Failpoints: where this process is to kill itself, so that tests can show what a kill at that very moment leaves.

HERDER_FAILPOINT names one: `WORKFLOW/STEP:MOMENT`, and `#N` where the Nth time is meant that it is reached.

    worker-registration/register:before     an attempt of the step is about to begin
    worker-registration/register:after#2    the second attempt has ended, in whatever way, and nothing tells of it yet
    worker-registration/register:written    a status was written that says that the step has ended
    worker-registration/start:before        a run is about to begin
    worker-registration/start:written       a status was written that says so, and no step has been tried
    worker-registration/end:before          a run has ended, and nothing tells of it yet
    worker-registration/end:written         a status was written that says so

Without one no step is wrapped and nothing is counted.
"""

import os
import re
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Any, Final, Self

import structlog

from herder.api.status import RunStatus, StepStatus
from herder.controller.running.restore import UNFINISHED
from herder.engine import StepResult, WorkflowContext, WorkflowDefinition

log = structlog.get_logger(__name__)

VARIABLE: Final = "HERDER_FAILPOINT"
START: Final = "start"
END: Final = "end"
"""What stands in the place of a step for the two ends of a run."""

_FORM: Final = re.compile(
    r"(?P<workflow>[\w-]+)/(?P<step>\w+):(?P<moment>before|after|written)(?:#(?P<count>[1-9]\d*))?"
)
_ENDED: Final = frozenset({StepStatus.SUCCEEDED, StepStatus.SKIPPED, StepStatus.FAILED})


class Moment(StrEnum):
    """When it happens, seen from the step."""

    BEFORE = "before"
    AFTER = "after"
    WRITTEN = "written"


@dataclass(frozen=True, slots=True)
class Failpoint:
    """The `count`th time that a moment of a step (or START, or END) of a workflow is reached."""

    workflow: str
    step: str
    moment: Moment
    count: int = 1

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> Self | None:
        """Return the failpoint that is set, None without one. Raises ValueError."""
        text = environment.get(VARIABLE)
        return None if text is None else cls.parse(text)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what the variable says. Raises ValueError."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise ValueError(
                f"{text!r} is no failpoint: WORKFLOW/STEP:before, :after or :written, and #N for the Nth time"
            )
        return cls(found["workflow"], found["step"], Moment(found["moment"]), int(found["count"] or 1))

    def __str__(self) -> str:
        return f"{self.workflow}/{self.step}:{self.moment}#{self.count}"


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Tripwire:
    """Kills this process at a failpoint; without one it does nothing at all. `die` is for tests."""

    def __init__(self, failpoint: Failpoint | None = None, die: Callable[[], None] = _die) -> None:
        self._failpoint = failpoint
        self._left = 0 if failpoint is None else failpoint.count
        self._die = die

    def around[D](self, definition: WorkflowDefinition[D]) -> WorkflowDefinition[D]:
        """Return the definition with this wire around the attempts of the step that the failpoint names."""
        failpoint = self._failpoint
        if failpoint is None or _name(definition) != failpoint.workflow:
            return definition
        reach = partial(self.reach, failpoint.workflow, failpoint.step)
        steps = (replace(s, run=_Wired(reach, s.run)) if s.id == failpoint.step else s for s in definition.steps)
        return replace(definition, steps=tuple(steps))

    def begins(self, workflow: str) -> None:
        """Tell that a run is about to begin."""
        self.reach(workflow, START, Moment.BEFORE)

    def ends(self, workflow: str) -> None:
        """Tell that a run has ended."""
        self.reach(workflow, END, Moment.BEFORE)

    def hastens(self, workflow: str) -> bool:
        """Whether the progress of this workflow's runs is to be written at once: a write of each step is waited for."""
        failpoint = self._failpoint
        return failpoint is not None and failpoint.moment is Moment.WRITTEN and failpoint.workflow == workflow

    def written(self, status: Mapping[str, Any]) -> None:
        """Tell that a status was written."""
        failpoint = self._failpoint
        if failpoint is not None and failpoint.moment is Moment.WRITTEN and _shows(status, failpoint):
            self.reach(failpoint.workflow, failpoint.step, Moment.WRITTEN)

    def reach(self, workflow: str, step: str, moment: Moment) -> None:
        """Tell that a moment has come: the last one, if the failpoint is here."""
        failpoint = self._failpoint
        if failpoint is None or (workflow, step, moment) != (failpoint.workflow, failpoint.step, failpoint.moment):
            return
        self._left -= 1
        if self._left == 0:
            log.warning("failpoint.reached", failpoint=str(failpoint))
            self._die()


class _Wired:
    """A step of the failpoint's workflow with the wire around each attempt."""

    def __init__(self, reach: Callable[[Moment], None], step: Any) -> None:
        self._reach = reach
        self._step = step

    async def execute(self, context: WorkflowContext[Any]) -> StepResult | None:
        """Make one attempt, if it comes to that."""
        self._reach(Moment.BEFORE)
        try:
            result: StepResult | None = await self._step.execute(context)
        finally:
            self._reach(Moment.AFTER)
        return result

    def is_retryable(self, error: Exception) -> bool:
        """As the step says."""
        return bool(self._step.is_retryable(error))

    async def on_failure(self, context: WorkflowContext[Any], error: Exception) -> None:
        """As the step does."""
        await self._step.on_failure(context, error)


def _name(definition: WorkflowDefinition[Any]) -> str:
    return definition.name or definition.id


def _shows(status: Mapping[str, Any], failpoint: Failpoint) -> bool:
    """Whether a status says that the failpoint's step, or the start or end of its workflow's run, is past."""
    run = status.get("workflow")
    if run is None or run["name"] != failpoint.workflow:
        return False
    is_unfinished = RunStatus(run["status"]) in UNFINISHED
    if failpoint.step in {START, END}:
        return is_unfinished is (failpoint.step == START)
    return any(step["name"] == failpoint.step and StepStatus(step["status"]) in _ENDED for step in run.get("steps", ()))
