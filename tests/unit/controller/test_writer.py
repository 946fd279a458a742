"""The only writer of statuses: when it writes, what it writes on, and what becomes of those who wait."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from herder.controller.cluster.errors import Conflicted, Forbidden, KubeError, Rejected, Unreached
from herder.controller.known.objects import Body, Key, Objects, uid_of
from herder.controller.status.wishes import Haste, Render, Status
from herder.controller.status.writer import StatusWriter
from unit.controller.fake_kube import NAMESPACE, Call, FakeKube
from unit.engine.kit import virtual_time

KEY = Key("WorkerRegistration", NAMESPACE, "a")


class Desk:
    """A writer at an API server with one object."""

    def __init__(self) -> None:
        self.kube = FakeKube()
        self.objects = Objects()
        self.written: list[Status] = []
        loop = asyncio.get_running_loop()
        self.writer = StatusWriter(self.kube, self.objects, self._note, self.objects.put, clock=loop.time)
        self.uid = self.create()
        self.written_at_s: list[float] = []
        self.kube.gate = self._stamp

    def create(self) -> str:
        body = self.kube.apply(KEY.kind, KEY.name, {})
        self.objects.put(body)
        return uid_of(body)

    def submit(self, value: object, *, urgent: bool = False) -> None:
        self.writer.submit(KEY, self.uid, saying(value), Haste.URGENT if urgent else Haste.PROGRESS)

    def write(self, value: object) -> "asyncio.Future[bool]":
        return self.writer.write(KEY, self.uid, saying(value))

    @property
    def said(self) -> object:
        return self.kube.status(KEY).get("said")

    def _note(self, key: Key, before: Body, status: Mapping[str, Any]) -> None:
        self.written.append(dict(status))

    async def _stamp(self, call: Call) -> None:
        if call.method == "PATCH":
            self.written_at_s.append(asyncio.get_running_loop().time())


def saying(value: object) -> Render:
    return lambda _body: {"said": value}


@virtual_time
async def test_the_first_status_is_written_at_once() -> None:
    desk = Desk()

    desk.submit("hello")
    await asyncio.sleep(0.01)

    assert desk.said == "hello"


@virtual_time
async def test_progress_is_written_once_a_second_at_most_and_the_newest_wins() -> None:
    desk = Desk()

    for step in range(40):
        desk.submit(step)
        await asyncio.sleep(0.1)
    await asyncio.sleep(2)

    gaps = [later - earlier for earlier, later in zip(desk.written_at_s, desk.written_at_s[1:], strict=False)]
    assert desk.said == 39
    assert len(gaps) == 4
    assert min(gaps) == pytest.approx(1.0)


class Crowd:
    """A hundred objects, and an API server that takes its time for each write."""

    def __init__(self, write_s: float) -> None:
        self.desk = Desk()
        bodies = [self.desk.kube.apply(KEY.kind, f"w{n:02}", {}) for n in range(100)]
        for body in bodies:
            self.desk.objects.put(body)
        self.those = [(Key.of(body), uid_of(body)) for body in bodies]
        self.at_once = self.most_at_once = self.written = 0
        self._write_s = write_s
        self.desk.kube.gate = self._take

    def submit(self, value: object, haste: Haste) -> None:
        for key, uid in self.those:
            self.desk.writer.submit(key, uid, saying(value), haste)

    async def _take(self, _call: Call) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self._write_s)
        self.at_once -= 1
        self.written += 1


@virtual_time
async def test_the_progress_of_many_is_written_the_more_seldom_the_longer_a_write_takes() -> None:
    written = {}
    for write_s in (0.001, 0.02):
        crowd = Crowd(write_s)
        for step in range(100):
            crowd.submit(step, Haste.PROGRESS)
            await asyncio.sleep(0.2)
        written[write_s] = crowd.written

    assert written == {0.001: pytest.approx(2000, rel=0.1), 0.02: pytest.approx(250, rel=0.2)}


@virtual_time
async def test_what_has_changed_for_good_is_written_as_fast_as_its_lanes_allow() -> None:
    crowd = Crowd(0.1)
    crowd.submit("seen", Haste.NEWS)
    await asyncio.sleep(6)

    crowd.submit("changed", Haste.NEWS)
    await asyncio.sleep(5.5)

    assert crowd.written == 2 * len(crowd.those)


@virtual_time
async def test_what_nobody_waits_for_is_written_a_few_at_once_and_a_start_passes_it() -> None:
    crowd = Crowd(1.0)
    crowd.submit("seen", Haste.NEWS)
    await asyncio.sleep(0.1)

    began_s = asyncio.get_running_loop().time()
    await crowd.desk.write("start")

    assert asyncio.get_running_loop().time() == began_s + 1.0
    assert crowd.most_at_once == 3


@virtual_time
async def test_what_stands_in_line_is_written_at_once_when_it_turns_urgent() -> None:
    crowd = Crowd(1.0)
    crowd.submit("seen", Haste.NEWS)
    key, uid = crowd.those[-1]
    await asyncio.sleep(0.1)

    assert await asyncio.wait_for(crowd.desk.writer.write(key, uid, saying("end")), 1.5)


@virtual_time
async def test_who_leaves_the_line_keeps_nobody_else_from_a_lane() -> None:
    crowd = Crowd(1.0)
    crowd.submit("seen", Haste.NEWS)
    await asyncio.sleep(0.1)

    for _, uid in crowd.those[2:-1]:
        crowd.desk.writer.withdraw(uid)
    await asyncio.sleep(2.5)

    assert crowd.written == 3
    assert crowd.desk.kube.status(crowd.those[-1][0]) == {"said": "seen"}


@virtual_time
async def test_a_start_and_an_end_are_written_at_once() -> None:
    desk = Desk()

    assert await desk.write("start")
    desk.submit("progress")
    assert await desk.write("end")

    assert desk.written_at_s == [0.0, 0.0]
    assert [each["said"] for each in desk.written] == ["start", "end"]


@virtual_time
async def test_an_urgent_wish_ends_the_wait_of_another() -> None:
    desk = Desk()
    await desk.write("start")
    desk.submit("progress")
    await asyncio.sleep(0.3)

    await desk.write("end")

    assert desk.written_at_s == [0.0, pytest.approx(0.3)]


@virtual_time
async def test_an_unchanged_status_is_not_written_and_yet_counts_as_written() -> None:
    desk = Desk()
    await desk.write("same")

    is_written = await desk.write("same")

    assert is_written
    assert desk.kube.count("PATCH") == 1
    assert len(desk.written) == 1


@virtual_time
async def test_a_write_names_the_uid_and_the_version_that_it_was_made_for() -> None:
    desk = Desk()
    version = desk.kube.body(KEY)["metadata"]["resourceVersion"]

    await desk.write("fenced")

    sent = desk.kube.calls[0].body
    assert sent == {"metadata": {"uid": desk.uid, "resourceVersion": version}, "status": {"said": "fenced"}}


@virtual_time
async def test_a_status_that_somebody_else_wrote_meanwhile_is_rendered_anew_on_theirs() -> None:
    desk = Desk()
    desk.kube.set_status(KEY, {"theirs": 1})
    seen: list[Body] = []

    def render(body: Body) -> Status:
        seen.append(body)
        return {**(body.get("status") or {}), "ours": len(seen)}

    is_written = await desk.writer.write(KEY, desk.uid, render)

    assert is_written
    assert desk.kube.status(KEY) == {"theirs": 1, "ours": 2}
    assert [call.method for call in desk.kube.calls] == ["PATCH", "GET", "PATCH"]


@virtual_time
async def test_conflicts_without_end_are_met_with_pauses() -> None:
    desk = Desk()
    desk.kube.gate = _always_conflict

    desk.submit("never")
    await asyncio.sleep(60)

    assert 5 < desk.kube.count("PATCH") < 20
    await desk.writer.close()


async def _always_conflict(call: Call) -> None:
    if call.method == "PATCH":
        raise Conflicted("webhook")


@virtual_time
async def test_an_object_that_took_the_name_of_another_is_left_alone() -> None:
    desk = Desk()
    desk.kube.remove(KEY)
    desk.kube.apply(KEY.kind, KEY.name, {})

    is_written = await desk.write("for the former")

    assert not is_written
    assert desk.said is None


@virtual_time
async def test_an_object_that_is_gone_is_not_written_to() -> None:
    desk = Desk()
    desk.kube.remove(KEY)

    is_written = await desk.write("too late")

    assert not is_written
    assert desk.kube.count("PATCH") == 1


@virtual_time
async def test_an_object_that_is_known_to_be_gone_costs_no_call_and_leaves_nothing_behind() -> None:
    desk = Desk()
    desk.objects.remove(KEY, desk.uid)

    is_written = await desk.write("too late")

    assert not is_written
    assert desk.kube.calls == []
    assert len(desk.writer) == 0


@virtual_time
async def test_what_the_api_server_finds_wrong_is_logged_once_and_not_sent_again() -> None:
    desk = Desk()
    desk.kube.fail(Rejected("422"))

    with capture_logs() as logs:
        is_written = await desk.write("wrong")
        await asyncio.sleep(600)

    assert not is_written
    assert desk.kube.count("PATCH") == 1
    assert [entry["event"] for entry in logs] == ["status.rejected"]


@pytest.mark.parametrize("error", [Unreached("503"), Forbidden("403")], ids=["no answer", "no rights"])
@virtual_time
async def test_while_the_api_server_can_not_be_written_to_the_newest_wish_waits(error: KubeError) -> None:
    desk = Desk()
    desk.kube.fail(*[error] * 6)

    with capture_logs() as logs:
        first = desk.write("old")
        await asyncio.sleep(1)
        desk.submit("new")
        is_written = await first

    assert is_written
    assert desk.said == "new"
    assert desk.kube.count("PATCH") == 7
    assert [entry["event"] for entry in logs] == ["status.delayed"]


@virtual_time
async def test_a_server_that_says_when_to_come_back_is_obeyed() -> None:
    desk = Desk()
    desk.kube.fail(Unreached("429", retry_after_s=30))

    await desk.write("later")

    assert desk.written_at_s == [30.0]


@virtual_time
async def test_a_write_whose_answer_was_lost_is_not_made_twice() -> None:
    desk = Desk()
    desk.kube.lose_answer()

    is_written = await desk.write("once")

    assert is_written
    assert desk.kube.body(KEY)["metadata"]["resourceVersion"] == "2"


@virtual_time
async def test_a_withdrawn_wish_is_not_written_and_its_waiter_is_told() -> None:
    desk = Desk()
    await desk.write("start")
    desk.submit("progress")
    waiter = desk.write("end")

    desk.writer.withdraw(desk.uid)
    is_written = await waiter
    await asyncio.sleep(5)

    assert not is_written
    assert desk.said == "start"


@virtual_time
async def test_a_wish_that_is_withdrawn_while_it_is_tried_is_not_tried_again() -> None:
    desk = Desk()
    desk.kube.fail(*[Unreached("503")] * 3)
    waiter = desk.write("stale")
    await asyncio.sleep(0.3)

    desk.writer.withdraw(desk.uid)
    is_written = await waiter
    await asyncio.sleep(60)

    assert not is_written
    assert desk.said is None


@virtual_time
async def test_a_wish_that_is_withdrawn_after_a_conflict_is_not_rendered_anew() -> None:
    desk = Desk()
    desk.kube.set_status(KEY, {"theirs": 1})

    async def withdraw(call: Call) -> None:
        if call.method == "GET":
            desk.writer.withdraw(desk.uid)

    desk.kube.gate = withdraw
    is_written = await desk.write("stale")
    await asyncio.sleep(5)

    assert not is_written
    assert desk.kube.status(KEY) == {"theirs": 1}


@virtual_time
async def test_all_who_wait_for_one_object_are_answered_once_with_one_write() -> None:
    desk = Desk()

    answers = await asyncio.gather(*(desk.write(n) for n in range(5)))

    assert answers == [True] * 5
    assert desk.kube.count("PATCH") == 1
    assert desk.said == 4


@virtual_time
async def test_who_comes_while_a_write_is_on_its_way_waits_for_the_next() -> None:
    desk = Desk()
    slow = asyncio.Event()
    first = desk.write("first")
    await asyncio.sleep(0)  # the first is rendered and on its way

    async def hold(call: Call) -> None:
        await slow.wait()

    desk.kube.gate = hold
    second = desk.write("second")
    await first
    was_second_answered = second.done()
    slow.set()
    await second

    assert not was_second_answered
    assert [each["said"] for each in desk.written] == ["first", "second"]


@virtual_time
async def test_a_defect_in_one_rendering_does_not_end_the_writing() -> None:
    desk = Desk()

    def broken(_body: Body) -> Status:
        raise ZeroDivisionError

    with capture_logs() as logs:
        is_broken_written = await desk.writer.write(KEY, desk.uid, broken)
    is_written = await desk.write("whole")

    assert (is_broken_written, is_written) == (False, True)
    assert [entry["event"] for entry in logs] == ["status.defect"]


@virtual_time
async def test_forgetting_an_object_drops_its_wish_and_answers_those_who_wait() -> None:
    desk = Desk()
    desk.kube.fail(*[Unreached("503")] * 100)
    waiter = desk.write("never")
    await asyncio.sleep(1)

    desk.writer.forget(desk.uid)

    assert await waiter is False
    assert len(desk.writer) == 0
    await asyncio.sleep(60)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@virtual_time
async def test_objects_that_come_and_go_leave_nothing() -> None:
    desk = Desk()

    for _ in range(100):
        desk.kube.remove(KEY)
        desk.objects.remove(KEY, desk.uid)
        desk.writer.forget(desk.uid)
        desk.submit("late")  # by a run that has not heard of it yet
        await asyncio.sleep(0.1)
        desk.uid = desk.create()
        await desk.write("hello")

    assert len(desk.writer) == 1
    assert asyncio.all_tasks() == {asyncio.current_task()}


@virtual_time
async def test_after_closing_nothing_is_written_and_nobody_is_left_waiting() -> None:
    desk = Desk()
    desk.kube.fail(*[Unreached("503")] * 100)
    before = desk.write("before")
    await asyncio.sleep(1)

    await desk.writer.close()
    desk.submit("after")
    after = desk.write("after")
    await asyncio.sleep(60)

    assert (await before, await after) == (False, False)
    assert desk.kube.status(KEY) == {}
    assert asyncio.all_tasks() == {asyncio.current_task()}
