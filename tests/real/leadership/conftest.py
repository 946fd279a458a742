"""Operators that elect a leader, each with its own way to the API server, and replicas behind middlemen."""

import asyncio
import itertools
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rig.control_plane.cluster import Cluster
from rig.declared import Declared
from rig.faketime import FakeClock
from rig.gateway import Smg
from rig.middleman import Middleman
from rig.operator_process import Operator
from rig.pod import RigPod
from rig.waiting import eventually
from rig.web import fetch

QUICK = ("--lease-duration=5", "--renew-deadline=3", "--retry-period=1")
STEADY = ("--lease-duration=20", "--renew-deadline=16", "--retry-period=1")
"""For a machine that is too busy to answer renewals for many seconds."""


@dataclass(frozen=True)
class Contender:
    """One operator, its way to the API server, and the Pod that it is said to be in."""

    operator: Operator
    api: Middleman
    pod: RigPod

    @property
    def pid(self) -> int:
        """The operator's process."""
        return self.operator.process.pid

    @property
    def leads(self) -> bool:
        """Whether it says so itself."""
        return b"\nherder_leader 1.0" in fetch(self.operator.metrics_url)

    @property
    def renewals(self) -> list[float]:
        """The monotonic moments at which it asked to take or renew its Lease; each is answered before the next."""
        return [p.at_s for p in self.api.changes() if "/leases" in p.path]

    def writes(self, since_s: float = 0.0) -> list[str]:
        """What it asked the API server to change, from a monotonic moment on, but for the Lease."""
        return [f"{p.method} {p.path}" for p in self.api.changes(since_s=since_s) if "/leases" not in p.path]


@dataclass(frozen=True)
class Realm:
    """A namespace with a gateway, and whoever contends for it."""

    declared: Declared
    replicas: tuple[Smg, ...]
    fronts: tuple[Middleman, ...]
    lease: str
    enter: Callable[..., Contender]
    """Starts a contender with the flags that are given, STEADY by default.

    It is in a Pod of its own unless a `pod` is given, and has this machine's time unless a `clock` is.
    """

    @property
    def lease_path(self) -> str:
        """The Lease's API path."""
        return f"/apis/coordination.k8s.io/v1/namespaces/{self.declared.namespace}/leases/{self.lease}"

    @property
    def held(self) -> dict[str, Any]:
        """The Lease's spec as it is now."""
        spec: dict[str, Any] = (self.declared.cluster.get(self.lease_path) or {}).get("spec", {})
        return spec

    def calls(self, contender: Contender, since_s: float = 0.0) -> list[str]:
        """What a contender asked the gateway to change, from a monotonic moment on."""
        passed = (p for front in self.fronts for p in front.changes(client=contender.pid, since_s=since_s))
        return [f"{p.method} {p.path}" for p in passed]

    async def keep_changing(self, name: str) -> None:
        """Give whoever leads something to do, and something else as soon as that is done, until cancelled.

        A change that comes too early replaces the run of the one before, which then never gets as far as a replica.
        """
        for priority in itertools.count():
            patch = {"spec": {"priority": priority % 100 + 1}}
            await asyncio.to_thread(self.declared.cluster.merge_patch, self.declared.path(name), patch)
            await self.declared.until(name, timeout_s=600)

    async def leader_and_standby(
        self, *terms: str, clocks: tuple[FakeClock | None, FakeClock | None] = (None, None)
    ) -> tuple[Contender, Contender]:
        """Start two; the first leads."""
        first = self.enter(*terms, clock=clocks[0])
        await eventually(lambda: first.leads, 60)
        second = self.enter(*terms, clock=clocks[1])
        await eventually(lambda: "leadership.standing_by" in second.operator.log.read_text(), 60)
        for front in self.fronts:
            front.clients = (first.pid, second.pid)
        return first, second


@pytest.fixture
def realm(control_plane: Cluster, namespace: str, smg_pair: tuple[Smg, Smg], log_dir: Path) -> Iterator[Realm]:
    """A gateway `gw` of two replicas. `enter` starts a contender and waits until it is healthy."""
    declared, lease = Declared(control_plane, namespace), f"herder-{secrets.token_hex(3)}"
    numbers = itertools.count(1)
    with ExitStack() as stack:
        fronts = tuple(stack.enter_context(Middleman(replica.url)) for replica in smg_pair)

        def enter(*terms: str, pod: RigPod | None = None, clock: FakeClock | None = None) -> Contender:
            pod = pod or RigPod.created(control_plane, namespace, f"herder-{next(numbers)}", log_dir)
            api = stack.enter_context(Middleman.before(control_plane))
            operator = Operator.start(
                control_plane,
                *("--namespace", namespace),
                *("--leader-elect", "--lease-name", lease, "--lease-namespace", namespace, *(terms or STEADY)),
                *pod.flags,
                log_dir=log_dir,
                kubeconfig=api.kubeconfig(control_plane, log_dir),
                preloaded=clock.environment if clock is not None else None,
            )
            stack.callback(operator.kill)
            return Contender(operator.wait_healthy(), api, pod)

        declared.apply("ModelGateway", "gw", {"endpoints": [front.url for front in fronts], "resyncSeconds": 1})
        yield Realm(declared, smg_pair, fronts, lease, enter)
