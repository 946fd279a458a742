"""The module's file on herder's own disk: read where it is one, judged by the gateway's own judge."""

import os
from pathlib import Path

import pytest

from herder.workflows.wasm.files import LocalFiles, component_fault
from unit.engine.kit import elapsed_s, virtual_time
from unit.workflows.wasm.fakes import ONE, PATH, TWO, FakeFiles, World, plan, sha

COMPONENT = b"\0asm\x0d\0\x01\0"
CORE_MODULE = b"\0asm\x01\0\0\0"


async def test_a_file_is_read_with_its_hash_and_where_it_really_lies(tmp_path: Path) -> None:
    (tmp_path / "real.wasm").write_bytes(COMPONENT)
    (tmp_path / "a.wasm").symlink_to(tmp_path / "real.wasm")

    file = await LocalFiles().read(str(tmp_path / "a.wasm"))

    assert file is not None
    assert (file.content, file.sha256, file.path) == (COMPONENT, sha(COMPONENT), str(tmp_path / "real.wasm"))


async def test_what_is_no_file_is_left_to_the_replicas_and_a_pipe_does_not_block(tmp_path: Path) -> None:
    (tmp_path / "folder.wasm").mkdir()
    os.mkfifo(tmp_path / "pipe.wasm")

    found = [await LocalFiles().read(str(tmp_path / name)) for name in ("none.wasm", "folder.wasm", "pipe.wasm")]

    assert found == [None, None, None]


async def test_a_file_that_is_too_large_to_check_is_left_to_the_replicas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("herder.workflows.wasm.files.MAX_CHECKED_BYTES", 7)
    (tmp_path / "a.wasm").write_bytes(COMPONENT)

    assert await LocalFiles().read(str(tmp_path / "a.wasm")) is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(COMPONENT, None, id="the smallest component"),
        pytest.param(b"(component)", None, id="a component as text, which the gateway takes as well"),
        pytest.param(CORE_MODULE, "wasm-tools component new", id="a core module"),
        pytest.param(b"(module)", "component", id="a core module as text"),
        pytest.param(b"this is not wasm", "expected `(`", id="something else"),
        pytest.param(COMPONENT + b"\x63", "unexpected", id="a component that is cut off"),
    ],
)
async def test_only_components_pass(content: bytes, says: str | None) -> None:
    fault = await component_fault(content)

    assert fault is None if says is None else says in (fault or "")
    assert fault is None or fault.isprintable()


@pytest.mark.parametrize(
    ("files", "reason", "says"),
    [
        pytest.param(FakeFiles({PATH: TWO}), "calculate_hash: Sha256Mismatch", sha(TWO), id="another content"),
        pytest.param(
            FakeFiles({PATH: CORE_MODULE}), "validate_component: NotAComponent", "core module", id="no component"
        ),
        pytest.param(
            FakeFiles({PATH: ONE}, leads_to="/etc/shadow.wasm"),
            "validate_descriptor: PathRefused",
            "leads to /etc/shadow.wasm",
            id="a link into a folder of the system",
        ),
    ],
)
async def test_what_can_be_read_here_is_refused_before_a_replica_is_asked(
    files: FakeFiles, reason: str, says: str
) -> None:
    world = World(files=files)
    declared = plan() if "NotA" in reason else plan(content=ONE)

    ended = await world.register(declared)

    assert ended.reason == reason
    assert says in ended.message
    assert (world.a.calls, world.b.calls) == ([], [])


@virtual_time
async def test_an_empty_file_may_still_be_copied_and_is_waited_for_two_minutes() -> None:
    world = World(files=FakeFiles({PATH: b""}))

    ended = await world.register(plan(content=ONE))

    assert ended.reason == "calculate_hash: FileUnreadable"
    assert 115 < elapsed_s() < 130


async def test_a_component_that_lies_here_passes_all_checks() -> None:
    world = World(files=FakeFiles({PATH: COMPONENT}))
    world.a.files[PATH] = world.b.files[PATH] = b"(component)"

    ended = await world.register(plan(content=COMPONENT))

    assert (ended.steps["calculate_hash"], ended.steps["validate_component"]) == ("Succeeded", "Succeeded")
    assert ended.reason == "verify: Sha256Mismatch"
