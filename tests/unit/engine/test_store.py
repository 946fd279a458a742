"""The stores at hand do what every store has to do."""

import pytest

from herder.engine import InMemoryStateStore, StateStore, StepDefinition, UnknownInstanceError
from herder.engine.recent import RecentStates
from herder.engine.store import ReadableNow
from unit.engine.kit import clock, engine_with, noop, virtual_time
from unit.engine.store_conformance import StoreConformance, state_of
from unit.engine.stores import CopyingStore


class TestInMemoryStateStore(StoreConformance):
    def make_store(self) -> StateStore:
        return InMemoryStateStore(clock=clock)


class TestCopyingStore(StoreConformance):
    def make_store(self) -> StateStore:
        return CopyingStore()


class TestSlowStore(StoreConformance):
    def make_store(self) -> StateStore:
        return CopyingStore(latency_s=0.25)


def test_a_store_that_can_be_read_without_waiting_says_so() -> None:
    assert isinstance(InMemoryStateStore(), ReadableNow)
    assert not isinstance(CopyingStore(), ReadableNow)


@virtual_time
async def test_the_last_states_to_end_are_known_where_the_store_has_to_be_waited_for() -> None:
    recent = RecentStates(2)

    for instance_id in ("1", "2", "1", "3"):
        recent.put(state_of(instance_id))

    assert recent.peek("2") is None
    assert [recent.peek(instance_id) is not None for instance_id in ("1", "3")] == [True, True]


@virtual_time
async def test_nothing_is_remembered_beside_a_store_that_can_be_read_at_once() -> None:
    engine = engine_with(StepDefinition("a", noop))
    instance_id = await engine.start_workflow("wf", {})

    await engine.store.delete(instance_id)

    with pytest.raises(UnknownInstanceError):
        engine.get_state(instance_id)
