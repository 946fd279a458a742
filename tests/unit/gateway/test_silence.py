"""A replica that hangs: one call at a time finds out whether it still does, the others fail at once."""

import asyncio

import pytest

from herder.gateway.errors import Unavailable
from herder.gateway.silence import Silence
from unit.gateway.fake import rigged

ENDPOINT = "http://replica"
ASKED_SLOWLY = "did not answer within"
NOT_ASKED = "one call at a time"


def run_out(silence: Silence) -> None:
    with pytest.raises(TimeoutError), silence.asking():
        raise TimeoutError


def test_after_a_call_that_ran_out_of_time_one_at_a_time_is_let_through() -> None:
    silence = Silence(ENDPOINT)
    run_out(silence)

    with silence.asking():
        with pytest.raises(Unavailable, match=NOT_ASKED):
            silence.check()
        with pytest.raises(Unavailable, match=NOT_ASKED), silence.asking():
            pass

    silence.check()


def test_a_probe_that_runs_out_of_time_lets_the_next_one_through() -> None:
    silence = Silence(ENDPOINT)
    run_out(silence)
    run_out(silence)

    silence.check()


def test_any_answer_ends_it() -> None:
    silence = Silence(ENDPOINT)
    run_out(silence)
    with pytest.raises(ConnectionError), silence.asking():
        raise ConnectionError

    with silence.asking(), silence.asking():
        silence.check()


def test_a_call_that_takes_too_long_while_others_are_answered_tells_nothing() -> None:
    silence = Silence(ENDPOINT)

    def overtaken() -> None:
        with silence.asking():
            with silence.asking():
                pass
            raise TimeoutError

    with pytest.raises(TimeoutError):
        overtaken()

    with silence.asking():
        silence.check()


def test_a_probe_that_is_cancelled_leaves_the_way_free() -> None:
    silence = Silence(ENDPOINT)
    run_out(silence)

    with pytest.raises(asyncio.CancelledError), silence.asking():
        raise asyncio.CancelledError

    silence.check()


async def test_a_hundred_who_ask_a_replica_that_hangs_wait_for_one_deadline_together() -> None:
    async with rigged(call_deadline_s=1.0, max_calls=4) as rig:
        hangs = asyncio.Event()

        async def hang(_line: str) -> None:
            await hangs.wait()

        rig.gateway.before = hang
        with pytest.raises(Unavailable, match=ASKED_SLOWLY):
            await rig.replica.list_workers()
        asked = len(rig.gateway.lines)

        errors = await asyncio.gather(*(rig.replica.list_workers() for _ in range(100)), return_exceptions=True)
        hangs.set()
        rig.gateway.will("GET /workers", (200, {"workers": []}))

        assert {type(error) for error in errors} == {Unavailable}
        assert len(rig.gateway.lines) - asked <= 2
        assert await rig.replica.list_workers() == ()
