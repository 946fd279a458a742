"""Who hears of events, and how: in order, isolated from each other and from the engine.

A subscriber gets the events of one instance one after another, those of several instances as they come. Each delivery
is a task of its own: one that is done at once costs no timer, one that raises is logged, one that takes too long is
cancelled, logged and no longer waited for. Publishing never waits for a subscriber; `publish_and_wait` does nothing
else.
"""

import asyncio
from collections import deque
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
        for listener in self.listeners:
            listener.offer(event)

    async def publish_and_wait(self, event: Event) -> None:
        """Hand the event to every subscriber, and return when each is through with it or was cut off."""
        told = [asyncio.Event() for _ in self.listeners]
        for listener, each in zip(self.listeners, told, strict=True):
            listener.offer(event, each)
        for each in told:
            await each.wait()


class Listener:
    """One subscriber, with a lane for each instance that it is being told of."""

    def __init__(self, subscriber: Subscriber, timeout_s: float) -> None:
        self.subscriber = subscriber
        self._timeout_s = timeout_s
        self._lanes: dict[str, _Lane] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    def offer(self, event: Event, told: asyncio.Event | None = None) -> None:
        """Deliver the event after the earlier ones of its instance; then set `told`."""
        lane = self._lanes.get(event.instance_id)
        if lane is not None:
            lane.append((event, told))
            return
        lane = self._lanes[event.instance_id] = deque(((event, told),))
        self._go_on(event.instance_id, lane)

    def _go_on(self, instance_id: str, lane: "_Lane") -> None:
        """Deliver what waits in the lane, until a delivery has to wait itself: its end comes back here."""
        loop = asyncio.get_running_loop()
        while lane:
            event, _ = lane[0]
            task = asyncio.Task(self._call(event), loop=loop, eager_start=True)
            if not task.done():
                self._watch(task, instance_id, lane)
                return
            self._report(task, event)
            self._leave(lane)
        del self._lanes[instance_id]

    async def _call(self, event: Event) -> None:
        await self.subscriber.on_event(event)

    def _watch(self, task: asyncio.Task[None], instance_id: str, lane: "_Lane") -> None:
        """See to it that the lane goes on when the delivery is through, or when its time is."""

        def through(_: asyncio.Task[None]) -> None:
            timer.cancel()
            self._report(task, lane[0][0])
            self._leave(lane)
            if task.cancelled() and task.cancelling():  # from outside: the event loop is torn down
                while lane:
                    self._leave(lane)
            self._go_on(instance_id, lane)

        def cut_off() -> None:
            task.remove_done_callback(through)
            task.cancel()
            self._log("subscriber.cut_off", lane[0][0], timeout_s=self._timeout_s)
            self._leave(lane)
            self._go_on(instance_id, lane)

        self._under_way.add(task)
        task.add_done_callback(self._forget)
        task.add_done_callback(through)
        timer = asyncio.get_running_loop().call_later(self._timeout_s, cut_off)

    def _leave(self, lane: "_Lane") -> None:
        _, told = lane.popleft()
        if told is not None:
            told.set()

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved, so that asyncio doesn't report what a delivery raised after it was cut off

    def _report(self, task: asyncio.Task[None], event: Event) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log("subscriber.raised", event, exc_info=error)

    def _log(self, message: str, about: Event, **more: object) -> None:
        name = type(self.subscriber).__qualname__
        log.error(message, subscriber=name, instance=about.instance_id, about=type(about).__name__, **more)


type _Lane = deque[tuple[Event, asyncio.Event | None]]
"""One instance's events on their way to one subscriber, the foremost being delivered, with whom to tell of it."""
