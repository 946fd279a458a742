"""For the workflows of tokenizers: what is there before them, what sets them off, and how they must end."""

import json

from real.controller.kill_oracle import Expected
from real.controller.kill_scenario import Deletion, Scenario, Stand
from rig.gateway import Smg
from rig.run import shared_folder
from rig.tokenizers import loaded, write_tokenizer
from rig.waiting import eventually
from rig.web import fetch


class _TokenizerScenario(Scenario):
    """A tokenizer of the namespace's gateway `gw`, with a name that no other case has; `listed` is name and source."""

    def __init__(self, stand: Stand) -> None:
        super().__init__(stand)
        folder = shared_folder() / "tokenizers" / stand.declared.namespace
        self._source = write_tokenizer(folder / "one", "hello", "world")
        self._other = write_tokenizer(folder / "other", "world", "hello")
        self._name = f"{stand.declared.namespace}/model"
        self.expected = Expected((f"{self._name} {self._source}",))
        self.declare_gateways()

    @property
    def path(self) -> str:
        return self.stand.declared.path("t", "tokenizers")

    async def prepare(self) -> None:
        self._declare()
        await self.stand.ready(self.path)

    def _declare(self, name: str = "", **annotations: str) -> None:
        body = {
            "apiVersion": "herder.dev/v1alpha1",
            "kind": "Tokenizer",
            "metadata": {"name": "t", "namespace": self.stand.declared.namespace, "annotations": annotations},
            "spec": {"gatewayRef": {"name": "gw"}, "name": name or self._name, "source": str(self._source)},
        }
        self.stand.declared.cluster.apply(self.path, body)

    def listed(self, replica: Smg) -> list[str]:
        return [f"{name} {source}" for name, source in loaded(replica.url).items() if name.startswith(self._name)]


class LoadedInPlaceOfAnothers(_TokenizerScenario):
    """The name is taken by what somebody else loaded from elsewhere, and adopted: each replica is to be replaced."""

    async def prepare(self) -> None:
        body = json.dumps({"name": self._name, "source": str(self._other)}).encode()
        for replica in self.stand.replicas:
            fetch(f"{replica.url}/v1/tokenizers", method="POST", body=body)
        await eventually(lambda: all(self.listed(replica) for replica in self.stand.replicas))

    async def begin(self) -> None:
        self._declare(**{"herder.dev/adopt": "true"})


class Unloaded(Deletion, _TokenizerScenario):
    """It is deleted."""


class Renamed(_TokenizerScenario):
    """Its name is changed: it is taken off under the old one, which is written, unlike the end of a deletion."""

    async def begin(self) -> None:
        name = f"{self._name}-2"
        self.expected = Expected((f"{name} {self._source}",))
        self._declare(name)
