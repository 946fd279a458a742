"""One instance on its way from its first step to its end.

A run goes in rounds: write what has come of the steps and which ones begin now, in one go; then launch those. Each step
runs in an eager task. One that is through within its own start counts for the very next round, one that waits wakes the
run when it comes back. So steps that don't wait go through without a turn of the event loop, and nothing polls.

The end has one way, whatever brings it about: the first to say how it ends wins, what is under way is stopped and
waited for, then `finalize` writes the terminal state, publishes the terminal event and wakes the waiters.

An instance whose tasks are cancelled by somebody else (an event loop that shuts down) does not end. It is left behind
as the store has it, to be resumed one day, and its waiters get EngineShutDownError.
"""

import asyncio
from collections.abc import Callable

import structlog

from herder.engine.changes import State
from herder.engine.decide import Progress
from herder.engine.errors import EngineShutDownError
from herder.engine.events import WorkflowStarted
from herder.engine.flow import Flow
from herder.engine.journal import EndedElsewhere, Journal, store_failure
from herder.engine.plan import Plan
from herder.engine.ports import Ports
from herder.engine.slot import Slot
from herder.engine.state import WorkflowOutcome

log = structlog.get_logger(__name__)


class Run:
    """Drives one instance. `forget` is called with the run once nothing of it is left to do."""

    __slots__ = ("_flow", "_forget", "_ports", "instance_id", "journal", "slot")

    def __init__(
        self, plan: Plan, state: State, progress: Progress, ports: Ports, forget: Callable[["Run"], None]
    ) -> None:
        self.instance_id = state.instance_id
        self.journal = Journal(state, ports)
        self.slot = Slot()
        self._flow = Flow(plan, state, progress, ports)
        self._ports = ports
        self._forget = forget

    async def begin(self) -> None:
        """Save the state, tell that the workflow started, and start it. Raises what the store raises."""
        state = self.journal.state
        try:
            await self._ports.store.save(state)
            if self._ports.bus.listeners:
                await self._ports.bus.publish(WorkflowStarted(state.instance_id, state.definition_id))
        except BaseException as error:
            self._release(EngineShutDownError(f"instance {self.instance_id!r} could not begin: {error!r}"))
            raise
        task = asyncio.Task(self._drive(), loop=asyncio.get_running_loop(), eager_start=True)
        if not task.done():
            self._ports.tasks.add(task)
            task.add_done_callback(self._ports.tasks.discard)

    def end(self, outcome: WorkflowOutcome) -> None:
        """End the workflow, unless it is ending already: the first caller wins. `slot` tells when it has ended."""
        self._flow.close(outcome)

    async def finalize(self, outcome: WorkflowOutcome) -> WorkflowOutcome:
        """Write the terminal state and publish the terminal event, after which the waiters are woken.

        Nothing else ends a workflow. Return the outcome as it now stands.
        """
        return await self.journal.end(outcome, self._flow.take_changes())

    async def _drive(self) -> None:
        answer: WorkflowOutcome | Exception = EngineShutDownError(f"instance {self.instance_id!r} was cut off")
        try:
            end = await self._go_to_the_end()
            answer = await self.finalize(end) if isinstance(end, WorkflowOutcome) else end
        finally:
            self._flow.errands.cancel()
            self._release(answer)

    async def _go_to_the_end(self) -> WorkflowOutcome | Exception:
        """Go through the rounds until it is said how it ends, and stop what is under way. Return how it ends."""
        flow = self._flow
        try:
            flow.begin()
            while flow.end is None:
                await self._round()
            if flow.changes and flow.errands:
                await self.journal.write(flow.take_changes())
        except EndedElsewhere as elsewhere:
            flow.close(elsewhere.outcome)
        except Exception as error:  # a store may raise anything
            log.exception("workflow.not_stored", instance=self.instance_id)
            flow.close(store_failure(error))
        await flow.errands.stop()
        return flow.end or EngineShutDownError(f"instance {self.instance_id!r} was cut off")

    async def _round(self) -> None:
        flow = self._flow
        if flow.changes:
            await self.journal.write(flow.take_changes())
            flow.launch()
        elif not flow.is_still:
            flow.launch()
        elif flow.errands:
            await flow.errands.wait()
        else:
            flow.come_to_a_standstill()

    def _release(self, answer: WorkflowOutcome | Exception) -> None:
        self._forget(self)
        self.slot.answer(answer)
