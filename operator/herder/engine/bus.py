"""Who hears of events, and how: in order, isolated from each other and from the engine.

A subscriber gets the events of one instance one after another, those of several instances side by side: a lane for each
subscriber and instance, which exists while it has something to deliver. A lane delivers in a task of its own. What is
taken note of at once costs no timer; a delivery that raises is logged; one that takes too long is cancelled, logged and
no longer waited for, and another task goes on with the rest. Publishing never waits for a subscriber;
`publish_and_wait` does nothing else.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import structlog

from herder.engine.cancelling import is_cancelled
from herder.engine.events import Event

log = structlog.get_logger(__name__)

type Batch = tuple[Iterable[Event], asyncio.Event | None]
"""Events of one instance, and what is set when they have been delivered."""


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
        # A new list: this may be called out of a delivery, while the listeners are being gone through.
        self.listeners = [*self.listeners, Listener(subscriber, self._timeout_s)]

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
        told = [(listener, asyncio.Event()) for listener in self.listeners]
        for listener, each in told:
            listener.offer((event,), each)
        for _, each in told:
            await each.wait()


class Listener:
    """One subscriber, with its lanes."""

    def __init__(self, subscriber: Subscriber, timeout_s: float) -> None:
        self.subscriber = subscriber
        self.timeout_s = timeout_s
        self.lanes: dict[str, _Lane] = {}
        self.idle: _Lane | None = None
        """A lane that ended without having waited, as nearly all do: it serves the next instance."""
        self.tasks: set[asyncio.Task[None]] = set()
        """The lanes' tasks, those that were cut off and don't give in among them: somebody has to hold them."""

    def offer(self, events: Sequence[Event], told: asyncio.Event | None = None) -> None:
        """Deliver events of one instance, after the earlier ones of that instance; then set `told`."""
        instance_id = events[0].instance_id
        lane = self.lanes.get(instance_id)
        if lane is not None:
            lane.append(events, told)
            return
        lane, self.idle = self.idle or _Lane(self), None
        self.lanes[instance_id] = lane
        lane.start(events, told)

    def log(self, message: str, about: Event, **more: object) -> None:
        """Log what went wrong with a delivery, with the subscriber's name."""
        name = type(self.subscriber).__qualname__
        log.error(message, subscriber=name, instance=about.instance_id, about=type(about).__name__, **more)


class _Lane:
    """One instance's events on their way to one subscriber, the foremost being delivered."""

    __slots__ = ("_event", "_events", "_later", "_listener", "_since_s", "_timer", "_told", "_turn")

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._events: Iterator[Event]
        """What is left of the batch that is being delivered: a task that takes over goes on with it."""
        self._event: Event
        """The foremost event."""
        self._told: asyncio.Event | None
        """Is set when the batch has been delivered."""
        self._later: deque[Batch] | None = None
        """The batches that came meanwhile. Most lanes never have any."""
        self._turn = 0
        """Which task delivers: the last one started."""
        self._timer: asyncio.TimerHandle | None = None
        """Where a delivery had to wait: looks after the foremost."""
        self._since_s: float
        """When the foremost delivery began, by the loop's clock; known only where there is a timer."""

    def append(self, events: Iterable[Event], told: asyncio.Event | None) -> None:
        """Let a batch wait for its turn."""
        if self._later is None:
            self._later = deque()
        self._later.append((events, told))

    def start(self, events: Iterable[Event], told: asyncio.Event | None) -> None:
        """Deliver a batch, and then those that wait, in a new task."""
        self._events = iter(events)
        self._told = told
        self._turn += 1
        loop = asyncio.get_running_loop()
        task = asyncio.Task(self._deliver(self._turn), loop=loop, eager_start=True)
        if not task.done():
            self._listener.tasks.add(task)
            task.add_done_callback(self._listener.tasks.discard)
            self._since_s = loop.time()
            self._timer = loop.call_at(self._since_s + self._listener.timeout_s, self._look_after, loop, task)

    async def _deliver(self, turn: int) -> None:
        subscriber = self._listener.subscriber
        while True:
            for event in self._events:
                self._event = event
                try:
                    await subscriber.on_event(event)
                except asyncio.CancelledError:
                    if turn == self._turn and not is_cancelled():
                        self._listener.log("subscriber.cancelled", event)
                    else:
                        self._give_up(turn)
                        raise
                except (KeyboardInterrupt, SystemExit):
                    self._give_up(turn)
                    raise
                except BaseException as error:  # noqa: BLE001 (a subscriber may raise anything)
                    self._listener.log("subscriber.raised", event, exc_info=error)
                if self._timer is not None:
                    if turn != self._turn:
                        return
                    self._since_s = asyncio.get_running_loop().time()
            if not self._take_next():
                return

    def _look_after(self, loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
        """Cut the foremost delivery off, unless it began only lately."""
        due_s = self._since_s + self._listener.timeout_s
        if loop.time() < due_s:
            self._timer = loop.call_at(due_s, self._look_after, loop, task)
            return
        self._listener.log("subscriber.cut_off", self._event, timeout_s=self._listener.timeout_s)
        self.start(self._events, self._told)
        task.cancel()

    def _take_next(self) -> bool:
        """Go over to the next batch, or close the lane and return False."""
        if self._told is not None:
            self._told.set()
        if self._later:
            events, self._told = self._later.popleft()
            self._events = iter(events)
            return True
        del self._listener.lanes[self._event.instance_id]
        if self._timer is None:
            self._listener.idle = self
        else:
            self._timer.cancel()
        return False

    def _give_up(self, turn: int) -> None:
        """Deliver nothing more, where it was the event loop that was torn down and not a delivery that was cut off."""
        while turn == self._turn and self._take_next():
            pass
