"""What Prometheus is told: how long runs and keys wait, what each gateway's replicas lack, how fast they are healed.

Gauges are read off the living objects when somebody asks, so that nothing is shown of what is gone. No label holds a
URL or anything else that a user writes but names.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from herder.api.gateway import EntryCounts
from herder.controller.known.objects import Key
from herder.controller.running.line import Rank
from herder.controller.running.places import Places

_OF_GATEWAY: Final = ("namespace", "gateway")
_HEAL_BUCKETS_S: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)


class CannotServe(RuntimeError):
    """The port can't be had; the message says why."""


@dataclass(frozen=True)
class Sources:
    """Where the gauges are read. `running` is the number of runs in progress, those that wait included."""

    places: Places
    running: Callable[[], int]
    queued: Callable[[], int]
    entries: Callable[[], Mapping[Key, EntryCounts]]


class Metrics:
    """Herder's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._heals = Histogram(
            "herder_replica_heal_seconds",
            "Time from the reading that found a replica without what is declared until it had everything again.",
            _OF_GATEWAY,
            buckets=_HEAL_BUCKETS_S,
            registry=self._registry,
        )

    def read_from(self, sources: Sources) -> None:
        """Show the gauges, too."""
        self._registry.register(_Gauges(sources))

    def healed(self, gateway: Key, took_s: float) -> None:
        """Count a replica that was healed."""
        self._heals.labels(gateway.namespace, gateway.name).observe(took_s)

    def drop(self, gateway: Key) -> None:
        """Show nothing more of a gateway."""
        self._heals.remove_by_labels({"namespace": gateway.namespace, "gateway": gateway.name})

    def text(self) -> bytes:
        """Return all of them in Prometheus' text format."""
        return generate_latest(self._registry)


class _Gauges(Collector):
    """What is as it is now."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def collect(self) -> Iterable[Metric]:
        """Read everything."""
        yield from self._runs()
        yield _gauge("herder_queue_depth", "Resources that wait to be looked at.", self._sources.queued())
        yield self._entries()

    def _runs(self) -> Iterator[Metric]:
        places = self._sources.places
        waiting = GaugeMetricFamily("herder_runs_waiting", "Runs that wait for a place to work.", labels=("class",))
        counts = places.waiting
        for rank in Rank:
            waiting.add_metric((rank.name.lower(),), counts.get(rank, 0))
        yield waiting
        name, text = "herder_runs_oldest_wait_seconds", "How long the run has waited that has waited longest."
        yield _gauge(name, text, places.longest_wait_s)
        yield _gauge("herder_runs_running", "Runs in progress, those that wait included.", self._sources.running())

    def _entries(self) -> Metric:
        text = "Entries in a gateway's registries, over all its replicas that answer."
        family = GaugeMetricFamily("herder_gateway_entries", text, labels=(*_OF_GATEWAY, "state"))
        for gateway, counts in self._sources.entries().items():
            for state, count in counts.dump().items():
                family.add_metric((gateway.namespace, gateway.name, state), count)
        return family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


@asynccontextmanager
async def served(metrics: Metrics, host: str, port: int) -> AsyncIterator[None]:
    """Answer GET /metrics within the block, unless `port` is 0. Raises CannotServe."""
    if not port:
        yield
        return

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    application.router.add_get("/metrics", answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            why = os.strerror(error.errno).lower() if error.errno else str(error)
            raise CannotServe(f"metrics can't be served on {host}:{port}: {why}") from error
        yield
    finally:
        await runner.cleanup()
