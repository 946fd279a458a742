"""The registry of WebAssembly modules: what is sent, and what a replica's answers come to."""

import asyncio

import pytest

from herder.gateway.errors import (
    DuplicateModule,
    FileUnreadable,
    GatewayError,
    Gone,
    NotAComponent,
    Permanent,
    Transient,
    Unauthorized,
    WasmDisabled,
)
from herder.gateway.wasm import Module, ModuleSpec, WasmRegistry
from unit.gateway.fake import ID, OTHER_ID, Rig, rigged

LIST = "GET /wasm"
POST = "POST /wasm"
DELETE = f"DELETE /wasm/{ID}"
SHA = "7" * 64
SPEC = ModuleSpec("herder.dev/x", "/srv/a.wasm", ("OnRequest", "OnResponse"))
META = {
    "name": "herder.dev/x",
    "file_path": "/srv/a.wasm",
    "sha256_hash": SHA,
    "size_bytes": 1050,
    "created_at": "2026-11-24T08:45:34.814543050Z",
    "access_count": 0,
    "attach_points": [{"Middleware": "OnRequest"}, {"Middleware": "OnResponse"}],
}
LISTED = {"module_uuid": ID, "module_meta": META}
ADDED = (200, {"modules": [SPEC.body() | {"add_result": {"Success": OTHER_ID}}]})


def refused(step: str, text: str) -> tuple[int, object]:
    """A refusal as the gateway words it."""
    error = f"Workflow failed at step {step}: Step failed: {step} - {text}"
    return 400, {"modules": [SPEC.body() | {"add_result": {"Error": error}}]}


@pytest.fixture
def wasm(rig: Rig) -> WasmRegistry:
    """The modules of the rig's replica."""
    return rig.replica.wasm


async def test_a_listed_module_says_where_it_was_read_and_what_was_read(rig: Rig, wasm: WasmRegistry) -> None:
    rig.gateway.will(LIST, (200, {"modules": [LISTED], "metrics": {"total_executions": 0}}))

    listed = await wasm.list_modules()

    assert listed == (
        Module(
            id=ID,
            name="herder.dev/x",
            path="/srv/a.wasm",
            sha256=SHA,
            size_bytes=1050,
            attach_points=("OnRequest", "OnResponse"),
        ),
    )


async def test_those_who_ask_at_the_same_time_share_one_read(rig: Rig, wasm: WasmRegistry) -> None:
    rig.gateway.will(LIST, (200, {"modules": []}))

    await asyncio.gather(*(wasm.list_modules() for _ in range(10)))

    assert rig.gateway.count(LIST) <= 2


async def test_a_module_is_added_in_a_batch_of_one_and_the_id_that_may_be_another_s_is_not_told(
    rig: Rig, wasm: WasmRegistry
) -> None:
    rig.gateway.will(POST, ADDED)

    await wasm.add_module(SPEC)

    assert [asked.body for asked in rig.gateway.asked] == [
        {
            "modules": [
                {
                    "name": "herder.dev/x",
                    "file_path": "/srv/a.wasm",
                    "module_type": "Middleware",
                    "attach_points": [{"Middleware": "OnRequest"}, {"Middleware": "OnResponse"}],
                }
            ]
        }
    ]


async def test_additions_go_one_after_another_for_the_gateway_s_check_for_copies_races(
    rig: Rig, wasm: WasmRegistry
) -> None:
    rig.gateway.will(POST, ADDED)
    under_way, most = 0, 0

    async def linger(_line: str) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1

    rig.gateway.before = linger

    await asyncio.gather(*(wasm.add_module(SPEC) for _ in range(4)))

    assert (rig.gateway.count(POST), most) == (4, 1)


