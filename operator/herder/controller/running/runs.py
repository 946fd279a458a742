"""The runs in progress: one for an object at most, each a task from its first status write to its last.

    admitted ─▶ start written to .status ─▶ engine ─▶ progress, at most once a second ─▶ end written ─▶ next decision

Nothing is sent to a gateway before the status says that the run is on: what a process that was killed may have done
can so be found again. A run counts as in progress until its end is written, or a decision would be made on an old
status.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from herder.api.status import WorkflowStatus
from herder.controller.families.work import Former
from herder.controller.known.objects import Body, Key
from herder.controller.running.failpoints import Tripwire
from herder.controller.running.line import Turn
from herder.controller.running.listening import Ending, RunListener
from herder.controller.running.places import Places
from herder.controller.status.wishes import Haste, Status
from herder.controller.status.writer import StatusWriter
from herder.engine import (
    Event,
    StepEvent,
    StepRetrying,
    StepStarted,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowDefinition,
    WorkflowEngine,
    WorkflowError,
    WorkflowFailed,
    WorkflowOutcome,
    WorkflowState,
)
from herder.workflows.errors import Problem

log = structlog.get_logger(__name__)

_ENDS: Final = (WorkflowCompleted, WorkflowFailed, WorkflowCancelled)
"""What tells of an end, which is written in another way than progress is."""

_PATIENT_S: Final = 1.0
"""A run that waits this long for its next attempt gives its place to another."""


@dataclass(slots=True, eq=False)
class Run:
    """One run of one object. Its renderings say what the status should be as it goes on, is stopped, has ended."""

    key: Key
    uid: str
    inputs: str
    definition: WorkflowDefinition[Any]
    state: WorkflowState[Any]
    render: Callable[["Run", Body], Status]
    left_as: Callable[["Run", Body], WorkflowStatus]
    """What is there once it was stopped: exact, so that another run may go on from it."""
    render_end: Callable[["Run", Body, WorkflowOutcome], Status]
    place: str
    """The key that it brings the object to, or takes it off."""
    problems: Mapping[str, Problem]
    """What went wrong in the latest attempt of each step."""
    left: Callable[[], Former] = dict
    """What replicas still have under keys that the object had before."""
    is_last: bool = False
    """Whether the object goes when the run has succeeded, so that this end needs not to be written."""
    is_begun: bool = False
    """Whether the status says that it is on."""
    is_stopped: bool = False
    outcome: WorkflowOutcome | None = None
    is_recorded: bool = False
    """Whether all that it came to is known: its end is written, or needs not to be."""
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The workflow's name."""
        return self.definition.name or self.definition.id


