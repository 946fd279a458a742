"""A WasmModule from `kubectl apply` to Ready on three real replicas, at work, changed, refused and deleted."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rig.declared import Declared
from rig.gateway import Smg, running
from rig.operator_process import Operator
from rig.resource import Resource
from rig.waiting import eventually
from rig.wasm import ModuleFolder, component, sha256
from rig.web import fetch

ONE = component("one", header=("x-herder-test", "one"))
TWO = component("two", header=("x-herder-test", "two"))


@dataclass(frozen=True)
class Stage(Resource):
    """The WasmModule `m`, three replicas behind the gateway `gw`, and a folder that all of them read."""

    smgs: tuple[Smg, ...]
    folder: ModuleFolder

    def apply(self, file: str, content: bytes, **spec: Any) -> None:
        """Declare the module, or change its declaration, with the content that its file has."""
        path = self.folder.put(file, content)
        self.write({"gatewayRef": {"name": "gw"}, "source": {"path": path}, "sha256": sha256(content), **spec})

    def listed(self, smg: Smg) -> dict[str, str]:
        """The names of what a replica lists, by sha256."""
        modules = json.loads(fetch(f"{smg.url}/wasm"))["modules"]
        return {each["module_meta"]["sha256_hash"]: each["module_meta"]["name"] for each in modules}

    def have(self, *contents: bytes) -> bool:
        """Whether this is what every replica lists."""
        return all(set(self.listed(smg)) == {sha256(content) for content in contents} for smg in self.smgs)


@pytest.fixture
def smgs(log_dir: Path) -> Iterator[tuple[Smg, ...]]:
    """Three fresh replicas that keep modules."""
    with running(3, "--enable-wasm", log_dir=log_dir) as started:
        yield started


@pytest.fixture
def stage(declared: Declared, smgs: tuple[Smg, ...], start_operator: Callable[..., Operator], tmp_path: Path) -> Stage:
    """The replicas declared, and an operator at work."""
    declared.gateway(smgs)
    start_operator().wait_healthy()
    return Stage(declared, "WasmModule", "m", smgs, ModuleFolder(tmp_path))


async def test_it_is_ready_on_three_replicas_and_gone_from_them_when_it_is_deleted(stage: Stage) -> None:
    stage.apply("a.wasm", ONE)

    found = await stage.until(reason="Registered")

    status = found["status"]
    assert stage.have(ONE)
    assert (status["registered"], status["module"]["sha256"]) == ("3/3", sha256(ONE))
    assert {stage.listed(smg)[sha256(ONE)] for smg in stage.smgs} == {status["module"]["name"]}
    await stage.delete()
    assert stage.have()


async def test_a_changed_content_takes_the_place_of_the_former_one(stage: Stage) -> None:
    stage.apply("a.wasm", ONE)
    first = await stage.until(reason="Registered")

    stage.apply("b.wasm", TWO)
    await eventually(lambda: stage.have(TWO), 20)
    second = await stage.until(reason="Registered")

    assert second["status"]["module"]["name"] != first["status"]["module"]["name"]
    assert second["status"]["module"]["sha256"] == sha256(TWO)


async def test_a_replica_that_lost_it_gets_it_again(stage: Stage) -> None:
    stage.apply("a.wasm", ONE)
    await stage.until(reason="Registered")

    stage.smgs[0].restart()

    await eventually(lambda: stage.have(ONE), 20)


async def test_a_module_of_somebody_else_is_left_alone_until_it_may_be_adopted(stage: Stage) -> None:
    path = stage.folder.put("theirs.wasm", ONE)
    theirs = {"name": "theirs", "file_path": path, "module_type": "Middleware", "attach_points": []}
    fetch(f"{stage.smgs[0].url}/wasm", method="POST", body=json.dumps({"modules": [theirs]}).encode())
    stage.apply("a.wasm", ONE)

    stalled = await stage.until("Stalled", reason="ForeignEntry")
    before = stage.listed(stage.smgs[0])
    stage.annotate(adopt="true")
    await stage.until(reason="Registered")

    assert before == {sha256(ONE): "theirs"}
    assert stage.smgs[0].url in str(stalled["status"]["conditions"])
    assert stage.have(ONE)
    assert "theirs" not in stage.listed(stage.smgs[0]).values()


async def test_one_that_is_to_stay_stays_and_is_not_swept(stage: Stage) -> None:
    stage.apply("a.wasm", ONE, deletionPolicy="Orphan")
    await stage.until(reason="Registered")

    await stage.delete()

    assert stage.have(ONE)


async def test_a_gateway_that_keeps_no_modules_says_what_to_do(
    declared: Declared, start_operator: Callable[..., Operator], log_dir: Path, tmp_path: Path
) -> None:
    with running(3, log_dir=log_dir) as smgs:
        declared.gateway(smgs)
        start_operator().wait_healthy()
        stage = Stage(declared, "WasmModule", "m", smgs, ModuleFolder(tmp_path))
        stage.apply("a.wasm", ONE)

        found = await stage.until("Stalled")

    assert "--enable-wasm" in str(found["status"]["conditions"])
