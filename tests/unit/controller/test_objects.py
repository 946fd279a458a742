"""What is known of the objects: versions, deletions, indices."""

from typing import Any

import pytest

from herder.controller.known.objects import Body, Key, Objects, Place, gateway_of, place_of

KEY = Key("WorkerRegistration", "ns", "a")
GATEWAY = Key("ModelGateway", "ns", "gw")
PLACE = Place(GATEWAY, KEY.kind, "http://w")


def body(version: int, *, uid: str = "uid-1", name: str = "a", url: str = "http://w", **rest: Any) -> Body:
    metadata = {"namespace": "ns", "name": name, "uid": uid, "resourceVersion": str(version)}
    return {"kind": KEY.kind, "metadata": metadata, "spec": {"gatewayRef": {"name": "gw"}, "url": url}, **rest}


def version(objects: Objects) -> str:
    found = objects.get(KEY)
    return found["metadata"]["resourceVersion"] if found else "none"


@pytest.mark.parametrize(
    ("versions", "kept", "taken"),
    [([1, 2], "2", True), ([2, 1], "2", False), ([2, 2], "2", False), ([9, 10], "10", True)],
    ids=["newer", "older", "the same", "more digits"],
)
def test_only_a_newer_version_is_taken(versions: list[int], kept: str, taken: bool) -> None:
    objects = Objects()

    results = [objects.put(body(each)) for each in versions]

    assert (version(objects), results[-1]) == (kept, taken)


def test_no_answer_to_a_write_brings_back_what_is_gone() -> None:
    objects = Objects()
    objects.put(body(1))

    assert objects.remove(KEY, "uid-1")
    assert not objects.put(body(2))
    assert objects.get(KEY) is None


def test_an_object_that_took_the_name_is_another_one() -> None:
    objects = Objects()
    objects.put(body(1))
    objects.put(body(3, uid="uid-2"))

    was_known = objects.remove(KEY, "uid-1")

    assert not was_known
    assert version(objects) == "3"


def test_what_is_remembered_of_the_dead_is_bounded() -> None:
    objects = Objects()

    for number in range(10_005):
        objects.remove(KEY, f"uid-{number}")

    assert not objects.put(body(1, uid="uid-10004"))
    assert objects.put(body(1, uid="uid-0"))


def test_the_fields_that_take_most_room_and_that_nobody_reads_are_not_kept() -> None:
    objects = Objects()
    found = body(1)
    found["metadata"]["managedFields"] = ["long"]

    objects.put(found)

    assert "managedFields" not in (objects.get(KEY) or {})["metadata"]


def test_who_declares_what_follows_each_change() -> None:
    objects = Objects()
    objects.put(body(1))
    objects.put(body(2, uid="uid-2", name="b", url="http://W:80/"))
    b = Key(KEY.kind, "ns", "b")

    def known() -> list[set[Key]]:
        return [set(objects.at(PLACE)), set(objects.rivals(KEY)), set(objects.referring_to(GATEWAY))]

    before = known()
    objects.put(body(3, url="http://elsewhere"))
    moved = known()
    objects.remove(KEY, "uid-1")
    gone = known()

    assert before == [{KEY, b}, {b}, {KEY, b}]
    assert moved == [{b}, set(), {KEY, b}]
    assert gone == [{b}, set(), {b}]


def test_the_indices_hold_nothing_of_what_is_gone() -> None:
    objects = Objects()
    for number in range(50):
        objects.put(body(1, uid=f"uid-{number}", url=f"http://w{number}"))
        objects.put(body(2, uid=f"uid-{number}", url=f"http://v{number}"))
        objects.remove(KEY, f"uid-{number}")

    assert (dict(objects._by_gateway), dict(objects._by_place), list(objects)) == ({}, {}, [])


@pytest.mark.parametrize(
    ("urls", "concerned"),
    [({"http://w"}, True), ({"http://former"}, True), ({"http://other"}, False), (set(), False)],
    ids=["declared", "registered", "another", "none"],
)
def test_whom_a_changed_entry_concerns(urls: set[str], concerned: bool) -> None:
    objects = Objects()
    objects.put(body(1, status={"worker": {"url": "http://former"}}))

    assert objects.concerns(KEY, frozenset(urls)) is concerned


STRANGE: list[dict[str, Any]] = [
    {},
    {"spec": None},
    {"spec": {"gatewayRef": None}},
    {"spec": {"gatewayRef": "gw"}},
    {"spec": {"gatewayRef": {"name": 7}, "url": "http://w"}},
]


@pytest.mark.parametrize("strange", STRANGE, ids=str)
def test_an_object_that_no_schema_has_checked_ends_nothing(strange: dict[str, Any]) -> None:
    found = body(1)
    del found["spec"]

    assert Objects().put(found | strange)
    assert gateway_of(found | strange) is None


@pytest.mark.parametrize("url", [None, 7, "", "not a url", "http://user@w"], ids=str)
def test_a_url_that_can_not_be_read_is_no_place(url: Any) -> None:
    assert place_of(body(1, url=url)) is None
