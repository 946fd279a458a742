"""For the workflows of modules: what is there before them, what sets them off, and how they must end."""

import json
from typing import Any

from real.controller.kill_oracle import Expected
from real.controller.kill_scenario import Deletion, Scenario, Stand
from rig.gateway import Smg
from rig.run import shared_folder
from rig.wasm import ModuleFolder, component, sha256
from rig.web import fetch


class _ModuleScenario(Scenario):
    """A module of the namespace's gateway `gw`, with a content that no other case has; `listed` are path and hash."""

    def __init__(self, stand: Stand) -> None:
        super().__init__(stand)
        folder = ModuleFolder(shared_folder() / "modules" / stand.declared.namespace)
        folder.path.mkdir(parents=True)
        self._folder = folder
        self._content = component(f"{stand.declared.namespace}-a")
        self._path = folder.put("a.wasm", self._content)
        self.expected = Expected((f"{self._path} {sha256(self._content)}",))
        self.declare_gateways()

    @property
    def path(self) -> str:
        return self.stand.declared.path("m", "wasmmodules")

    async def prepare(self) -> None:
        self._declare()
        await self.stand.ready(self.path)

    def _declare(self, path: str = "", gateway: str = "gw") -> None:
        spec = {"gatewayRef": {"name": gateway}, "source": {"path": path or self._path}}
        self.stand.declared.apply("WasmModule", "m", spec)

    def listed(self, replica: Smg) -> list[str]:
        modules: list[dict[str, Any]] = json.loads(fetch(f"{replica.url}/wasm"))["modules"]
        metas = [module["module_meta"] for module in modules]
        ours = (meta for meta in metas if meta["file_path"].startswith(str(self._folder.path)))
        return [f"{meta['file_path']} {meta['sha256_hash']}" for meta in ours]


class Added(_ModuleScenario):
    """It is declared."""

    async def prepare(self) -> None:
        return

    async def begin(self) -> None:
        self._declare()


class Replaced(_ModuleScenario):
    """Another file is declared in its place: the second registration of the case, each step of which is tried once."""

    count = 2

    async def begin(self) -> None:
        content = component(f"{self.stand.declared.namespace}-b")
        path = self._folder.put("b.wasm", content)
        self.expected = Expected((f"{path} {sha256(content)}",))
        self._declare(path)


class Removed(Deletion, _ModuleScenario):
    """It is deleted."""


class Transferred(_ModuleScenario):
    """It goes to another gateway and is taken off the first one's, which is written, unlike the end of a deletion."""

    async def begin(self) -> None:
        self.expected = Expected((), elsewhere=self.expected.listed)
        self._declare(gateway="other")
