"""A replica that answers, but not with one of its lists: its gateway says which, and nothing is Ready by hearsay."""

import asyncio
from typing import Any

import pytest

from herder.controller.known.objects import Key
from herder.gateway.errors import Transient, WasmDisabled
from herder.workflows.wasm.files import LocalFiles
from unit.controller.fake_kube import NAMESPACE
from unit.controller.office import ENDPOINTS, GATEWAY, Office, at_work
from unit.workflows.tokenizer_world import NAME, SOURCE
from unit.workflows.wasm.fakes import PATH, FakeFiles

A = ENDPOINTS[0]
BROKEN = [Transient("the gateway answered 500: boom")] * 10_000


@pytest.fixture(autouse=True)
def _no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalFiles, "read", FakeFiles().read)


def module(office: Office, name: str = "m") -> Key:
    office.kube.apply("WasmModule", name, {"gatewayRef": {"name": "gw"}, "source": {"path": PATH}})
    return Key("WasmModule", NAMESPACE, name)


def tokenizer(office: Office) -> Key:
    office.kube.apply("Tokenizer", "t", {"gatewayRef": {"name": "gw"}, "name": NAME, "source": SOURCE})
    return Key("Tokenizer", NAMESPACE, "t")


def row(office: Office) -> dict[str, Any]:
    found: dict[str, Any] = office.kube.status(GATEWAY)["replicas"][0]
    return found


KINDS = {
    "modules": (module, "wasm", "list", "modules"),
    "tokenizers": (tokenizer, "tokenizers", "list_tokenizers", "tokenizers"),
}


@pytest.mark.parametrize(("declare", "registry", "call", "called"), KINDS.values(), ids=KINDS)
@at_work
async def test_what_can_not_be_read_is_unknown_until_it_can(
    office: Office, declare: Any, registry: str, call: str, called: str
) -> None:
    key = declare(office)
    await office.registered(key)
    await office.until(lambda: row(office).get("registered") == 1)
    faulty = getattr(office.a, registry)

    faulty.fails[call] = list(BROKEN)
    await office.until(office.says(key, "RegistryUnreadable"))
    await office.until(office.says(GATEWAY, "RegistryUnreadable"))
    of_key, of_gateway, shown = office.condition(key), office.condition(GATEWAY), row(office)
    await asyncio.sleep(60)
    later, writes = row(office), office.writes(key) + office.writes(GATEWAY)
    await asyncio.sleep(600)
    quiet = office.writes(key) + office.writes(GATEWAY) == writes
    faulty.fails.clear()
    await office.until(office.says(GATEWAY, "Reachable"), within_s=15)
    await office.until(office.says(key, "Registered"), within_s=15)

    assert of_key["status"] == of_gateway["status"] == "Unknown"
    assert of_key["message"] == (
        f"registered on 1/2 replicas; what {A} lists can't be read: the gateway answered 500: boom"
    )
    assert of_gateway["message"] == (
        f"2 of 2 replicas answer; the list of {called} of {A} can't be read: the gateway answered 500: boom"
    )
    assert (shown["state"], shown["unreadable"]) == ("Reachable", [registry])
    assert (later["unreadableSince"], quiet) == (shown["unreadableSince"], True)
    assert "unreadable" not in row(office) or row(office)["unreadable"] == []


@at_work
async def test_a_list_that_can_not_be_read_a_moment_says_nothing(office: Office) -> None:
    key = module(office)
    await office.registered(key)
    await asyncio.sleep(30)
    writes = office.writes(key) + office.writes(GATEWAY)

    office.a.wasm.fails["list"] = [Transient("500")]
    await asyncio.sleep(60)

    assert office.a.wasm.fails["list"] == []
    assert office.writes(key) + office.writes(GATEWAY) == writes


@at_work
async def test_a_list_that_nobody_needs_makes_no_gateway_unready(office: Office) -> None:
    await office.registered(office.worker())

    office.a.wasm.fails["list"] = list(BROKEN)
    await asyncio.sleep(60)

    assert office.condition(GATEWAY)["status"] == "True"
    assert "unreadable" not in row(office) or row(office)["unreadable"] == []


@at_work
async def test_a_replica_that_does_not_say_what_it_offers_is_shown_and_routable_is_not_said_any_more(
    office: Office,
) -> None:
    key = office.worker()
    await office.registered(key)
    await office.until(lambda: office.condition(key, "Routable"))

    office.a.fails["list_model_ids"] = list(BROKEN)
    await office.until(lambda: not office.condition(key, "Routable"))
    await office.until(lambda: row(office).get("unreadable") == ["models"])

    assert office.condition(key)["status"] == office.condition(GATEWAY)["status"] == "True"


@at_work
async def test_a_replica_that_keeps_no_modules_any_more_has_lost_them(office: Office) -> None:
    key = module(office)
    await office.registered(key)

    office.a.wasm.fails = {call: [WasmDisabled("start it with --enable-wasm")] * 10_000 for call in ALL_CALLS}
    await office.until(lambda: office.condition(key, "Stalled"))

    assert "start it with --enable-wasm" in office.condition(key)["message"]
    assert office.condition(GATEWAY)["status"] == "True"


ALL_CALLS = ("list", "add", "delete")


@at_work
async def test_what_is_seldom_read_is_read_soon_again_where_it_can_not_be(office: Office) -> None:
    office.gateway(resyncSeconds=3600)
    key = module(office)
    await office.registered(key)
    office.a.wasm.fails["list"] = list(BROKEN)
    office.operator.fleet.gateways.hurry(GATEWAY, A)
    await office.until(office.says(key, "RegistryUnreadable"), within_s=30)

    office.a.wasm.fails.clear()

    await office.until(office.says(key, "Registered"), within_s=15)
