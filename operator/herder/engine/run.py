"""One instance on its way from its first step to its end.

A run goes in rounds: write what has come of the steps and which ones begin now, in one go; then launch those. Each step
runs in an eager task. One that is through within its own start counts for the very next round, one that waits wakes the
run when it comes back. So steps that don't wait go through without a turn of the event loop, and nothing polls. What
came of the last steps is written together with the end.

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
from herder.engine.slot import Answer, Slot
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
                self._ports.bus.publish_all((WorkflowStarted(state.instance_id, state.definition_id),))
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

    async def pause(self) -> None:
        """Begin no further step until `unpause`; return when that is written, or when the workflow has ended."""
        await self._wait_for(self._flow.pause)

    async def unpause(self) -> None:
        """Go on; return when that is written, or when the workflow has ended."""
        await self._wait_for(self._flow.unpause)

    async def finalize(self, outcome: WorkflowOutcome) -> WorkflowOutcome:
        """Write the terminal state and publish the terminal event, after which the waiters are woken.

        Nothing else ends a workflow. Return the outcome as it now stands.
        """
        return await self.journal.end(outcome, self._flow.take_changes())

    async def _drive(self) -> None:
        """Go through the rounds until it is said how it ends, stop what is under way, and end."""
        flow = self._flow
        answer: Answer | None = None
        try:
            await self._go_through_rounds()
            if flow.errands:
                await flow.errands.stop()
            answer = await self.finalize(flow.end) if isinstance(flow.end, WorkflowOutcome) else flow.end
        finally:
            flow.errands.cancel()
            self._release(answer or EngineShutDownError(f"instance {self.instance_id!r} was cut off"))

    async def _go_through_rounds(self) -> None:
        flow, write = self._flow, self.journal.write
        try:
            flow.begin()
            while flow.end is None:
                if flow.errands.is_cut_off:
                    flow.close(EngineShutDownError(f"instance {self.instance_id!r} was cancelled from outside"))
                elif flow.is_at_a_standstill:
                    flow.come_to_a_standstill()
                elif flow.changes or flow.has_work:
                    if changes := flow.take_changes():
                        await write(changes)
                    flow.launch()
                else:
                    await flow.errands.wait()
            if flow.changes and flow.errands:
                await write(flow.take_changes())
        except EndedElsewhere as elsewhere:
            flow.close(elsewhere.outcome)
        except Exception as error:  # a store may raise anything
            log.exception("workflow.not_stored", instance=self.instance_id)
            flow.close(store_failure(error))

    async def _wait_for(self, request: Callable[[Callable[[], None]], None]) -> None:
        written = asyncio.Event()
        request(written.set)
        with self.slot.take() as ended:
            ended.add_done_callback(lambda _: written.set())
            await written.wait()

    def _release(self, answer: Answer) -> None:
        self._forget(self)
        self.slot.answer(answer)
