"""Subscribers are told in order, and one's trouble is nobody else's."""

import asyncio
import contextlib

import pytest
from structlog.testing import capture_logs

from herder.engine import (
    Event,
    EventBus,
    LoggingSubscriber,
    StepDefinition,
    StepFailed,
    StepRetrying,
    StepStarted,
    WorkflowCancelled,
    WorkflowPaused,
    WorkflowStarted,
    WorkflowUnpaused,
)
from unit.engine.kit import Recorder, elapsed_s, engine_with, noop, other_tasks, virtual_time


def events(count: int, instance_id: str = "1") -> list[Event]:
    return [WorkflowStarted(instance_id, str(n)) for n in range(count)]


class Slow(Recorder):
    """Takes its time for each event."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    async def on_event(self, event: Event) -> None:
        await asyncio.sleep(self.seconds)
        await super().on_event(event)


class Raises(Recorder):
    """Notes the event, then raises."""

    async def on_event(self, event: Event) -> None:
        await super().on_event(event)
        raise LookupError("no such thing")


class RaisesLate(Recorder):
    """Waits, notes the event, then raises."""

    async def on_event(self, event: Event) -> None:
        await asyncio.sleep(1)
        await super().on_event(event)
        raise LookupError("no such thing")


class Hangs(Recorder):
    """Never comes back, and does not want to be cancelled either."""

    async def on_event(self, event: Event) -> None:
        await super().on_event(event)
        until_s = elapsed_s() + 3600
        while elapsed_s() < until_s:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(until_s - elapsed_s())


@pytest.mark.parametrize("seconds", [0, 1], ids=["at once", "slowly"])
@virtual_time
async def test_one_instances_events_arrive_in_order(seconds: float) -> None:
    bus, subscriber = EventBus(), Slow(seconds)
    bus.subscribe(subscriber)

    for event in events(20):
        await bus.publish(event)
    await asyncio.sleep(100)

    assert subscriber.events == events(20)


@virtual_time
async def test_a_slow_subscriber_hears_of_several_instances_side_by_side() -> None:
    bus, subscriber = EventBus(), Slow(1)
    bus.subscribe(subscriber)

    await asyncio.gather(*(bus.publish_and_wait(WorkflowCancelled(str(n))) for n in range(50)))

    assert len(subscriber.events) == 50
    assert elapsed_s() == 1


@virtual_time
async def test_publishing_waits_for_nobody() -> None:
    bus = EventBus()
    bus.subscribe(Slow(10))
    bus.subscribe(Hangs())

    for event in events(3):
        await bus.publish(event)

    assert elapsed_s() == 0
    await asyncio.sleep(1e5)


@virtual_time
async def test_publish_and_wait_returns_when_everybody_is_through() -> None:
    bus, slow, quick = EventBus(), Slow(5), Recorder()
    bus.subscribe(slow)
    bus.subscribe(quick)

    await bus.publish_and_wait(WorkflowCancelled("1"))

    assert (slow.events, quick.events) == ([WorkflowCancelled("1")], [WorkflowCancelled("1")])
    assert elapsed_s() == 5


@virtual_time
async def test_publish_and_wait_comes_after_what_was_published_before() -> None:
    bus, slow = EventBus(), Slow(5)
    bus.subscribe(slow)
    first, second = events(2)

    await bus.publish(first)
    await bus.publish_and_wait(second)

    assert slow.events == [first, second]


@virtual_time
async def test_publish_and_wait_waits_no_longer_than_the_timeout() -> None:
    bus = EventBus(subscriber_timeout=7)
    bus.subscribe(Hangs())

    await bus.publish_and_wait(WorkflowCancelled("1"))

    assert elapsed_s() == 7


@virtual_time
async def test_a_subscriber_that_hangs_is_cut_off_for_each_event_and_logged_with_its_name() -> None:
    bus, hangs, other = EventBus(subscriber_timeout=7), Hangs(), Recorder()
    bus.subscribe(hangs)
    bus.subscribe(other)

    with capture_logs() as logs:
        for event in events(2):
            await bus.publish(event)
        assert other.events == events(2)
        await asyncio.sleep(20)

    assert hangs.events == events(2)
    assert [(entry["event"], entry["subscriber"]) for entry in logs] == [("subscriber.cut_off", "Hangs")] * 2
    await asyncio.sleep(1e4)
    assert other_tasks() == set()


@virtual_time
async def test_a_subscriber_that_is_cut_off_is_cancelled() -> None:
    bus, slow = EventBus(subscriber_timeout=7), Slow(60)
    bus.subscribe(slow)

    with capture_logs():
        await bus.publish(WorkflowCancelled("1"))
        await asyncio.sleep(8)

    assert other_tasks() == set()
    assert slow.events == []


@pytest.mark.parametrize("kind", [Raises, RaisesLate])
@virtual_time
async def test_a_subscriber_that_raises_is_logged_and_hears_the_next_event(kind: type[Recorder]) -> None:
    bus, subscriber, other = EventBus(), kind(), Recorder()
    bus.subscribe(subscriber)
    bus.subscribe(other)

    with capture_logs() as logs:
        for event in events(3):
            await bus.publish(event)
        await asyncio.sleep(10)

    assert subscriber.events == other.events == events(3)
    assert [(entry["event"], entry["subscriber"]) for entry in logs] == [("subscriber.raised", kind.__name__)] * 3


@virtual_time
async def test_a_subscriber_that_is_cancelled_by_what_it_waits_for_hears_the_next_event() -> None:
    class WaitsForCancelled(Recorder):
        async def on_event(self, event: Event) -> None:
            await super().on_event(event)
            task = asyncio.create_task(asyncio.sleep(60))
            task.cancel()
            await task

    bus, subscriber = EventBus(), WaitsForCancelled()
    bus.subscribe(subscriber)

    for event in events(3):
        await bus.publish(event)
    await asyncio.sleep(1)

    assert subscriber.events == events(3)


@virtual_time
async def test_a_delivery_cancelled_from_outside_is_the_last_of_its_instance() -> None:
    bus, slow = EventBus(), Slow(5)
    bus.subscribe(slow)
    first, second = events(2)
    await bus.publish(first)
    waiting = asyncio.create_task(bus.publish_and_wait(second))
    await asyncio.sleep(1)

    for task in other_tasks() - {waiting}:
        task.cancel()
    await waiting

    assert slow.events == []
    assert other_tasks() == set()


@virtual_time
async def test_a_publisher_that_gives_up_takes_nobody_along() -> None:
    bus, slow = EventBus(), Slow(5)
    bus.subscribe(slow)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await bus.publish_and_wait(WorkflowCancelled("1"))
    await asyncio.sleep(10)

    assert slow.events == [WorkflowCancelled("1")]


@virtual_time
async def test_a_subscriber_that_publishes_itself_hears_that_after_what_it_is_told_now() -> None:
    bus = EventBus()
    heard: list[str] = []

    class Echo:
        async def on_event(self, event: Event) -> None:
            if isinstance(event, WorkflowStarted):
                await bus.publish(WorkflowCancelled(event.instance_id))
            heard.append(type(event).__name__)

    bus.subscribe(Echo())
    await bus.publish(WorkflowStarted("1", "wf"))

    assert heard == ["WorkflowStarted", "WorkflowCancelled"]


@virtual_time
async def test_who_unsubscribes_hears_no_more() -> None:
    bus, stays, leaves = EventBus(), Recorder(), Recorder()
    bus.subscribe(stays)
    bus.subscribe(leaves)

    assert bus.unsubscribe(leaves)
    await bus.publish(WorkflowCancelled("1"))

    assert (len(stays.events), len(leaves.events)) == (1, 0)
    assert not bus.unsubscribe(leaves)


@virtual_time
async def test_a_troubled_subscriber_neither_delays_nor_fails_a_workflow() -> None:
    engine = engine_with(StepDefinition("a", noop))
    for subscriber in (Raises(), RaisesLate(), Hangs(), Slow(100)):
        engine.event_bus.subscribe(subscriber)

    with capture_logs():
        outcome = await engine.start_and_wait("wf", {}, timeout=5)

    assert outcome.ok
    assert elapsed_s() == 0
    with capture_logs():
        await asyncio.sleep(1e5)


@pytest.mark.parametrize(
    ("event", "level", "entry"),
    [
        (
            StepRetrying("1", "a", 2, 0.5, "boom"),
            "warning",
            {
                "event": "step.retrying",
                "instance_id": "1",
                "step_id": "a",
                "attempt": 2,
                "delay_s": 0.5,
                "error": "boom",
            },
        ),
        (
            StepFailed("1", "a", "boom"),
            "warning",
            {"event": "step.failed", "instance_id": "1", "step_id": "a", "error": "boom"},
        ),
        (WorkflowCancelled("1"), "info", {"event": "workflow.cancelled", "instance_id": "1"}),
    ],
    ids=lambda value: type(value).__name__,
)
@virtual_time
async def test_the_logging_subscriber_logs_an_event_under_a_constant_name(
    event: Event, level: str, entry: dict[str, object]
) -> None:
    with capture_logs() as logs:
        await LoggingSubscriber().on_event(event)

    assert logs == [entry | {"log_level": level}]


def test_events_are_values_that_differ_by_kind() -> None:
    started = StepStarted("1", "a", 1)

    assert started == StepStarted("1", "a", 1)
    assert hash(started) == hash(StepStarted("1", "a", 1))
    assert started != StepStarted("1", "a", 2)
    assert len({WorkflowPaused("1"), WorkflowUnpaused("1")}) == 2
    assert repr(started) == "StepStarted(instance_id='1', step_id='a', attempt=1)"


@virtual_time
async def test_a_batch_goes_on_after_an_event_that_was_cut_off() -> None:
    class HangsOnce(Recorder):
        async def on_event(self, event: Event) -> None:
            await super().on_event(event)
            if event == events(2)[1]:
                await asyncio.sleep(3600)

    bus, subscriber = EventBus(subscriber_timeout=7), HangsOnce()
    bus.subscribe(subscriber)

    with capture_logs() as logs:
        bus.publish_all(events(3))
        bus.publish_all(events(1))
        await bus.publish_and_wait(WorkflowCancelled("1"))

    assert subscriber.events == [*events(3), *events(1), WorkflowCancelled("1")]
    assert [entry["event"] for entry in logs] == ["subscriber.cut_off"]
    assert elapsed_s() == 7


@virtual_time
async def test_the_time_that_one_delivery_took_is_not_counted_for_the_next() -> None:
    bus, slow = EventBus(subscriber_timeout=7), Slow(5)
    bus.subscribe(slow)

    bus.publish_all(events(3))
    await asyncio.sleep(20)

    assert slow.events == events(3)


@virtual_time
async def test_a_subscriber_may_use_what_belongs_to_a_task() -> None:
    class TimesOut(Recorder):
        async def on_event(self, event: Event) -> None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1), asyncio.TaskGroup() as group:
                    group.create_task(asyncio.sleep(60))
            await super().on_event(event)

    bus, subscriber = EventBus(subscriber_timeout=7), TimesOut()
    bus.subscribe(subscriber)

    await bus.publish(events(1)[0])
    await bus.publish_and_wait(WorkflowCancelled("1"))

    assert subscriber.events == [*events(1), WorkflowCancelled("1")]
    assert elapsed_s() == 2


class Odd(BaseException):
    """No Exception."""


@pytest.mark.parametrize("seconds", [None, 0, 1])
@virtual_time
async def test_a_subscriber_that_raises_what_is_no_exception_hears_the_next_event(seconds: float | None) -> None:
    class RaisesOdd(Recorder):
        async def on_event(self, event: Event) -> None:
            await super().on_event(event)
            if seconds is not None:
                await asyncio.sleep(seconds)
            raise Odd

    bus, subscriber = EventBus(), RaisesOdd()
    bus.subscribe(subscriber)

    with capture_logs() as logs:
        bus.publish_all(events(2))
        await bus.publish_and_wait(WorkflowCancelled("1"))

    assert subscriber.events == [*events(2), WorkflowCancelled("1")]
    assert [entry["event"] for entry in logs] == ["subscriber.raised"] * 3
    assert bus.listeners[0].lanes == {}


@pytest.mark.parametrize("seconds", [None, 1])
def test_a_subscriber_that_wants_the_program_to_exit_is_heard_and_nothing_is_left_behind(
    seconds: float | None,
) -> None:
    class Exits(Recorder):
        async def on_event(self, event: Event) -> None:
            if seconds is not None:
                await asyncio.sleep(seconds)
            raise SystemExit

    bus = EventBus()
    bus.subscribe(Exits())

    @virtual_time
    async def publish() -> None:
        await bus.publish_and_wait(events(1)[0])

    with pytest.raises(SystemExit):
        publish()

    assert bus.listeners[0].lanes == {}


@virtual_time
async def test_who_subscribes_while_an_event_is_being_told_hears_the_next_one() -> None:
    bus, late = EventBus(), Recorder()

    class Subscribes(Recorder):
        async def on_event(self, event: Event) -> None:
            if not self.events:
                bus.subscribe(late)
            await super().on_event(event)

    bus.subscribe(Subscribes())

    await bus.publish_and_wait(events(1)[0])
    await bus.publish_and_wait(WorkflowCancelled("1"))

    assert late.events == [WorkflowCancelled("1")]
