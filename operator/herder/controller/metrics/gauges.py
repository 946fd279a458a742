"""What is as it is now, read off the living objects when somebody asks: nothing is shown of what is gone."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from herder.api.conditions import ReadyReason, Truth
from herder.api.gateway import EntryCounts, GatewayReplicaState
from herder.api.meta import MODEL_GATEWAY
from herder.controller.fleet.gateways import Gateway, Gateways
from herder.controller.known.objects import KINDS, Body, Key, Objects
from herder.controller.known.queue import WorkQueue
from herder.controller.metrics import catalog
from herder.controller.running.line import Rank
from herder.controller.running.places import Places

_REASONS: Final = frozenset(ReadyReason)
_TRUTHS: Final = frozenset(Truth)


@dataclass(frozen=True, kw_only=True)
class Gauges(Collector):
    """Reads everything that is asked for. `running` is the number of runs in progress, those that wait included."""

    places: Places
    queue: WorkQueue
    objects: Objects
    gateways: Gateways
    running: Callable[[], int]
    entries: Callable[[], Mapping[Key, EntryCounts]]
    unhealed_s: Callable[[], Mapping[Key, float]]
    watch_ages_s: Callable[[], Mapping[str, float]]

    def declared_gateways(self) -> Iterator[Key]:
        """Yield each gateway that is declared, whether it was looked at yet or not."""
        return (key for key in self.objects if key.kind == MODEL_GATEWAY.kind)

    def collect(self) -> Iterable[Metric]:
        """Read everything."""
        yield from self._runs()
        yield from self._queue()
        yield self._resources()
        yield from self._gateways()
        yield _filled(catalog.WATCH_AGE, {(kind,): age_s for kind, age_s in self.watch_ages_s().items()})

    def _runs(self) -> Iterator[Metric]:
        counts, by_gateway = self.places.waiting, self.places.waiting_on
        yield _filled(catalog.RUNS_WAITING, {(rank.name.lower(),): counts.get(rank, 0) for rank in Rank})
        yield _filled(catalog.RUNS_OLDEST_WAIT, {(): self.places.longest_wait_s})
        yield _filled(catalog.RUNS_RUNNING, {(): self.running()})
        yield _filled(catalog.GATEWAY_RUNS_WAITING, {_names(key): by_gateway.get(key, 0) for key in self.gateways})

    def _queue(self) -> Iterator[Metric]:
        depths, ages_s = self.queue.depths, self.queue.ages_s
        yield _filled(catalog.QUEUE_DEPTH, {(kind,): depths.get(kind, 0) for kind in KINDS})
        yield _filled(catalog.QUEUE_OLDEST, {(kind,): ages_s.get(kind, 0.0) for kind in KINDS})

    def _resources(self) -> Metric:
        bodies = (body for key in self.objects if (body := self.objects.get(key)) is not None)
        return _filled(catalog.RESOURCES, Counter((body["kind"], *_ready(body)) for body in bodies))

    def _gateways(self) -> Iterator[Metric]:
        known = {key: gateway for key in self.gateways if (gateway := self.gateways.get(key)) is not None}
        yield _filled(catalog.GATEWAY_INFO, {(*_names(key), each.access.mode): 1 for key, each in known.items()})
        states = {key: _states(gateway) for key, gateway in known.items()}
        yield _filled(
            catalog.GATEWAY_REPLICAS,
            {(*_names(key), state): counts[state] for key, counts in states.items() for state in GatewayReplicaState},
        )
        entries = {key: counts.dump() for key, counts in self.entries().items()}
        yield _filled(
            catalog.GATEWAY_ENTRIES,
            {(*_names(key), state): count for key, counts in entries.items() for state, count in counts.items()},
        )
        unhealed_s = self.unhealed_s()
        yield _filled(catalog.GATEWAY_UNHEALED, {_names(key): unhealed_s.get(key, 0.0) for key in known})


def _filled(metric: catalog.Shown, values: Mapping[tuple[str, ...], float]) -> GaugeMetricFamily:
    family = metric.family()
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def _names(gateway: Key) -> tuple[str, str]:
    return gateway.namespace, gateway.name


def _states(gateway: Gateway) -> Counter[str]:
    return Counter(view.state or GatewayReplicaState.UNKNOWN for view in gateway.views.values())


def _ready(body: Body) -> tuple[str, str]:
    """Return the value and the reason of Ready. A status can be written by others, with any word in it."""
    conditions = (body.get("status") or {}).get("conditions") or ()
    for condition in conditions:
        if condition.get("type") == "Ready":
            truth, reason = condition.get("status"), condition.get("reason")
            return truth if truth in _TRUTHS else "None", reason if reason in _REASONS else "Other"
    return "None", "None"
