"""WasmModules in the hands of the controller: declared, changed, contested, deleted."""

import asyncio
from typing import Any

import pytest

from herder.controller.known.objects import Key
from herder.workflows.wasm import ModuleName
from herder.workflows.wasm.files import LocalFiles
from unit.controller.fake_kube import NAMESPACE
from unit.controller.office import Office, at_work
from unit.workflows.wasm.fakes import ONE, OTHER_PATH, PATH, TWO, FakeFiles, FakeModules, sha


@pytest.fixture(autouse=True)
def _no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Herder has none of the replicas' files: reading one is a thread's work, which knows no virtual time."""
    monkeypatch.setattr(LocalFiles, "read", FakeFiles().read)


def declare(office: Office, path: str = PATH, name: str = "m", **spec: Any) -> Key:
    """Declare a module, or change its declaration."""
    office.kube.apply("WasmModule", name, {"gatewayRef": {"name": "gw"}, "source": {"path": path}, **spec})
    return Key("WasmModule", NAMESPACE, name)


def modules(office: Office) -> list[FakeModules]:
    """Those of each replica."""
    return [replica.wasm for replica in office.replicas.values()]


def contents(office: Office) -> list[list[str]]:
    """What each replica lists."""
    return [each.contents for each in modules(office)]


@at_work
async def test_it_is_shown_as_the_replicas_hold_it(office: Office) -> None:
    key = declare(office)
    await office.registered(key)

    status = office.kube.status(key)

    assert (status["registered"], status["gateway"]) == ("2/2", "gw")
    assert (status["module"]["sha256"], status["module"]["sizeBytes"]) == (sha(ONE), len(ONE))
    assert [row["workerId"] for row in status["replicas"]] == [each.listed[0].id for each in modules(office)]
    assert office.writes(key) <= 4


@at_work
async def test_what_is_declared_anew_takes_the_place_of_what_was(office: Office) -> None:
    key = declare(office)
    await office.registered(key)

    declare(office, OTHER_PATH)
    await office.until(lambda: contents(office) == [[sha(TWO)]] * 2)
    await office.registered(key)

    assert [len(seen) for seen in modules(office)[0].seen] == [1, 2, 1]
    assert office.kube.status(key)["workflow"]["name"] == "wasm-registration"


@at_work
async def test_it_is_removed_when_it_is_deleted_unless_it_is_to_stay(office: Office) -> None:
    key = declare(office, deletionPolicy="Orphan")
    going = declare(office, OTHER_PATH, name="n")
    await office.registered(key)
    await office.registered(going)

    office.kube.delete(key)
    office.kube.delete(going)
    await office.until(lambda: office.is_gone(key) and office.is_gone(going))
    await asyncio.sleep(120)

    assert contents(office) == [[sha(ONE)]] * 2


@pytest.mark.parametrize("suspend", [False, True], ids=["at once", "while nothing is done"])
@at_work
async def test_it_stays_though_that_was_declared_right_before_the_deletion(office: Office, suspend: bool) -> None:
    key = declare(office)
    await office.registered(key)

    declare(office, deletionPolicy="Orphan", suspend=suspend)
    await asyncio.sleep(60 if suspend else 0)
    office.kube.delete(key)
    await office.until(lambda: office.is_gone(key))
    await asyncio.sleep(120)

    assert contents(office) == [[sha(ONE)]] * 2


@at_work
async def test_what_is_to_stay_is_not_replaced_by_what_its_file_holds_by_now(office: Office) -> None:
    key = declare(office)
    await office.registered(key)
    office.a.wasm.files[PATH] = TWO

    declare(office, deletionPolicy="Orphan")
    office.kube.delete(key)
    await office.until(lambda: office.is_gone(key))
    await asyncio.sleep(120)

    assert contents(office) == [[], [sha(ONE)]]


@at_work
async def test_a_lost_module_is_registered_again_and_the_repair_is_told(office: Office) -> None:
    key = declare(office)
    await office.registered(key)

    office.a.wasm.restart()
    await office.until(lambda: contents(office) == [[sha(ONE)]] * 2)
    await office.registered(key)

    assert ("Warning", "Drifted") in office.told(key)


@at_work
async def test_of_two_with_one_path_the_older_one_wins(office: Office) -> None:
    await office.registered(declare(office))

    second = declare(office, name="n")
    await office.until(office.says(second, "Conflict"))

    field = "spec.source.path"
    text = f"{field} is declared by the older WasmModule m already: delete one of the two, or correct {field}"
    assert text in office.condition(second)["message"]


@at_work
async def test_a_module_of_somebody_else_is_left_alone_until_it_may_be_adopted(office: Office) -> None:
    for each in modules(office):
        each.enter("by hand")
    key = declare(office, sha256=sha(ONE))
    await office.until(office.says(key, "ForeignEntry"))
    before = [each.name for each in office.a.wasm.listed]
    writes = office.writes(key)
    await asyncio.sleep(300)
    kept = office.writes(key)

    office.annotate(key, adopt="true")
    await office.registered(key)

    assert (before, kept) == (["by hand"], writes)
    assert [ModuleName.of(each.name) is not None for each in office.a.wasm.listed] == [True]


@at_work
async def test_of_a_content_that_only_the_replicas_know_the_same_holds_until_it_makes_room(office: Office) -> None:
    for each in modules(office):
        each.enter("by hand")
    key = declare(office)
    await office.until(office.says(key, "ForeignEntry"))
    writes, additions = office.writes(key), [each.count("add") for each in modules(office)]
    await asyncio.sleep(300)
    kept = office.writes(key), [each.count("add") for each in modules(office)]

    for each in modules(office):
        each.lose("by hand")
    await office.registered(key)

    assert kept == (writes, additions)