class Runs:
    """Starts, follows and stops runs. `ended` is called with a run that is over, unless it was stopped from outside.

    `listeners` hear of each run and its steps as they go on.
    """

    def __init__(
        self,
        engine: WorkflowEngine,
        writer: StatusWriter,
        ended: Callable[[Run], None],
        *,
        places: Places,
        turn_of: Callable[[Run], Turn],
        tripwire: Tripwire | None = None,
        listeners: Sequence[RunListener] = (),
    ) -> None:
        self._engine = engine
        self._writer = writer
        self._ended = ended
        self._places = places
        self._turn_of = turn_of
        self._tripwire = tripwire or Tripwire()
        self._listeners = listeners
        self._by_uid: dict[str, Run] = {}
        self._by_key: dict[Key, Run] = {}
        self._by_instance: dict[str, Run] = {}
        self._defined: set[str] = set()
        engine.event_bus.subscribe(self)

    def __len__(self) -> int:
        return len(self._by_uid)

    def get(self, uid: str) -> Run | None:
        """Return the object's run in progress."""
        return self._by_uid.get(uid)

    def of_key(self, key: Key) -> Run | None:
        """Return the run in progress of whatever object bears, or bore, the name."""
        return self._by_key.get(key)

    def begin(self, run: Run) -> None:
        """Start a run, or go on with one, whichever its state says. Its object, and its name, must have none yet."""
        if run.definition.id not in self._defined:
            self._engine.register_workflow(self._places.bounded(self._tripwire.around(run.definition)))
            self._defined.add(run.definition.id)
        self._by_uid[run.uid] = self._by_key[run.key] = run
        self._by_instance[run.state.instance_id] = run
        run.task = asyncio.get_running_loop().create_task(self._drive(run), name=f"{run.name} of {run.key}")

    async def stop(self, run: Run) -> None:
        """Stop a run, and return when nothing of it can reach a gateway any more. Nothing is written."""
        await self._stop(run, Ending.STOPPED)

    async def _stop(self, run: Run, ending: Ending) -> None:
        self._mute(run)
        if run.task is not None and not run.task.done():
            run.task.cancel()
            await asyncio.wait({run.task})
        self._tell_over(run, ending)
        self._drop(run)

    async def close(self) -> None:
        """Leave all runs to the next process: stop them, and have written how far each has come, as unfinished."""
        self._engine.shutdown()
        runs = tuple(self._by_uid.values())
        await asyncio.gather(*(self._stop(run, Ending.LEFT) for run in runs))
        for run in runs:
            self._record(run)

    def _record(self, run: Run) -> None:
        """Have a run that was stopped written as it stands; one that has ended all the same, as that."""
        outcome = run.outcome
        if outcome is None and run.is_begun:
            self._writer.submit(run.key, run.uid, lambda body: run.render(run, body), Haste.URGENT)
        elif outcome is not None and not (run.is_last and outcome.ok):
            self._writer.submit(run.key, run.uid, lambda body: run.render_end(run, body, outcome), Haste.URGENT)

    async def on_event(self, event: Event) -> None:
        """Have a run's progress written; called by the engine's event bus."""
        run = self._by_instance.get(event.instance_id)
        if run is None or isinstance(event, _ENDS):
            return
        if isinstance(event, StepEvent):
            for listener in self._listeners:
                listener.on_step(run, event)
        if isinstance(event, StepStarted) and event.attempt > 1:
            return  # the status says already when it was to begin
        if isinstance(event, StepRetrying) and event.delay_s >= _PATIENT_S:
            self._places.give(event.instance_id)
        haste = Haste.URGENT if self._tripwire.hastens(run.name) else Haste.PROGRESS
        self._writer.submit(run.key, run.uid, lambda body: run.render(run, body), haste)

    async def _drive(self, run: Run) -> None:
        try:
            run.is_recorded = await self._go(run)
        except WorkflowError as error:
            log.warning("run.left", key=str(run.key), instance=run.state.instance_id, error=str(error))
        except Exception:  # a defect in one run must not leave its object without another
            log.exception("run.defect", key=str(run.key), instance=run.state.instance_id)
        finally:
            self._mute(run)
            self._places.leave(run.state.instance_id)
            self._drop(run)
            await self._engine.store.delete(run.state.instance_id)
        self._tell_over(run, Ending.LEFT)
        self._ended(run)

    async def _go(self, run: Run) -> bool:
        """Take the run from its start to its end; return whether all of it is written."""
        instance_id = run.state.instance_id
        turn = self._turn_of(run)
        await self._places.take(instance_id, turn)
        self._tripwire.begins(run.name)
        if not await self._writer.write(run.key, run.uid, lambda body: run.render(run, body)):
            return False
        run.is_begun = True
        log.info("run.begun", key=str(run.key), workflow=run.name, instance=instance_id)
        for listener in self._listeners:
            listener.begun(run, turn)
        await self._engine.resume_workflow(run.state)
        try:
            outcome = await self._engine.wait_for_completion(instance_id, None)
        except asyncio.CancelledError:
            self._mute(run)
            await self._engine.cancel_workflow(instance_id)
            raise
        run.state, run.outcome = self._engine.get_state(instance_id), outcome
        self._tell_over(run, Ending(outcome.status))
        return await self._end(run, outcome)

    async def _end(self, run: Run, outcome: WorkflowOutcome) -> bool:
        self._tripwire.ends(run.name)
        log.info(
            "run.ended",
            key=str(run.key),
            workflow=run.name,
            instance=run.state.instance_id,
            status=outcome.status.value,
            step=outcome.failed_step,
        )
        if run.is_last and outcome.ok:
            return True
        return await self._writer.write(run.key, run.uid, lambda body: run.render_end(run, body, outcome))

    def _tell_over(self, run: Run, ending: Ending) -> None:
        for listener in self._listeners:
            listener.over(run, ending)

    def live_state(self, run: Run) -> WorkflowState[Any]:
        """Return the run's state as it is now, or was when it was stopped."""
        if run.is_stopped or run.outcome is not None:
            return run.state
        try:
            return self._engine.get_state(run.state.instance_id)
        except WorkflowError:
            return run.state

    def _mute(self, run: Run) -> None:
        """Show nothing more of a run: that this process stops it is not how it ends."""
        run.state, run.is_stopped = self.live_state(run), True
        self._by_instance.pop(run.state.instance_id, None)
        self._writer.withdraw(run.uid)

    def _drop(self, run: Run) -> None:
        self._by_instance.pop(run.state.instance_id, None)
        if self._by_uid.get(run.uid) is run:
            del self._by_uid[run.uid]
        if self._by_key.get(run.key) is run:
            del self._by_key[run.key]
