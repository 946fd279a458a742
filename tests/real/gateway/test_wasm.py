"""The registry of modules on a real replica: what the gateway does, and that the client is not taken in by it."""

import asyncio
import json
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from secrets import token_hex

import pytest

from herder.gateway.errors import (
    DuplicateModule,
    FileUnreadable,
    GatewayError,
    Gone,
    NotAComponent,
    Permanent,
    Unavailable,
    WasmDisabled,
)
from herder.gateway.replica import Replica
from herder.gateway.wasm import ModuleSpec, WasmRegistry
from herder.net.http import Http
from herder.workflows.owner import Owner
from herder.workflows.wasm import ModuleName
from real.gateway.steps import NOWHERE, until
from rig.gateway import Smg
from rig.wasm import ModuleFolder, component, sha256

POINTS = ("OnRequest",)


@pytest.fixture(scope="module")
def smg(log_dir: Path) -> Iterator[Smg]:
    """A replica that keeps modules; each test has files of its own."""
    started = Smg.start("--enable-wasm", log_dir=log_dir)
    yield started
    started.kill()


@pytest.fixture
def wasm(smg: Smg, http: Http) -> WasmRegistry:
    """Its registry, as herder drives it."""
    return Replica(smg.url, http).wasm


@pytest.fixture
def folder(tmp_path: Path) -> ModuleFolder:
    """Where the test's modules lie."""
    return ModuleFolder(tmp_path)


def some() -> bytes:
    """A module that no other test has."""
    return component(token_hex(8))


async def test_a_module_is_listed_when_its_addition_is_answered_and_not_when_its_deletion_is(
    wasm: WasmRegistry, folder: ModuleFolder
) -> None:
    content = some()
    path = folder.put("a.wasm", content)
    name = str(ModuleName(Owner("i" * 36, "n" * 63, "m" * 253, "u" * 36), "h" * 32, is_orphan=True))

    await wasm.add_module(ModuleSpec(name, path, ("OnRequest", "OnResponse")))
    (listed,) = [module for module in await wasm.list_modules() if module.name == name]
    await wasm.delete_module(listed.id)

    assert (listed.path, listed.sha256, listed.size_bytes) == (path, sha256(content), len(content))
    assert listed.attach_points == ("OnRequest", "OnResponse")
    assert listed not in await wasm.list_modules()


@pytest.mark.parametrize(
    ("file", "content", "kind"),
    [
        pytest.param("none.wasm", None, FileUnreadable, id="no file"),
        pytest.param("empty.wasm", b"", FileUnreadable, id="an empty file"),
        pytest.param("core.wasm", b"\0asm\x01\0\0\0", NotAComponent, id="a core module"),
        pytest.param("text.wasm", b"this is not wasm", NotAComponent, id="something else"),
        pytest.param("a.txt", b"(component)", Permanent, id="another ending"),
    ],
)
async def test_the_kind_of_a_refusal_says_whether_to_try_again(
    wasm: WasmRegistry, folder: ModuleFolder, file: str, content: bytes | None, kind: type[GatewayError]
) -> None:
    path = folder.put(file, content) if content is not None else str(folder.path / file)

    with pytest.raises(GatewayError) as caught:
        await wasm.add_module(ModuleSpec(file, path, POINTS))

    assert type(caught.value) is kind


async def test_a_content_is_registered_once_also_when_many_ask_at_the_same_time(
    wasm: WasmRegistry, folder: ModuleFolder
) -> None:
    content = some()
    path = folder.put("a.wasm", content)

    asked = [wasm.add_module(ModuleSpec(f"{path}-{number}", path, POINTS)) for number in range(5)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)

    refusals = [each for each in outcomes if isinstance(each, DuplicateModule)]
    assert (outcomes.count(None), len(refusals)) == (1, 4)
    assert {each.sha256 for each in refusals} == {sha256(content)}
    assert [module.sha256 for module in await wasm.list_modules()].count(sha256(content)) == 1


async def test_of_two_modules_with_one_name_the_answer_may_name_the_other_so_it_is_looked_up(
    wasm: WasmRegistry, folder: ModuleFolder
) -> None:
    contents = [some(), some()]
    name = token_hex(8)

    for number, content in enumerate(contents):
        await wasm.add_module(ModuleSpec(name, folder.put(f"{number}.wasm", content), POINTS))

    listed = {module.sha256: module.id for module in await wasm.list_modules() if module.name == name}
    assert listed.keys() == set(map(sha256, contents))


async def test_an_addition_whose_caller_hangs_up_may_be_carried_out(
    wasm: WasmRegistry, smg: Smg, folder: ModuleFolder
) -> None:
    content = some()
    body = {"modules": [ModuleSpec(token_hex(8), folder.put("a.wasm", content), POINTS).body()]}
    pauses_s = cycle((0.0, 0.01, 0.02, 0.04, 0.08))  # an answer takes 0.1 s at least

    async def is_listed_though_nobody_waits() -> bool:
        await post_and_hang_up(smg, json.dumps(body).encode(), after_s=next(pauses_s))
        return sha256(content) in {module.sha256 for module in await wasm.list_modules()}

    await until(is_listed_though_nobody_waits)


async def post_and_hang_up(smg: Smg, body: bytes, *, after_s: float) -> None:
    """Send an addition and close the connection without reading an answer."""
    head = f"POST /wasm HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", int(smg.url.rpartition(":")[2]))
    writer.write(head.encode() + body)
    await writer.drain()
    await asyncio.sleep(after_s)
    writer.close()


async def test_a_file_that_is_changed_or_gone_later_changes_nothing(wasm: WasmRegistry, folder: ModuleFolder) -> None:
    content = some()
    path = folder.put("a.wasm", content)
    await wasm.add_module(ModuleSpec(path, path, POINTS))

    folder.put("a.wasm", some())

    assert [module.sha256 for module in await wasm.list_modules() if module.path == path] == [sha256(content)]


async def test_an_id_that_the_gateway_does_not_know_is_gone(wasm: WasmRegistry) -> None:
    with pytest.raises(Gone):
        await wasm.delete_module(NOWHERE)


async def test_a_gateway_that_keeps_no_modules_says_how_to_start_it(own_smg: Smg, http: Http) -> None:
    wasm = Replica(own_smg.url, http).wasm

    for call in (wasm.list_modules(), wasm.add_module(ModuleSpec("a", "/a.wasm", POINTS)), wasm.delete_module(NOWHERE)):
        with pytest.raises(WasmDisabled, match="--enable-wasm"):
            await call


async def test_a_replica_that_is_away_says_nothing_of_its_modules(own_smg: Smg, http: Http) -> None:
    own_smg.kill()

    with pytest.raises(Unavailable):
        await Replica(own_smg.url, http).wasm.list_modules()
