"""This process as a candidate: under which name, for which Lease; or without rivals, if no leader is elected."""

import asyncio
import math
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol
from uuid import uuid4

from herder.controller.cluster.kube import Kube
from herder.controller.leadership.elector import Elector, Won
from herder.controller.leadership.ending import holder_name, leave_behind
from herder.controller.leadership.lease import LeaseObject
from herder.controller.leadership.mandate import Mandate
from herder.controller.leadership.settings import LeaseOptions
from herder.controller.leadership.witness import PodWitness

_OWN_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class Candidate(Protocol):
    """Comes to lead, and ceases to."""

    async def look(self) -> object:
        """Note who leads. Raises KubeError."""
        ...

    async def win(self) -> Won:
        """Wait until this process may act."""
        ...

    async def keep(self, mandate: Mandate) -> None:
        """Prolong a mandate, until it is over."""
        ...

    async def give_back(self, mandate: Mandate) -> None:
        """End a mandate under which nothing acts any more."""
        ...


class Unopposed:
    """The candidate where no leader is elected."""

    async def look(self) -> None:
        """Nobody else leads."""

    async def win(self) -> Won:
        """Lead at once."""
        return Won(Mandate.for_good(), -math.inf)

    async def keep(self, mandate: Mandate) -> None:
        """Lead for good."""
        while mandate.is_valid:
            await asyncio.Event().wait()

    async def give_back(self, mandate: Mandate) -> None:
        """Act no more."""
        mandate.end()


def candidate_of(options: LeaseOptions, kube: Kube, floor: Callable[[], int]) -> Elector:
    """Return this process as a contender for a Lease, under its pod's name, or the host's, and a random part.

    It leaves that name behind for the kubelet, so that others need not wait for it once it has ended.
    """
    namespace = options.namespace or own_namespace()
    me = holder_name(options.pod or socket.gethostname(), uuid4().hex[:12])
    leave_behind(me, options.termination_log)
    lease = LeaseObject(kube, namespace, options.name)
    return Elector(lease, me, options.terms, floor=floor, ended=PodWitness(kube, namespace))


def own_namespace() -> str:
    """Return the namespace of the pod that this runs in, `default` outside of one."""
    try:
        return _OWN_NAMESPACE.read_text().strip() or "default"
    except OSError:
        return "default"
