"""The name of a module says whose it is."""

import pytest

from herder.workflows.owner import Owner
from herder.workflows.wasm.naming import ModuleName, listing_keys
from unit.workflows.wasm.fakes import ONE, OWNER, REBORN, STRANGER, module, plan, sha


@pytest.mark.parametrize("is_orphan", [False, True])
def test_a_name_reads_back_as_it_was_made(is_orphan: bool) -> None:
    name = ModuleName(Owner("i", "ns", "a.b-c", "u"), "0123", is_orphan)

    assert str(name) == "herder.dev/i/ns/a.b-c/u/0123" + ("/orphan" if is_orphan else "")
    assert ModuleName.of(str(name)) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "mine",
        "herder.dev/",
        "herder.dev/i/ns/name/uid",
        "herder.dev/i/ns/name/uid/",
        "herder.dev/i/ns//uid/0123",
        "herder.dev/i/ns/name/uid/0123/",
        "herder.dev/i/ns/name/uid/0123/other",
        "herder.dev/i/ns/name/uid/0123/orphan/x",
        "x/herder.dev/i/ns/name/uid/0123",
    ],
)
def test_what_herder_did_not_make_has_no_owner(name: str) -> None:
    assert ModuleName.of(name) is None


def test_a_resource_that_was_made_anew_has_the_same_key_and_another_name() -> None:
    assert plan(OWNER).key == plan(REBORN).key
    assert plan(OWNER).name != plan(REBORN).name


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"path": "/srv/modules/b.wasm"}, id="path"),
        pytest.param({"content": b"x"}, id="sha256"),
        pytest.param({"attachPoints": ["OnResponse"]}, id="attach points"),
        pytest.param({"deletionPolicy": "Orphan"}, id="deletion policy"),
    ],
)
def test_what_is_declared_anew_is_a_new_name_under_the_same_key(change: dict[str, object]) -> None:
    before, after = plan(), plan(**change)  # type: ignore[arg-type]  # a table of keyword arguments

    assert before.spec_hash != after.spec_hash
    assert before.name != after.name
    assert before.key == after.key


def test_what_is_not_sent_is_no_part_of_the_name() -> None:
    points = ["OnRequest", "OnResponse"]

    assert plan(attachPoints=points).name == plan(attachPoints=points[::-1]).name
    assert plan(suspend=True, removal={"timeoutSeconds": 5}).name == plan().name


def test_a_plan_finds_its_own_modules_and_others_of_the_declared_content() -> None:
    declared = plan(content=ONE)
    names = (declared.name, plan(REBORN).name, plan(STRANGER).name, "by-hand")

    found = [bool(set(listing_keys(module(name, b"(component two)"))) & set(declared.listing_keys())) for name in names]

    assert found == [True, True, False, False]
    assert f"sha256:{sha(ONE)}" in listing_keys(module("by-hand", ONE))
    assert set(declared.listing_keys()) == {"ns/name", f"sha256:{sha(ONE)}"}
    assert plan().listing_keys() == ("ns/name",)
