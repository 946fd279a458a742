"""What every store has to do. To put a store to the test, derive from StoreConformance and say how it is made."""

import asyncio
from abc import ABC, abstractmethod
from datetime import timedelta
from typing import Any

import pytest

from herder.engine import (
    WORKFLOW_ENDED,
    StateStore,
    StepDefinition,
    StepState,
    StepStatus,
    UnknownInstanceError,
    WorkflowState,
    WorkflowStatus,
)
from unit.engine.kit import clock, engine_with, noop, sleeping, virtual_time

type State = WorkflowState[Any]

EVERY_STATUS = pytest.mark.parametrize("status", list(WorkflowStatus), ids=str)


def state_of(instance_id: str, status: WorkflowStatus = WorkflowStatus.RUNNING, age_s: float = 0.0) -> State:
    """A state that was last altered `age_s` seconds ago."""
    moment = clock() - timedelta(seconds=age_s)
    steps = {"a": StepState(StepStatus.SUCCEEDED, 1, moment, moment), "b": StepState()}
    return WorkflowState(instance_id, "wf", {"key": "value"}, status, steps, moment, moment)


class StoreConformance(ABC):
    """The contract of a StateStore, as tests in virtual time."""

    @abstractmethod
    def make_store(self) -> StateStore:
        """Return an empty store whose clock is the kit's."""

    @virtual_time
    async def test_what_was_saved_is_loaded(self) -> None:
        store = self.make_store()
        state = state_of("1")

        before = state.snapshot()

        await store.save(state)

        assert await store.load("1") == before

    @virtual_time
    async def test_a_loaded_state_is_the_callers_own(self) -> None:
        store = self.make_store()
        state = state_of("1")
        before = state.snapshot()
        await store.save(state)

        loaded = await store.load("1")
        loaded.status = WorkflowStatus.FAILED
        loaded.steps["b"].status = StepStatus.RUNNING

        assert await store.load("1") == before

    @virtual_time
    async def test_saving_replaces(self) -> None:
        store = self.make_store()
        await store.save(state_of("1"))

        await store.save(state_of("1", WorkflowStatus.PAUSED))

        assert (await store.load("1")).status is WorkflowStatus.PAUSED
        assert len(await store.list_all()) == 1

    @virtual_time
    async def test_an_update_is_kept(self) -> None:
        store = self.make_store()
        await store.save(state_of("1"))

        def change(state: State) -> None:
            state.steps["b"].attempts = 7
            state.data["key"] = "other"

        await store.update("1", change)

        loaded = await store.load("1")
        assert (loaded.steps["b"].attempts, loaded.data["key"]) == (7, "other")

    @virtual_time
    async def test_updates_at_the_same_time_lose_nothing(self) -> None:
        store = self.make_store()
        await store.save(state_of("1"))

        def count(state: State) -> None:
            state.steps["b"].attempts += 1

        await asyncio.gather(*(store.update("1", count) for _ in range(100)))

        assert (await store.load("1")).steps["b"].attempts == 100

    @virtual_time
    async def test_what_a_change_raises_reaches_the_caller(self) -> None:
        store = self.make_store()
        await store.save(state_of("1"))

        def change(state: State) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await store.update("1", change)

    @virtual_time
    async def test_an_unknown_instance_is_an_error_of_its_own(self) -> None:
        store = self.make_store()

        for call in (store.load("1"), store.update("1", lambda state: None), store.is_cancelled("1")):
            with pytest.raises(UnknownInstanceError):
                await call

    @virtual_time
    async def test_what_was_deleted_is_gone_and_deleting_it_again_is_harmless(self) -> None:
        store = self.make_store()
        await store.save(state_of("1"))

        await store.delete("1")
        await store.delete("1")

        assert await store.list_all() == []

    @virtual_time
    async def test_the_active_ones_are_those_that_have_not_ended(self) -> None:
        store = self.make_store()
        for status in WorkflowStatus:
            await store.save(state_of(status.name, status))

        active = {state.status for state in await store.list_active()}

        assert active == set(WorkflowStatus) - WORKFLOW_ENDED
        assert {state.status for state in await store.list_all()} == set(WorkflowStatus)

    @EVERY_STATUS
    @virtual_time
    async def test_only_what_was_cancelled_is_cancelled(self, status: WorkflowStatus) -> None:
        store = self.make_store()
        await store.save(state_of("1", status))

        assert await store.is_cancelled("1") is (status is WorkflowStatus.CANCELLED)

    @EVERY_STATUS
    @virtual_time
    async def test_only_what_has_ended_is_evicted_however_old(self, status: WorkflowStatus) -> None:
        store = self.make_store()
        await store.save(state_of("1", status, age_s=1e6))

        assert await store.cleanup_old_workflows(60) == (1 if status in WORKFLOW_ENDED else 0)
        assert len(await store.list_all()) == (0 if status in WORKFLOW_ENDED else 1)

    @pytest.mark.parametrize(
        ("age_s", "evicted"),
        [
            pytest.param(0, 0, id="just now"),
            pytest.param(59, 0, id="younger than the ttl"),
            pytest.param(60, 1, id="as old as the ttl"),
            pytest.param(1e6, 1, id="older"),
            pytest.param(-1, 1, id="stamped by a clock that is ahead"),
            pytest.param(-1e6, 1, id="far ahead"),
        ],
    )
    @virtual_time
    async def test_eviction_goes_by_age_and_never_waits_for_the_future(self, age_s: float, evicted: int) -> None:
        store = self.make_store()
        await store.save(state_of("1", WorkflowStatus.COMPLETED, age_s))

        assert await store.cleanup_old_workflows(60) == evicted

    @EVERY_STATUS
    @virtual_time
    async def test_one_instance_is_forgotten_only_if_it_has_ended(self, status: WorkflowStatus) -> None:
        store = self.make_store()
        await store.save(state_of("1", status))

        assert await store.cleanup_if_terminal("1") is (status in WORKFLOW_ENDED)
        assert not await store.cleanup_if_terminal("none")
        assert len(await store.list_all()) == (0 if status in WORKFLOW_ENDED else 1)

    @virtual_time
    async def test_an_engine_keeps_in_it_what_has_happened(self) -> None:
        store = self.make_store()
        engine = engine_with(
            StepDefinition("a", noop), StepDefinition("b", sleeping(10), depends_on=["a"]), store=store
        )
        instance_id = await engine.start_workflow("wf", {})
        await asyncio.sleep(5)

        midway = await store.load(instance_id)
        await engine.wait_for_completion(instance_id, 60)
        after = await store.load(instance_id)

        assert [step.status for step in midway.steps.values()] == [StepStatus.SUCCEEDED, StepStatus.RUNNING]
        assert after.status is WorkflowStatus.COMPLETED
        assert after.data == {"through": ["b"]}
        assert after == engine.get_state(instance_id)
