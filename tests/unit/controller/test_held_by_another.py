"""Two resources of one installation that are both told to adopt one entry: the one that has it keeps it."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from herder.controller.known.objects import Key
from herder.workflows.wasm.files import LocalFiles
from unit.controller.fake_kube import NAMESPACE
from unit.controller.office import Office, at_work
from unit.workflows.tokenizer_world import NAME, SOURCE
from unit.workflows.wasm.fakes import ONE, OTHER_PATH, PATH, FakeFiles

SECOND = {"name": "gw2"}
"""The other gateway, which names the same replicas by other URLs."""


@pytest.fixture(autouse=True)
def _no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalFiles, "read", FakeFiles().read)


def _workers(office: Office) -> Iterator[Key]:
    yield office.worker("a")
    yield office.worker("b", url="http://a:8000", gatewayRef=SECOND)


def _modules(office: Office) -> Iterator[Key]:
    for replica in office.replicas.values():
        replica.wasm.files[OTHER_PATH] = ONE
    for name, path in (("a", PATH), ("b", OTHER_PATH)):
        office.kube.apply("WasmModule", name, {"gatewayRef": {"name": "gw"}, "source": {"path": path}})
        yield Key("WasmModule", NAMESPACE, name)


def _tokenizers(office: Office) -> Iterator[Key]:
    for name, ref in (("a", {"name": "gw"}), ("b", SECOND)):
        office.kube.apply("Tokenizer", name, {"gatewayRef": ref, "name": NAME, "source": SOURCE})
        yield Key("Tokenizer", NAMESPACE, name)


KINDS = {"workers": _workers, "modules": _modules, "tokenizers": _tokenizers}


async def _settled(office: Office, declare: Callable[[Office], Iterator[Key]]) -> tuple[Key, Key]:
    """Have one that has it and one that says why it has not, both told to adopt; return them in this order."""
    office.kube.apply("ModelGateway", "gw2", {"endpoints": office.aliased()})
    declared = declare(office)
    holder = next(declared)
    office.annotate(holder, adopt="true")
    await office.registered(holder)
    other = next(declared)
    office.annotate(other, adopt="true")
    await office.until(office.says(other, "Conflict"))
    return holder, other


@pytest.mark.parametrize("declare", KINDS.values(), ids=KINDS)
@at_work
async def test_it_is_left_to_the_one_that_has_it(office: Office, declare: Callable[[Office], Iterator[Key]]) -> None:
    holder, other = await _settled(office, declare)
    message, writes = office.condition(other)["message"], office.writes(holder) + office.writes(other)

    await asyncio.sleep(600)

    assert f"{holder.kind} {NAMESPACE}/{holder.name}" in message
    assert office.condition(other, "Stalled")["reason"] == "Conflict"
    assert office.writes(holder) + office.writes(other) == writes


@pytest.mark.parametrize("declare", KINDS.values(), ids=KINDS)
@at_work
async def test_it_is_taken_over_once_that_is_gone_and_has_left_it(
    office: Office, declare: Callable[[Office], Iterator[Key]]
) -> None:
    holder, other = await _settled(office, declare)

    spec = office.kube.body(holder)["spec"]
    office.kube.apply(holder.kind, holder.name, {**spec, "deletionPolicy": "Orphan"})
    office.kube.delete(holder)
    await office.until(lambda: office.is_gone(holder))

    await office.registered(other)


@at_work
async def test_without_leave_to_adopt_it_says_so_once_that_is_gone(office: Office) -> None:
    holder, other = await _settled(office, _workers)
    office.annotate(other)

    office.kube.apply(holder.kind, holder.name, {**office.kube.body(holder)["spec"], "deletionPolicy": "Orphan"})
    office.kube.delete(holder)

    await office.until(office.says(other, "ForeignEntry"))
