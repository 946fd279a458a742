"""The epoch in statuses: every write carries it, none is made over a higher one, and none for its sake alone."""

import asyncio

import pytest

from herder.api.status import EPOCH_LIMIT
from herder.controller.known.objects import Key, Objects, uid_of
from herder.controller.leadership.mandate import Mandate
from herder.controller.status.writer import StatusWriter
from unit.controller.fake_kube import NAMESPACE, FakeKube
from unit.engine.kit import elapsed_s, virtual_time

KEY = Key("WorkerRegistration", NAMESPACE, "a")


class Desk:
    """A writer under a mandate, and an object whose status says `said`, written under another epoch."""

    def __init__(self, mandate: Mandate, *, written_in: int | None = None) -> None:
        self.kube = FakeKube()
        objects = Objects()
        self.uid = uid_of(self.kube.apply(KEY.kind, KEY.name, {}))
        status = {"said": "hello"} | ({} if written_in is None else {"epoch": written_in})
        objects.put(self.kube.set_status(KEY, status))
        self.writer = StatusWriter(self.kube, objects, lambda *_: None, objects.put, elapsed_s, mandate)

    def say(self, what: str) -> "asyncio.Future[bool]":
        return self.writer.write(KEY, self.uid, lambda _body: {"said": what})

    @property
    def status(self) -> dict[str, object]:
        return self.kube.status(KEY)


def led_in(epoch: int) -> Mandate:
    return Mandate(epoch, 3600.0, elapsed_s)


@pytest.mark.parametrize("written_in", [None, 3, 7])
def test_every_write_carries_the_epoch_of_whoever_leads(written_in: int | None) -> None:
    @virtual_time
    async def run() -> None:
        desk = Desk(led_in(7), written_in=written_in)

        assert await desk.say("goodbye")

        assert desk.status == {"said": "goodbye", "epoch": 7}

    run()


@virtual_time
async def test_for_a_new_epoch_alone_nothing_is_written() -> None:
    desk = Desk(led_in(7), written_in=3)

    assert await desk.say("hello")

    assert desk.kube.count("PATCH") == 0
    assert desk.status["epoch"] == 3


@virtual_time
async def test_over_a_higher_epoch_nothing_is_written_and_the_mandate_is_doubted() -> None:
    mandate = led_in(7)
    desk = Desk(mandate, written_in=8)

    said = desk.say("goodbye")
    await asyncio.sleep(60)

    assert not said.done()
    assert desk.kube.count("PATCH") == 0
    assert mandate.doubted.is_set()


@virtual_time
async def test_who_turns_out_to_lead_all_the_same_writes_once_the_epoch_is_above_that_one() -> None:
    mandate = led_in(7)
    desk = Desk(mandate, written_in=8)
    said = desk.say("goodbye")
    await asyncio.sleep(1)

    mandate.epoch = 9
    assert await said

    assert desk.status == {"said": "goodbye", "epoch": 9}


@virtual_time
async def test_an_operator_without_rivals_leaves_the_epoch_as_it_is() -> None:
    desk = Desk(Mandate.for_good(), written_in=8)

    assert await desk.say("goodbye")

    assert desk.status == {"said": "goodbye", "epoch": 8}


@pytest.mark.parametrize("said", ["hello", "goodbye"], ids=["nothing else", "something else"])
@pytest.mark.parametrize(
    ("mandate", "epoch"),
    [pytest.param(led_in(7), {"epoch": 7}, id="one that leads"), pytest.param(Mandate.for_good(), {}, id="no rivals")],
)
def test_an_epoch_that_no_operator_has_come_to_is_not_believed_and_written_over(
    mandate: Mandate, epoch: dict[str, int], said: str
) -> None:
    @virtual_time
    async def run() -> None:
        desk = Desk(mandate, written_in=EPOCH_LIMIT)

        assert await desk.say(said)
        assert await desk.say(said)

        assert desk.status == {"said": said, **epoch}
        assert desk.kube.count("PATCH") == 1
        assert not mandate.doubted.is_set()

    run()


@virtual_time
async def test_an_operator_without_rivals_writes_none() -> None:
    desk = Desk(Mandate.for_good())

    assert await desk.say("goodbye")

    assert desk.status == {"said": "goodbye"}


def test_the_highest_epoch_of_all_statuses_is_known() -> None:
    kube, objects = FakeKube(), Objects()
    assert objects.highest_epoch == 0
    for name, epoch in (("a", 3), ("b", 8), ("c", None), ("d", EPOCH_LIMIT)):
        kube.apply(KEY.kind, name, {})
        objects.put(kube.set_status(Key(KEY.kind, NAMESPACE, name), {"epoch": epoch}))

    assert objects.highest_epoch == 8
