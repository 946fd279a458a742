"""Replicas that two ModelGateways name: the older one drives them, the other is told so and leaves them alone."""

import asyncio
from typing import Any

import pytest

from herder.api.gateway import ModelGatewaySpec
from herder.controller.cluster.errors import Unreached
from herder.controller.fleet.lookup import Lookup
from herder.controller.fleet.sharing import Sharing
from herder.controller.known.objects import Key
from herder.gateway.spec import WorkerSpec
from unit.controller.fake_kube import NAMESPACE, Call
from unit.controller.office import ENDPOINTS, GATEWAY, ListedReplica, Office, at_work

A, B = ENDPOINTS
C = "http://replica-c"
YOUNGER = Key(GATEWAY.kind, NAMESPACE, "younger")
OF_YOUNGER: dict[str, Any] = {"gatewayRef": {"name": "younger"}}


def younger(office: Office, *endpoints: str, **spec: Any) -> None:
    """Declare another gateway, the first time with a replica C, too."""
    office.replicas.setdefault(C, ListedReplica(C, office.workers))
    office.kube.apply(YOUNGER.kind, YOUNGER.name, {"endpoints": list(endpoints), **spec})


@at_work
async def test_a_gateway_whose_replicas_an_older_one_drives_says_so_and_touches_none(office: Office) -> None:
    older = office.worker("a")
    await office.registered(older)

    younger(office, *ENDPOINTS)
    key = office.worker("b", **OF_YOUNGER)
    await office.until(office.says(YOUNGER, "Conflict"))
    await office.until(office.says(key, "Conflict"))
    await asyncio.sleep(60)

    said, of_member = office.condition(YOUNGER), office.condition(key)
    assert [office.listed(each) for each in ENDPOINTS] == [["http://a:8000"]] * 2
    assert "is driven for the older ModelGateway gw" in said["message"]
    assert (said["status"], office.condition(YOUNGER, "Stalled")["reason"]) == ("False", "Conflict")
    assert of_member["message"].startswith("ModelGateway younger: http://replica-a and 1 more is driven for the older")
    assert office.condition(older)["reason"] == office.condition(GATEWAY)["reason"].replace("Reachable", "Registered")


@at_work
async def test_of_some_replicas_that_an_older_gateway_drives_the_others_are_driven_all_the_same(office: Office) -> None:
    younger(office, B, C)
    key = office.worker("b", **OF_YOUNGER)
    await office.registered(key)
    await office.until(office.says(YOUNGER, "Conflict"))

    assert (office.listed(B), office.listed(C)) == ([], ["http://b:8000"])
    assert office.kube.status(YOUNGER)["ready"] == "1/2"
    assert [row["endpoint"] for row in office.kube.status(YOUNGER)["replicas"]] == [C]
    assert office.condition(YOUNGER)["message"].startswith(f"its one replica answers; {B} is driven for the older")


@at_work
async def test_the_younger_gateway_takes_over_once_the_older_one_is_gone(office: Office) -> None:
    younger(office, *ENDPOINTS)
    key = office.worker("b", **OF_YOUNGER)
    await office.until(office.says(key, "Conflict"))

    office.kube.remove(GATEWAY)
    await office.registered(key)
    await office.until(office.says(YOUNGER, "Reachable"))

    assert [office.listed(each) for each in ENDPOINTS] == [["http://b:8000"]] * 2


@at_work
async def test_of_two_gateways_neither_becomes_the_others_while_it_is_going(office: Office) -> None:
    older = office.worker("a")
    await office.registered(older)
    younger(office, *ENDPOINTS)
    key = office.worker("b", **OF_YOUNGER)
    await office.until(office.says(key, "Conflict"))

    for going in (YOUNGER, GATEWAY):
        office.kube.touch(going, finalizers=["example.com/slow"], deletionTimestamp="2030-01-01T00:00:00Z")
        await asyncio.sleep(60)

    assert [office.listed(each) for each in ENDPOINTS] == [["http://a:8000"]] * 2
    assert office.condition(key)["reason"] == "Conflict"


