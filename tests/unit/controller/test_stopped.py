"""A run that is stopped: what it has done is decided on only when the status says it."""

import asyncio

from unit.controller.fake_kube import Call
from unit.controller.office import ENDPOINTS, Office, at_work


@at_work
async def test_nothing_is_begun_before_what_a_stopped_run_has_done_is_written(office: Office) -> None:
    office.gateway(ENDPOINTS[0])
    key = office.worker("a", up=False)
    await office.until(office.has_begun(key))
    await asyncio.sleep(5)
    gate, is_asked, may_answer = office.kube.gate, asyncio.Event(), asyncio.Event()

    async def slowly(call: Call) -> None:
        if call.path == f"{key.path}/status":
            is_asked.set()
            await may_answer.wait()
        await gate(call)

    office.kube.gate = slowly
    office.gateway(*ENDPOINTS)
    await office.until(lambda: office.operator.deciding.runs.of_key(key) is None)
    await is_asked.wait()
    for _ in range(3):
        office.operator.known.queue.add(key)
        await asyncio.sleep(0.1)
    begun_meanwhile = office.operator.deciding.runs.of_key(key)
    may_answer.set()
    office.workers["http://a:8000"].rise()

    await office.registered(key)
    assert begun_meanwhile is None
