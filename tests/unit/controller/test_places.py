"""How many attempts are at work at once, and what a wait for one's turn costs."""

import asyncio
from collections.abc import Callable

from herder.controller.running.line import Rank, Turn
from herder.controller.running.places import Places
from herder.engine import (
    FixedBackoff,
    RetryPolicy,
    StepDefinition,
    StepResult,
    StepTimeoutError,
    WorkflowContext,
    WorkflowDefinition,
    WorkflowEngine,
    WorkflowStatus,
)
from unit.engine.kit import virtual_time


class Probe:
    """A step that takes 0.2 s, fails as often as told, and knows how many of its kind were at work at once."""

    def __init__(self, fails: int = 0, takes_s: float = 0.2) -> None:
        self.most = 0
        self.failed: list[Exception] = []
        self._fails = fails
        self._takes_s = takes_s
        self._at_work = 0

    async def execute(self, context: WorkflowContext[str]) -> StepResult:
        self._at_work += 1
        self.most = max(self.most, self._at_work)
        try:
            await asyncio.sleep(self._takes_s)
        finally:
            self._at_work -= 1
        if context.attempt <= self._fails:
            raise ValueError("not yet")
        return StepResult.SUCCESS

    def is_retryable(self, error: Exception) -> bool:
        return not isinstance(error, StepTimeoutError)

    async def on_failure(self, context: WorkflowContext[str], error: Exception) -> None:
        self.failed.append(error)


async def outcomes(places: Places, probe: Probe, count: int, before: Callable[[str], object]) -> list[WorkflowStatus]:
    """Run `count` instances of one step with a timeout of 3 s and up to five attempts; `before` is told each id."""
    retry = RetryPolicy(max_attempts=5, backoff=FixedBackoff(10.0))
    step = StepDefinition("probe", probe, retry=retry, timeout=3.0)
    engine = WorkflowEngine()
    engine.register_workflow(places.bounded(WorkflowDefinition("w", [step])))
    ids = [await engine.start_workflow("w", str(number)) for number in range(count)]
    for instance_id in ids:
        before(instance_id)
    return [(await engine.wait_for_completion(instance_id, None)).status for instance_id in ids]


@virtual_time
async def test_many_that_come_back_at_once_are_at_work_one_after_another() -> None:
    places, probe = Places(2), Probe(fails=2)

    ended = await outcomes(places, probe, 20, places.give)

    assert set(ended) == {WorkflowStatus.COMPLETED}
    assert probe.most == 2
    assert places.free == 2


@virtual_time
async def test_waiting_for_a_place_does_not_use_up_the_timeout_of_the_step() -> None:
    ended = await outcomes(Places(1), Probe(), 20, str)  # the last one waits for 3.8 s

    assert set(ended) == {WorkflowStatus.COMPLETED}


@virtual_time
async def test_an_attempt_that_takes_too_long_in_its_place_fails_and_gives_it_back() -> None:
    places, probe = Places(1), Probe(takes_s=60.0)

    ended = await outcomes(places, probe, 2, str)

    assert ended == [WorkflowStatus.FAILED] * 2
    assert [type(error) for error in probe.failed] == [StepTimeoutError] * 2
    assert places.free == 1


@virtual_time
async def test_a_place_that_is_kept_serves_every_attempt_of_its_instance() -> None:
    places, probe = Places(1), Probe()
    await places.take("mine")
    context = WorkflowContext("mine", "probe", 1, "")
    definition = places.bounded(WorkflowDefinition("w", [StepDefinition("probe", probe)]))

    async with asyncio.timeout(5):
        await next(iter(definition.steps)).run.execute(context)  # type: ignore[union-attr]  # a step object, as made

    places.give("mine")
    assert places.free == 1


@virtual_time
async def test_those_who_wait_are_counted_by_what_they_want_a_place_for() -> None:
    clock = asyncio.get_running_loop().time
    places = Places(1, clock=clock)
    await places.take("holds")
    waiting = [
        asyncio.create_task(places.take(f"waits-{number}", Turn(None, rank)))
        for number, rank in enumerate((Rank.REMOVAL, Rank.WORKER, Rank.WORKER))
    ]
    await asyncio.sleep(3)

    seen = dict(places.waiting), places.longest_wait_s

    for instance_id in ("holds", "waits-0", "waits-1", "waits-2"):
        places.leave(instance_id)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert seen == ({Rank.REMOVAL: 1, Rank.WORKER: 2}, 3.0)
    assert (dict(places.waiting), places.longest_wait_s, places.free) == ({}, 0.0, 1)


@virtual_time
async def test_one_who_is_cancelled_while_waiting_or_just_served_leaves_no_place_behind() -> None:
    places = Places(1)
    await places.take("holds")
    waits, served, next_one = (asyncio.create_task(places.take(name)) for name in ("waits", "served", "next"))
    await asyncio.sleep(0)
    waits.cancel()
    places.give("holds")  # to `served`, for `waits` has left
    served.cancel()
    await asyncio.wait({waits, served, next_one})

    assert (waits.cancelled(), served.cancelled(), next_one.done()) == (True, True, True)
    places.give("next")
    assert places.free == 1


@virtual_time
async def test_an_attempt_waits_with_the_rank_of_its_run() -> None:
    places, order = Places(1), list[str]()

    class Note(Probe):
        async def execute(self, context: WorkflowContext[str]) -> StepResult:
            order.append(context.instance_id)
            return StepResult.SUCCESS

    definition = places.bounded(WorkflowDefinition("w", [StepDefinition("note", Note())]))
    step = next(iter(definition.steps)).run
    for name, rank in (("module", Rank.REST), ("removal", Rank.REMOVAL)):
        await places.take(name, Turn(None, rank))
        places.give(name)
    await places.take("holds")
    attempts = [
        asyncio.create_task(step.execute(WorkflowContext(name, "note", 2, "")))  # type: ignore[union-attr]  # a step object
        for name in ("module", "removal")
    ]
    await asyncio.sleep(0)
    places.give("holds")
    await asyncio.gather(*attempts)

    assert order == ["removal", "module"]


@virtual_time
async def test_an_attempt_that_only_waits_lends_its_place_and_no_more_than_so_many_do() -> None:
    places, probe = Places(2), Probe(takes_s=2.9)

    ended = await outcomes(places, probe, 40, places.give)

    assert set(ended) == {WorkflowStatus.COMPLETED}
    assert 2 < probe.most <= 2 + 4 * 2
    assert (places.free, places._lent) == (2, 0)


@virtual_time
async def test_a_kept_place_that_was_lent_is_taken_anew_for_the_next_attempt() -> None:
    places, slow = Places(1), Probe(takes_s=2.0)
    definition = places.bounded(WorkflowDefinition("w", [StepDefinition("probe", slow)]))
    step = next(iter(definition.steps)).run
    await places.take("mine")

    attempt = asyncio.create_task(step.execute(WorkflowContext("mine", "probe", 1, "")))  # type: ignore[union-attr]  # a step object
    await places.take("another")  # while the attempt still waits
    is_at_work = not attempt.done()
    await attempt
    again = asyncio.create_task(step.execute(WorkflowContext("mine", "probe", 2, "")))  # type: ignore[union-attr]  # a step object
    await asyncio.sleep(5)
    waits = not again.done()
    places.leave("another")
    await again

    assert (is_at_work, waits, places.free) == (True, True, 1)
