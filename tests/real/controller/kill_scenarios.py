"""For every workflow: what is there before it, what sets it off, and how it must end.

A workflow without a scenario fails the sweep, and so does a step that its scenario never comes to: a new one can't be
forgotten.
"""

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from herder.controller.failpoints import END, Failpoint, Moment
from real.controller.kill_oracle import Expected
from rig.declared import Declared, urls_of
from rig.gateway import Smg
from rig.waiting import eventually
from rig.workers import MockWorkers

_PATIENCE_S: Final = 30.0


@dataclass(frozen=True)
class Stand:
    """What a case has: a namespace and mock workers of its own, and the replicas that it shares with others."""

    declared: Declared
    replicas: Sequence[Smg]
    workers: MockWorkers

    async def ready(self, path: str) -> None:
        """Wait until a resource is Ready."""
        await eventually(lambda: _is_ready(self.declared.cluster.get(path)), _PATIENCE_S)


def _is_ready(body: Mapping[str, Any] | None) -> bool:
    conditions = ((body or {}).get("status") or {}).get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


class Scenario(abc.ABC):
    """One resource of a case."""

    expected: Expected

    def __init__(self, stand: Stand) -> None:
        self.stand = stand

    @property
    @abc.abstractmethod
    def path(self) -> str:
        """The resource's API path."""

    @abc.abstractmethod
    async def prepare(self) -> None:
        """Bring about what is there before the workflow runs."""

    @abc.abstractmethod
    async def begin(self) -> None:
        """Set the workflow off."""

    @abc.abstractmethod
    def listed(self, replica: Smg) -> list[str]:
        """Tell what a replica lists of this case."""


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
}
_LAST_OF_REMOVAL: Final = {"remove", "confirm", END}
"""A resource that goes is not written any more once it is off every replica."""


def scenario_of(failpoint: Failpoint) -> type[Scenario]:
    """Return the scenario in which the failpoint is reached. Raises KeyError for a workflow that has none."""
    is_last = failpoint.step in _LAST_OF_REMOVAL and failpoint.moment is Moment.WRITTEN
    if failpoint.workflow == "worker-removal" and is_last:
        return _Moved
    return SCENARIOS[failpoint.workflow]
