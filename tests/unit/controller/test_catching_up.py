"""What the watch has not told of yet when an operator comes to lead is read before the first decision."""

import pytest

from herder.controller.known.objects import Key, uid_of
from herder.controller.leadership.standby import Standby
from herder.controller.watch.relist import Relister
from unit.controller.fake_kube import NAMESPACE, FakeKube

A, B = (Key("WorkerRegistration", NAMESPACE, name) for name in "ab")


class World:
    """An API server, and what is known of it."""

    def __init__(self) -> None:
        self.kube = FakeKube()
        standby = Standby(self.kube, ())
        self.objects = standby.objects
        self.relister = Relister(self.kube, standby.objects, (), seen=standby.seen, gone=standby.gone)


@pytest.fixture
async def world() -> World:
    world = World()
    for key in (A, B):
        world.kube.apply(key.kind, key.name, {})
    await world.relister.prime()
    world.kube.calls.clear()
    return world


async def test_what_has_changed_is_read_and_nothing_else(world: World) -> None:
    world.kube.set_status(A, {"said": "more"})

    await world.relister.catch_up()

    assert (world.objects.get(A) or {})["status"] == {"said": "more"}
    assert [call.path for call in world.kube.calls if call.path in {A.path, B.path}] == [A.path]


async def test_what_is_new_is_read(world: World) -> None:
    new = Key("Tokenizer", NAMESPACE, "t")
    world.kube.apply(new.kind, new.name, {})

    await world.relister.catch_up()

    assert new in set(world.objects)


async def test_what_is_gone_is_forgotten(world: World) -> None:
    world.kube.remove(A)

    await world.relister.catch_up()

    assert set(world.objects) == {B}


async def test_what_was_made_anew_under_its_name_takes_the_place_of_the_former(world: World) -> None:
    world.kube.remove(A)
    made = world.kube.apply(A.kind, A.name, {})

    await world.relister.catch_up()

    known = world.objects.get(A)
    assert known is not None
    assert uid_of(known) == uid_of(made)
