"""A slot's answer reaches whoever waits, whenever they come."""

import pytest

from herder.engine import EngineShutDownError, WorkflowOutcome, WorkflowStatus
from herder.engine.slot import Slot
from unit.engine.kit import virtual_time

DONE = WorkflowOutcome(WorkflowStatus.COMPLETED)


@virtual_time
async def test_an_answer_given_before_anybody_waits_is_not_lost() -> None:
    slot = Slot()
    slot.answer(DONE)

    with slot.take() as waiter:
        assert await waiter == DONE


@virtual_time
async def test_an_error_for_an_answer_is_raised_for_everybody() -> None:
    slot = Slot()

    with slot.take() as first, slot.take() as second:
        slot.answer(EngineShutDownError("left behind"))

        for waiter in (first, second):
            with pytest.raises(EngineShutDownError):
                await waiter


@virtual_time
async def test_a_waiter_that_has_gone_does_not_disturb_the_answer() -> None:
    slot = Slot()

    with slot.take() as stays:
        with slot.take():
            pass
        slot.answer(DONE)

        assert await stays == DONE
