"""For the workflows of workers: what is there before them, what sets them off, and how they must end."""

from typing import Any

from real.controller.kill_oracle import Expected
from real.controller.kill_scenario import Deletion, Scenario, Stand
from rig.declared import urls_of
from rig.gateway import Smg
from rig.run import shared_folder
from rig.tokenizers import write_tokenizer
from rig.workers import Script
from rig.workers.grpc_worker import GrpcWorker


class _WorkerScenario(Scenario):
    """A worker of the namespace's gateway `gw`; `listed` are its URLs."""

    script = Script()

    def __init__(self, stand: Stand) -> None:
        super().__init__(stand)
        self._worker = stand.workers.add("a", self.script)
        self._urls = {self._worker.url}
        self.expected = Expected((self._worker.url,))
        self.declare_gateways()

    @property
    def path(self) -> str:
        return self.stand.declared.path("a")

    async def prepare(self) -> None:
        self._declare()
        await self.stand.ready(self.path)

    def _declare(self, **spec: Any) -> None:
        self.stand.declared.worker("a", spec.pop("url", self._worker.url), **spec)

    def listed(self, replica: Smg) -> list[str]:
        return [url for url in urls_of(replica) if url in self._urls]


class Registered(_WorkerScenario):
    """It is declared."""

    async def prepare(self) -> None:
        return

    async def begin(self) -> None:
        self._declare()


class Provider(Registered):
    """A provider outside is declared, which has no health check and is asked for its models with a key."""

    script = Script(api_key="k3y", runtime="generic")

    async def begin(self) -> None:
        self.stand.declared.secret("provider", key="k3y")
        self._declare(runtime="External", apiKeySecretRef={"name": "provider", "key": "key"})


class OverGrpc(Registered):
    """A gRPC worker is declared, for which each replica loads a tokenizer."""

    def __init__(self, stand: Stand) -> None:
        super().__init__(stand)
        name = stand.declared.namespace
        tokenizer = write_tokenizer(shared_folder() / "tokenizers" / name, "hello")
        self._server = GrpcWorker(model=f"{name}/model", tokenizer=str(tokenizer)).__enter__()
        self._urls = {self._server.url}
        self.expected = Expected((self._server.url,))

    async def begin(self) -> None:
        self._declare(url=self._server.url)

    def close(self) -> None:
        self._server.__exit__(None, None, None)


class Updated(_WorkerScenario):
    """Its priority is changed, which every replica is to list in the place of the former one."""

    async def begin(self) -> None:
        self.expected = Expected((f"{self._worker.url} 7",))
        self._declare(priority=7)

    def listed(self, replica: Smg) -> list[str]:
        return [f"{each['url']} {each['priority']}" for each in replica.workers() if each["url"] in self._urls]


class Deleted(Deletion, _WorkerScenario):
    """It is deleted."""


class Transferred(_WorkerScenario):
    """It goes to another gateway and is taken off the first one's, which is written, unlike the end of a deletion."""

    async def begin(self) -> None:
        self.expected = Expected((), elsewhere=self.expected.listed)
        self._declare(gatewayRef={"name": "other"})


class Moved(_WorkerScenario):
    """Its URL is changed: it is registered under the new one, and then taken off under the old one."""

    async def begin(self) -> None:
        moved = self.stand.workers.add("b", self.script)
        self._urls.add(moved.url)
        self.expected = Expected((moved.url,))
        self._declare(url=moved.url)


class MovedProvider(Moved):
    """The URL of a provider outside is changed."""

    script = Script(api_key="k3y", runtime="generic")

    def _declare(self, **spec: Any) -> None:
        self.stand.declared.secret("provider", key="k3y")
        super()._declare(**spec, runtime="External", apiKeySecretRef={"name": "provider", "key": "key"})


class MovedOverGrpc(OverGrpc):
    """A worker's URL is changed to that of a gRPC worker, for which each replica loads a tokenizer."""

    async def prepare(self) -> None:
        self._declare()
        await self.stand.ready(self.path)

    async def begin(self) -> None:
        self._urls.add(self._worker.url)
        await super().begin()
