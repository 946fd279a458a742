"""The metrics of one operator, and what counts them."""

import time
from collections.abc import Callable
from enum import StrEnum

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from herder import __version__
from herder.controller.known.objects import KINDS, Key
from herder.controller.metrics import catalog
from herder.controller.metrics.calls import ApiCalls, GatewayCalls
from herder.controller.metrics.gauges import Gauges
from herder.controller.metrics.runs import RunMetrics


class LeaderTransition(StrEnum):
    """How this process came to lead, or ceased to."""

    BEGAN = "Began"
    GIVEN_BACK = "GivenBack"
    LOST = "Lost"


class Metrics:
    """Herder's metrics, in a registry of their own. `clock` returns monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._registry = registry = CollectorRegistry()
        self.runs = RunMetrics(registry, clock)
        self.api = ApiCalls(registry)
        self.gateways = GatewayCalls(registry)
        self._heals = catalog.HEALS.made(registry)
        self._events_dropped = catalog.EVENTS_DROPPED.made(registry)
        self._failures = catalog.RECONCILE_FAILURES.made(registry)
        self._leader = catalog.LEADER.made(registry)
        self._leader_transitions = catalog.LEADER_TRANSITIONS.made(registry)
        self.leads(is_leader=True)  # nobody else is there, until somebody says so
        catalog.BUILD_INFO.made(registry).labels(__version__).set(1)
        self._begin_at_zero()
        self._gauges: Gauges | None = None
        ProcessCollector(registry=registry)

    def _begin_at_zero(self) -> None:
        """Show what has not happened yet: Prometheus sees no increase where a series begins."""
        for cause in ("Full", "Refused"):
            self._events_dropped.labels(cause)
        for transition in LeaderTransition:
            self._leader_transitions.labels(transition)
        for kind in KINDS:
            for cause in ("Cluster", "Defect"):
                self._failures.labels(kind, cause)

    def read_from(self, gauges: Gauges) -> None:
        """Show what is read off living objects, too; off these from now on, if it was off others."""
        if self._gauges is not None:
            self._registry.unregister(self._gauges)
        self._gauges = gauges
        self._registry.register(gauges)

    def healed(self, gateway: Key, took_s: float) -> None:
        """Count a replica that was healed."""
        self._heals.labels(gateway.namespace, gateway.name).observe(took_s)

    def event_dropped(self, cause: str) -> None:
        """Count an Event that was not posted: `Full` or `Refused`."""
        self._events_dropped.labels(cause).inc()

    def reconcile_failed(self, kind: str, cause: str) -> None:
        """Count a look at a resource that failed: `Cluster` or `Defect`."""
        self._failures.labels(kind, cause).inc()

    def leads(self, *, is_leader: bool) -> None:
        """Show whether this process may act."""
        self._leader.set(is_leader)

    def leadership(self, transition: LeaderTransition) -> None:
        """Count that this process has come to lead, or has ceased to."""
        self._leader_transitions.labels(transition).inc()

    def stood_down(self) -> None:
        """Show nothing more of what this process acted on: it does not know any more how that is."""
        if self._gauges is not None:
            self._registry.unregister(self._gauges)
            self._gauges = None
        self._heals.clear()

    def drop(self, gateway: Key) -> None:
        """Show nothing more of a gateway."""
        self._heals.remove_by_labels({"namespace": gateway.namespace, "gateway": gateway.name})

    def text(self) -> bytes:
        """Return all of them in Prometheus' text format."""
        for gateway in self._gauges.declared_gateways() if self._gauges is not None else ():
            self._heals.labels(gateway.namespace, gateway.name)  # begins at zero, as above
        return generate_latest(self._registry)
