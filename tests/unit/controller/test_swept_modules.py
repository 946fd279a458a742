"""Modules that a silent replica kept when their resource was let go: swept, though nobody declares any more."""

import asyncio

import pytest

from herder.workflows.owner import Owner
from herder.workflows.wasm import ModuleName
from herder.workflows.wasm.files import LocalFiles
from unit.controller.fake_kube import NAMESPACE
from unit.controller.office import GATEWAY, INSTALLATION, Office, working
from unit.controller.test_wasm import declare
from unit.engine.kit import virtual_time
from unit.workflows.wasm.fakes import FakeFiles, module


@pytest.fixture(autouse=True)
def _no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalFiles, "read", FakeFiles().read)


async def declared_once(office: Office) -> None:
    """A module comes and goes, so that the registry is read."""
    key = declare(office)
    await office.registered(key)
    office.kube.delete(key)
    await office.until(lambda: office.is_gone(key))
    await asyncio.sleep(15)


LEFT = {
    "a resource that is gone made it": (INSTALLATION, False, True),
    "it was left on purpose": (INSTALLATION, True, False),
    "another installation made it": ("elsewhere", False, False),
}


@pytest.mark.parametrize(("installation", "stays", "is_swept"), LEFT.values(), ids=LEFT)
def test_what_is_swept(installation: str, stays: bool, is_swept: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    @virtual_time
    async def run() -> None:
        async with working(monkeypatch) as office:
            await declared_once(office)
            owner = Owner(installation, NAMESPACE, "former", "uid-0")
            office.a.wasm.listed.append(module(str(ModuleName(owner, "hash", stays))))
            await asyncio.sleep(60)

            assert (office.a.wasm.listed == []) is is_swept
            assert (("Normal", "OrphanRemoved") in office.told(GATEWAY)) is is_swept

    run()
