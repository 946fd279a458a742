"""For every workflow: what is there before it, what sets it off, and how it must end.

A workflow without a scenario fails the sweep, and so does a step that its scenario never comes to: a new one can't be
forgotten.
"""

from collections.abc import Mapping
from typing import Any, Final

from herder.controller.failpoints import END, Failpoint, Moment
from real.controller import kill_mcp as mcp
from real.controller.kill_oracle import Expected
from real.controller.kill_scenario import Scenario, Stand
from real.controller.kill_tokenizers import LoadedInPlaceOfAnothers, Renamed, Unloaded
from rig.declared import urls_of
from rig.gateway import Smg


class _WorkerScenario(Scenario):
    """A worker of the namespace's gateway `gw`."""

    def __init__(self, stand: Stand) -> None:
        super().__init__(stand)
        self._worker = stand.workers.add("a")
        self._urls = {self._worker.url}
        self.expected = Expected((self._worker.url,))
        stand.declared.gateway(stand.replicas)

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


class _Registered(_WorkerScenario):
    async def prepare(self) -> None:
        return

    async def begin(self) -> None:
        self._declare()


class _Deleted(_WorkerScenario):
    def __init__(self, stand: Stand) -> None:
        super().__init__(stand)
        self.expected = Expected((), is_gone=True)

    async def begin(self) -> None:
        self.stand.declared.delete("a")


class _Moved(_WorkerScenario):
    """Its URL is changed: it is taken off under the old one, which is written, unlike the end of a deletion."""

    async def begin(self) -> None:
        moved = self.stand.workers.add("b")
        self._urls.add(moved.url)
        self.expected = Expected((moved.url,))
        self._declare(url=moved.url)


SCENARIOS: Final[Mapping[str, type[Scenario]]] = {
    "worker-registration": _Registered,
    "worker-removal": _Deleted,
    "tokenizer-registration": LoadedInPlaceOfAnothers,
    "tokenizer-removal": Unloaded,
    "mcp-registration": mcp.Published,
    "mcp-removal": mcp.Unpublished,
}
_UNWRITTEN: Final[Mapping[str, tuple[frozenset[str], type[Scenario]]]] = {
    "worker-removal": (frozenset({"drain", "remove", "confirm", END}), _Moved),
    "tokenizer-removal": (frozenset({"find", "unload", "confirm", END}), Renamed),
    "mcp-removal": (frozenset({"unpublish", "roll", "confirm", END}), mcp.Transferred),
}
"""The steps whose end is not written of a resource that goes, for it is gone by then; and where it is written."""


def scenario_of(failpoint: Failpoint) -> type[Scenario]:
    """Return the scenario in which the failpoint is reached. Raises KeyError for a workflow that has none."""
    steps, instead = _UNWRITTEN.get(failpoint.workflow, (frozenset(), None))
    if instead is not None and failpoint.step in steps and failpoint.moment is Moment.WRITTEN:
        return instead
    return SCENARIOS[failpoint.workflow]
