"""What a case of the kill sweep is made of."""

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from real.controller.kill_oracle import Expected
from rig.declared import Declared
from rig.gateway import Smg
from rig.waiting import eventually
from rig.workers import MockWorkers

_PATIENCE_S: Final = 30.0


@dataclass(frozen=True)
class Stand:
    """What a case has: a namespace and mock workers of its own, and the replicas that it shares with others.

    `others` are those of a second gateway, if there is one.
    """

    declared: Declared
    replicas: Sequence[Smg]
    others: Sequence[Smg]
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
    count = 1
    """How many times the boundary is reached until it is the one that is meant."""

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

    def close(self) -> None:  # noqa: B027  (most have started nothing)
        """End what was started for it."""

    def declare_gateways(self) -> None:
        """Declare the gateways `gw` and, if there is one, `other`."""
        self.stand.declared.gateway(self.stand.replicas)
        if self.stand.others:
            self.stand.declared.gateway(self.stand.others, "other")

    @abc.abstractmethod
    def listed(self, replica: Smg) -> list[str]:
        """Tell what a replica lists of this case."""


class Deletion(Scenario):
    """The resource is deleted. To be named before the base that says which resource."""

    def __init__(self, stand: Stand) -> None:
        super().__init__(stand)
        self.expected = Expected((), is_gone=True)

    async def begin(self) -> None:
        self.stand.declared.cluster.delete(self.path)