@at_work
async def test_a_younger_gateway_waits_after_a_restart_until_it_is_known_what_the_older_one_names(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    younger(office, *ENDPOINTS)
    key = office.worker("b", **OF_YOUNGER)
    await office.until(office.says(key, "Conflict"))
    endpoints_of = Lookup.endpoints

    async def slowly(lookup: Lookup, of: Key, spec: ModelGatewaySpec) -> tuple[str, ...]:
        await asyncio.sleep(5 if of == GATEWAY else 0)
        return await endpoints_of(lookup, of, spec)

    monkeypatch.setattr(Lookup, "endpoints", slowly)
    await office.restart()
    await asyncio.sleep(60)

    assert [office.replicas[each].count("add_worker") for each in ENDPOINTS] == [0, 0]
    assert office.condition(key)["reason"] == "Conflict"


@at_work
async def test_the_younger_gateway_takes_over_what_the_older_one_names_no_more(office: Office) -> None:
    younger(office, *ENDPOINTS)
    key = office.worker("b", **OF_YOUNGER)
    await office.until(office.says(key, "Conflict"))

    office.gateway(A)
    await office.registered(key)

    assert (office.listed(A), office.listed(B)) == ([], ["http://b:8000"])


@at_work
async def test_a_replica_that_an_older_gateway_comes_to_name_is_left_to_it_with_what_is_there(office: Office) -> None:
    office.gateway(A)
    younger(office, B)
    key = office.worker("b", **OF_YOUNGER)
    await office.registered(key)

    office.gateway(A, B)
    await office.until(office.says(key, "Conflict"))
    await asyncio.sleep(60)
    kept = office.listed(B)
    office.kube.delete(key)
    await office.until(lambda: office.is_gone(key))
    await office.until(lambda: office.listed(B) == [])

    assert kept == ["http://b:8000"]


@at_work
async def test_what_is_on_a_replica_that_the_younger_gateway_lost_is_swept_once_that_names_it_no_more(
    office: Office,
) -> None:
    office.gateway(A)
    younger(office, B, C)
    key = office.worker("b", **OF_YOUNGER)
    await office.registered(key)

    office.gateway(A, B)
    await office.until(lambda: office.kube.status(key).get("registered") == "1/1")
    await asyncio.sleep(60)
    kept = office.listed(B)
    younger(office, C)
    await office.until(lambda: office.listed(B) == [])

    assert kept == ["http://b:8000"]
    assert office.listed(C) == ["http://b:8000"]


@at_work
async def test_a_gateway_that_only_observes_stands_in_nobodys_way(office: Office) -> None:
    office.gateway(mode="Observe")
    younger(office, *ENDPOINTS)
    await office.registered(office.worker("b", **OF_YOUNGER))
    observed = office.worker("a")
    await office.until(office.says(observed, "Observed"))

    assert office.condition(YOUNGER)["reason"] == office.condition(GATEWAY)["reason"] == "Reachable"


@at_work
async def test_an_older_gateway_that_can_not_be_driven_for_now_keeps_its_replicas(office: Office) -> None:
    office.kube.remove(GATEWAY)
    office.gateway(auth={"apiKeySecretRef": {"name": "missing", "key": "token"}})
    await office.until(office.says(GATEWAY, "SecretNotFound"))

    younger(office, *ENDPOINTS)
    await office.until(office.says(YOUNGER, "Conflict"))
    await asyncio.sleep(60)

    assert office.condition(YOUNGER)["reason"] == "Conflict"


@at_work
async def test_a_worker_goes_to_another_gateway_of_the_same_replicas_without_a_gap(office: Office) -> None:
    key = office.worker("a")
    await office.registered(key)
    ids = [worker.id for worker in office.a.listed]
    younger(office, *ENDPOINTS)

    office.worker("a", **OF_YOUNGER)
    await office.until(office.says(key, "Conflict"))
    office.kube.remove(GATEWAY)
    await office.until(lambda: office.kube.status(key).get("gateway") == "younger")
    await office.registered(key)

    assert [worker.id for worker in office.a.listed] == ids
    assert office.a.count("delete_worker") == 0


@at_work
async def test_what_is_registered_under_another_url_of_a_replica_is_no_orphan(office: Office) -> None:
    younger(office, *office.aliased())
    keys = [office.worker("a"), office.worker("b", **OF_YOUNGER)]
    for key in keys:
        await office.registered(key)
    ids = sorted(worker.id for worker in office.a.listed)

    await asyncio.sleep(120)

    assert sorted(worker.id for worker in office.a.listed) == ids
    assert ("Normal", "OrphanRemoved") not in office.told(GATEWAY) + office.told(YOUNGER)


@at_work
async def test_what_was_given_back_under_another_url_of_a_replica_is_no_orphan_before_the_status_says_so(
    office: Office,
) -> None:
    younger(office, *office.aliased())
    keys = [office.worker("a"), office.worker("b", **OF_YOUNGER)]
    for key in keys:
        await office.registered(key)

    async def refuse(call: Call) -> None:
        if call.method == "PATCH":
            raise Unreached("503")

    office.kube.gate = refuse
    office.a.restart()
    await office.until(lambda: office.listed() != [])
    await asyncio.sleep(60)

    assert office.a.count("delete_worker") == 0


@at_work
async def test_what_a_worker_left_on_a_former_gateway_is_an_orphan_there_still(office: Office) -> None:
    younger(office, C)
    key = office.worker("a", **OF_YOUNGER)
    await office.registered(key)
    [worker] = office.replicas[C].listed

    office.a.enter(WorkerSpec(url=worker.url, labels=worker.labels))

    await office.until(lambda: office.listed(A) == [])
    assert office.listed(C) == ["http://a:8000"]


def body(name: str, age_s: int, namespace: str = NAMESPACE) -> dict[str, Any]:
    created = f"2030-01-01T00:00:{age_s:02d}Z"
    metadata = {"namespace": namespace, "name": name, "creationTimestamp": created, "uid": f"uid-{name}"}
    return {"kind": GATEWAY.kind, "metadata": metadata}


def key_of(name: str, namespace: str = NAMESPACE) -> Key:
    return Key(GATEWAY.kind, namespace, name)


TAKEN: dict[str, tuple[dict[str, tuple[int, list[str], bool]], dict[str, str]]] = {
    "nobody else names it": ({"x": (0, [B], True)}, {}),
    "an older one names it": ({"x": (0, [A, B], True)}, {A: "x"}),
    "a younger one names it": ({"x": (9, [A], True)}, {}),
    "one of the same second names it": ({"a": (5, [A], True), "z": (5, [C], True)}, {A: "a"}),
    "of several older ones the oldest": ({"x": (2, [A, C], True), "y": (1, [A], True)}, {A: "y", C: "x"}),
    "an older one observes it": ({"x": (0, [A], False)}, {}),
}


@pytest.mark.parametrize(("others", "taken"), TAKEN.values(), ids=TAKEN)
def test_which_replicas_are_taken(others: dict[str, tuple[int, list[str], bool]], taken: dict[str, str]) -> None:
    sharing = Sharing()
    sharing.note(body("m", 5), [A, C], drives=True)
    for name, (age_s, endpoints, drives) in others.items():
        sharing.note(body(name, age_s), endpoints, drives=drives)

    assert {endpoint: by.name for endpoint, by in sharing.taken(key_of("m")).items()} == taken


def test_gateways_of_two_namespaces_do_not_take_replicas_from_each_other() -> None:
    sharing = Sharing()
    sharing.note(body("x", 0, "other"), [A], drives=True)

    touched = sharing.note(body("m", 5), [A], drives=True)

    assert (sharing.taken(key_of("m")), touched) == ({}, frozenset())


def test_those_are_told_who_name_a_replica_that_is_named_or_is_no_more() -> None:
    sharing = Sharing()
    sharing.note(body("x", 0), [A], drives=True)
    sharing.note(body("y", 1), [B], drives=True)

    named = sharing.note(body("m", 5), [A], drives=True)
    same = sharing.note(body("m", 5), [A], drives=True)
    moved = sharing.note(body("m", 5), [B], drives=True)
    gone = sharing.forget(key_of("m"))

    x, y = key_of("x"), key_of("y")
    assert [set(each) for each in (named, same, moved, gone)] == [{x}, set(), {x, y}, {y}]
    assert not sharing.names(key_of("m"), B)
