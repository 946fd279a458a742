"""Modules that a replica has kept and that nobody declares, nor has since this process began: they are swept."""

import asyncio

import pytest

from herder.workflows.owner import Owner
from herder.workflows.wasm import ModuleName
from herder.workflows.wasm.files import LocalFiles
from unit.controller.fake_kube import NAMESPACE
from unit.controller.office import GATEWAY, INSTALLATION, Office, at_work
from unit.workflows.wasm.fakes import FakeFiles, module


@pytest.fixture(autouse=True)
def _no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalFiles, "read", FakeFiles().read)


LEFT = {
    "a resource that is gone made it": (INSTALLATION, False, True),
    "it was left on purpose": (INSTALLATION, True, False),
    "another installation made it": ("elsewhere", False, False),
}


@pytest.mark.parametrize(("installation", "stays", "is_swept"), LEFT.values(), ids=LEFT)
@at_work
async def test_what_is_swept(office: Office, installation: str, stays: bool, is_swept: bool) -> None:
    await office.until(office.says(GATEWAY, "Reachable"))
    owner = Owner(installation, NAMESPACE, "former", "uid-0")
    office.a.wasm.listed.append(module(str(ModuleName(owner, "hash", stays))))
    await asyncio.sleep(60)

    assert (office.a.wasm.listed == []) is is_swept
    assert (("Normal", "OrphanRemoved") in office.told(GATEWAY)) is is_swept
