"""What is told as Events while a run goes on: that a step is retried, and that a worker moves to another URL.

Of each step it is told once, by whichever attempt first has something to say: a step that only waits has not, until it
has waited for long. A run that is begun again with the same inputs has nothing new to say of it. Where many have, as
when a node dies with all its workers, each takes its turn: what is not told now is told by a later attempt, if the step
is still retried then.
"""

from dataclasses import dataclass, field
from typing import Final

from herder.api.reasons import EventReason
from herder.controller.clock import Clock
from herder.controller.known.objects import Body, Objects, uid_of
from herder.controller.running.line import Turn
from herder.controller.running.listening import Ending
from herder.controller.running.runs import Run
from herder.controller.status import of_runs
from herder.controller.status.allowance import Allowance
from herder.controller.status.recorder import EventRecorder
from herder.engine import StepEvent, StepRetrying
from herder.workflows.errors import Problem
from herder.workflows.move import NAME as MOVE

_AT_ONCE: Final = 25
_A_SECOND: Final = 5.0
_LONG_S: Final = 30.0
"""How long a step waits until that is worth an Event."""


@dataclass(slots=True)
class _Told:
    """What was told of the runs of one object that had the same inputs."""

    inputs: str
    steps: set[str] = field(default_factory=set)
    waiting_since_s: dict[str, float] = field(default_factory=dict)
    is_moving: bool = False


class RunTelling:
    """Listens to the runs."""

    def __init__(self, recorder: EventRecorder, objects: Objects, clock: Clock) -> None:
        self._recorder = recorder
        self._objects = objects
        self._clock = clock
        self._allowance = Allowance(_AT_ONCE, _A_SECOND, clock)
        self._told: dict[str, _Told] = {}
        """By uid."""
        self._moves: dict[str, frozenset[str]] = {}
        """The former keys that a run in progress is to retire, by its instance."""

    def begun(self, run: Run, _turn: Turn) -> None:
        """Tell that a worker moves, unless that goes on from where it was left."""
        if run.name != MOVE or self._body_of(run) is None:
            return
        self._moves[run.state.instance_id] = former = frozenset(run.left())
        told = self._told_of(run)
        if not told.is_moving and not any(step.attempts for step in run.state.steps.values()):
            how = "each replica drains the former one once it finds the worker well under the new one"
            text = f"from {_all(former)} to {run.place}: {how}"
            self._tell(run, EventReason.MOVING, text, is_warning=False)
        told.is_moving = True

    def on_step(self, run: Run, event: StepEvent) -> None:
        """Tell that a step is retried, and why, if it is."""
        if not isinstance(event, StepRetrying) or self._body_of(run) is None:
            return
        told, problem = self._told_of(run), run.problems.get(event.step_id)
        if problem is None or event.step_id in told.steps or not self._is_worth_it(told, event.step_id, problem):
            return
        if self._allowance.take():
            told.steps.add(event.step_id)
            text = of_runs.retried(event.step_id, problem)
            self._tell(run, EventReason.RETRYING, text, is_warning=True)

    def over(self, run: Run, ending: Ending) -> None:
        """Tell that a worker has moved; what comes after a run that has done it all is told anew."""
        former = self._moves.pop(run.state.instance_id, frozenset())
        if ending is not Ending.COMPLETED or run.left():
            return
        self._told.pop(run.uid, None)
        if former:
            text = f"from {_all(former)} to {run.place}: every replica has drained the former one, and lists it no more"
            self._tell(run, EventReason.MOVED, text, is_warning=False)

    def forget(self, uid: str) -> None:
        """Free what is kept for an object that is gone."""
        self._told.pop(uid, None)

    def _told_of(self, run: Run) -> _Told:
        told = self._told.get(run.uid)
        if told is None or told.inputs != run.inputs:
            self._told[run.uid] = told = _Told(run.inputs)
        return told

    def _is_worth_it(self, told: _Told, step: str, problem: Problem) -> bool:
        if not of_runs.only_waits(problem.reason):
            return True
        now_s = self._clock()
        waits_s = now_s - told.waiting_since_s.setdefault(step, now_s)
        return waits_s >= _LONG_S and not of_runs.ends_by_itself(problem.reason)

    def _tell(self, run: Run, reason: EventReason, text: str, *, is_warning: bool) -> None:
        body = self._body_of(run)
        if body is not None:
            self._recorder.record(run.key, body, reason=reason, message=text, is_warning=is_warning)

    def _body_of(self, run: Run) -> Body | None:
        """Return the run's object; None if it is gone, and its run about to be stopped: nothing is kept for it then."""
        body = self._objects.get(run.key)
        return body if body is not None and uid_of(body) == run.uid else None


def _all(keys: frozenset[str]) -> str:
    return ", ".join(sorted(keys))
