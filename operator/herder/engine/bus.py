"""Who hears of events, and how: in order, isolated from each other and from the engine.

A subscriber gets the events of one instance one after another, those of several instances side by side: a lane for each
subscriber and instance, which exists while it has something to deliver. A lane delivers in a task of its own. What is
taken note of at once costs no timer; a delivery that raises is logged; one that takes too long is cancelled, logged and
no longer waited for, and another task goes on with the rest. Publishing never waits for a subscriber;
`publish_and_wait` does nothing else.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol

import structlog

from herder.engine.events import Event

log = structlog.get_logger(__name__)


class Subscriber(Protocol):
    """Whoever wants to hear of events."""

    async def on_event(self, event: Event) -> None:
        """Take note of an event. Whatever it raises is logged and goes no further."""
        ...


class EventBus:
    """The subscribers of an engine. `subscriber_timeout` is the longest that one may take for one event, in seconds."""

    def __init__(self, subscriber_timeout: float = 30.0) -> None:
        self._timeout_s = subscriber_timeout
        self.listeners: list[Listener] = []
        """Where nobody listens, events need not be made."""

    def subscribe(self, subscriber: Subscriber) -> None:
        """Deliver events to `subscriber` from now on."""
        self.listeners.append(Listener(subscriber, self._timeout_s))

    def unsubscribe(self, subscriber: Subscriber) -> bool:
        """Deliver no more events to `subscriber`, except those already on their way. Return whether it was there."""
        kept = [listener for listener in self.listeners if listener.subscriber is not subscriber]
        was_there = len(kept) < len(self.listeners)
        self.listeners = kept
        return was_there

    async def publish(self, event: Event) -> None:
        """Hand the event to every subscriber, and wait for none."""
        self.publish_all((event,))

    def publish_all(self, events: Sequence[Event]) -> None:
        """Hand several events of one instance to every subscriber, and wait for none."""
        for listener in self.listeners:
            listener.offer(events)

    async def publish_and_wait(self, event: Event) -> None:
        """Hand the event to every subscriber, and return when each is through with it or was cut off."""
        told = [asyncio.Event() for _ in self.listeners]
        for listener, each in zip(self.listeners, told, strict=True):
            listener.offer((event,), each)
        for each in told:
            await each.wait()


class Listener:
    """One subscriber, with its lanes."""

    def __init__(self, subscriber: Subscriber, timeout_s: float) -> None:
        self.subscriber = subscriber
        self.timeout_s = timeout_s
        self.lanes: dict[str, _Lane] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        """The lanes' tasks, those that were cut off and don't give in among them: somebody has to hold them."""

    def offer(self, events: Sequence[Event], told: asyncio.Event | None = None) -> None:
        """Deliver events of one instance, after the earlier ones of that instance; then set `told`."""
        instance_id = events[0].instance_id
        lane = self.lanes.get(instance_id)
        if lane is not None:
            lane.append(events, told)
            return
        lane = self.lanes[instance_id] = _Lane(self, instance_id)
        lane.append(events, told)
        lane.start()

    def log(self, message: str, about: Event, **more: object) -> None:
        """Log what went wrong with a delivery, with the subscriber's name."""
        name = type(self.subscriber).__qualname__
        log.error(message, subscriber=name, instance=about.instance_id, about=type(about).__name__, **more)


class _Lane:
    """One instance's events on their way to one subscriber, the foremost being delivered."""

    __slots__ = ("_instance_id", "_listener", "_loop", "_since_s", "_timer", "_turn", "_waiting")

    def __init__(self, listener: Listener, instance_id: str) -> None:
        self._listener = listener
        self._instance_id = instance_id
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[Event, asyncio.Event | None]] = deque()
        self._since_s = 0.0
        """When the foremost delivery began, by the loop's clock."""
        self._turn = 0
        """Which task delivers: the last one started."""
        self._timer: asyncio.TimerHandle | None = None

    def append(self, events: Sequence[Event], told: asyncio.Event | None) -> None:
        """Let events wait for their turn; `told` is set after each of them."""
        for event in events:
            self._waiting.append((event, told))

    def start(self) -> None:
        """Deliver what waits, in a new task."""
        self._turn += 1
        task = asyncio.Task(self._deliver(self._turn), loop=self._loop, eager_start=True)
        if not task.done():
            self._listener.tasks.add(task)
            task.add_done_callback(self._listener.tasks.discard)
            self._timer = self._loop.call_at(self._since_s + self._listener.timeout_s, self._look_after, task)

    async def _deliver(self, turn: int) -> None:
        while self._waiting:
            event, _ = self._waiting[0]
            self._since_s = self._loop.time()
            try:
                await self._listener.subscriber.on_event(event)
            except asyncio.CancelledError:
                if turn == self._turn and not _is_cancelled():
                    self._listener.log("subscriber.cancelled", event)
                else:
                    self._give_up(turn)
                    raise
            except Exception as error:  # noqa: BLE001 (a subscriber may raise anything)
                self._listener.log("subscriber.raised", event, exc_info=error)
            if turn != self._turn:
                return
            self._leave()
        self._close()

    def _look_after(self, task: asyncio.Task[None]) -> None:
        """Cut the foremost delivery off, unless it began only lately."""
        due_s = self._since_s + self._listener.timeout_s
        if self._loop.time() < due_s:
            self._timer = self._loop.call_at(due_s, self._look_after, task)
            return
        self._listener.log("subscriber.cut_off", self._waiting[0][0], timeout_s=self._listener.timeout_s)
        self._leave()
        self.start()
        task.cancel()

    def _give_up(self, turn: int) -> None:
        """Deliver nothing more, where it was the event loop that was torn down and not a delivery that was cut off."""
        if turn == self._turn:
            while self._waiting:
                self._leave()
            self._close()

    def _leave(self) -> None:
        _, told = self._waiting.popleft()
        if told is not None:
            told.set()

    def _close(self) -> None:
        del self._listener.lanes[self._instance_id]
        if self._timer is not None:
            self._timer.cancel()


def _is_cancelled() -> bool:
    """Whether somebody cancelled the running task, rather than something that it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