async def test_an_addition_may_take_longer_than_other_calls() -> None:
    async with rigged(call_deadline_s=0.02) as rig:
        rig.gateway.will(POST, ADDED)

        async def compile_it(_line: str) -> None:
            await asyncio.sleep(0.1)

        rig.gateway.before = compile_it

        await rig.replica.wasm.add_module(SPEC)

    assert rig.gateway.count(POST) == 1


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        pytest.param(
            refused("validate_descriptor", "Failed to access file /srv/a.wasm: No such file or directory (os error 2)"),
            FileUnreadable,
            "No such file",
            id="no file",
        ),
        pytest.param(
            refused("calculate_hash", "Failed to read file /srv/a.wasm: Is a directory (os error 21)"),
            FileUnreadable,
            "Is a directory",
            id="a folder",
        ),
        pytest.param(
            refused("validate_descriptor", "Module file size cannot be 0"), FileUnreadable, "size", id="an empty file"
        ),
        pytest.param(
            refused("validate_wasm_component", "Invalid WASM component: failed to parse"),
            NotAComponent,
            "Invalid WASM component",
            id="a core module",
        ),
        pytest.param(
            refused("validate_descriptor", "Access to /etc/ directory is not allowed"),
            Permanent,
            "/etc/",
            id="a forbidden folder",
        ),
        pytest.param(refused("register_module", "poisoned lock"), Transient, "poisoned", id="its own trouble"),
        pytest.param(
            (422, b"Failed to deserialize the JSON body: unknown variant `Foo`"), Permanent, "422", id="a bad body"
        ),
        pytest.param((503, b"busy"), Transient, "503", id="a busy gateway"),
        pytest.param((401, b"Missing or invalid Authorization header"), Unauthorized, "401", id="no key"),
        pytest.param((200, b"<html>"), Transient, "not its own", id="somebody else's page"),
    ],
)
async def test_the_kind_of_a_refusal_says_whether_to_try_again(
    rig: Rig, wasm: WasmRegistry, answer: tuple[int, object], kind: type[GatewayError], says: str
) -> None:
    rig.gateway.will(POST, answer)

    with pytest.raises(GatewayError, match=says) as caught:
        await wasm.add_module(SPEC)

    assert type(caught.value) is kind
    assert "Workflow failed" not in str(caught.value)


async def test_a_duplicate_says_which_content_is_registered_already(rig: Rig, wasm: WasmRegistry) -> None:
    text = f"Duplicate SHA256 hash detected: module with same sha256 already exists: {SHA}"
    rig.gateway.will(POST, refused("check_duplicate", text))

    with pytest.raises(DuplicateModule) as caught:
        await wasm.add_module(SPEC)

    assert caught.value.sha256 == SHA


async def test_a_module_is_deleted_by_its_id(rig: Rig, wasm: WasmRegistry) -> None:
    rig.gateway.will(DELETE, (200, b"Module removed successfully"))

    await wasm.delete_module(ID)

    assert rig.gateway.lines == [DELETE]


async def test_an_id_that_the_gateway_does_not_know_is_gone(rig: Rig, wasm: WasmRegistry) -> None:
    step = "find_module_to_remove"
    text = f"Workflow failed at step {step}: Step failed: {step} - Module with UUID {ID} not found"
    rig.gateway.will(DELETE, (400, text.encode()))

    with pytest.raises(Gone):
        await wasm.delete_module(ID)


async def test_another_400_is_no_proof_of_removal(rig: Rig, wasm: WasmRegistry) -> None:
    rig.gateway.will(DELETE, (400, b""))

    with pytest.raises(Permanent):
        await wasm.delete_module(ID)


@pytest.mark.parametrize("module_id", ["../workers", "", "7", ID + "/x"])
async def test_nothing_but_a_uuid_becomes_part_of_a_url(rig: Rig, wasm: WasmRegistry, module_id: str) -> None:
    with pytest.raises(Permanent, match="not a module's id"):
        await wasm.delete_module(module_id)

    assert rig.gateway.asked == []


async def test_a_gateway_that_keeps_no_modules_says_how_to_start_it(rig: Rig, wasm: WasmRegistry) -> None:
    for line in (LIST, POST, DELETE):
        rig.gateway.will(line, (500, b""))

    for call in (wasm.list_modules(), wasm.add_module(SPEC), wasm.delete_module(ID)):
        with pytest.raises(WasmDisabled, match="--enable-wasm"):
            await call
