"""Every metric that herder has. What is not declared here can't be counted, and docs/metrics.md shows all of it."""

from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily

# else each series would have a second one, which nobody asks for
disable_created_metrics()  # type: ignore[no-untyped-call]  # it comes without types

_OF_GATEWAY: Final = ("namespace", "gateway")
_CALL_BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_STEP_BUCKETS_S: Final = (0.01, 0.05, 0.25, 1.0, 5.0, 30.0, 120.0, 600.0, 1800.0)
_RUN_BUCKETS_S: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
_HEAL_BUCKETS_S: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """What all metrics have. `name` is as it is queried; `labels` are described in LABELS."""

    name: str
    text: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counted(Metric):
    """It only grows."""

    def made(self, registry: CollectorRegistry) -> Counter:
        """Return the counter itself."""
        return Counter(self.name, self.text, self.labels, registry=registry)


@dataclass(frozen=True, slots=True)
class Timed(Metric):
    """A histogram of seconds."""

    buckets_s: tuple[float, ...] = ()

    def made(self, registry: CollectorRegistry) -> Histogram:
        """Return the histogram itself."""
        return Histogram(self.name, self.text, self.labels, buckets=self.buckets_s, registry=registry)


@dataclass(frozen=True, slots=True)
class Shown(Metric):
    """A gauge: what is so now."""

    def made(self, registry: CollectorRegistry) -> Gauge:
        """Return a gauge that is set."""
        return Gauge(self.name, self.text, self.labels, registry=registry)

    def family(self) -> GaugeMetricFamily:
        """Return a family to be filled with what is read now."""
        return GaugeMetricFamily(self.name, self.text, labels=self.labels)


RUNS: Final = Counted("herder_workflow_runs_total", "Workflow runs that have come to an end.", ("workflow", "outcome"))
RUN_DURATION: Final = Timed(
    "herder_workflow_run_duration_seconds",
    "Time from a run's first step to its end, as far as it was in this process.",
    ("workflow", "outcome"),
    _RUN_BUCKETS_S,
)
STEP_DURATION: Final = Timed(
    "herder_workflow_step_duration_seconds",
    "Time from a step's first attempt to its end, pauses between attempts included.",
    ("workflow", "step", "outcome"),
    _STEP_BUCKETS_S,
)
STEP_ATTEMPTS: Final = Counted(
    "herder_workflow_step_attempts_total", "What came of the attempts of steps.", ("workflow", "step", "outcome")
)

RUNS_RUNNING: Final = Shown("herder_runs_running", "Runs in progress, those that wait included.")
RUNS_WAITING: Final = Shown("herder_runs_waiting", "Runs that wait for a place to work.", ("class",))
RUNS_OLDEST_WAIT: Final = Shown(
    "herder_runs_oldest_wait_seconds", "How long the run has waited for a place that has waited longest."
)
GATEWAY_RUNS_WAITING: Final = Shown(
    "herder_gateway_runs_waiting", "Runs on a gateway that wait for a place to work.", _OF_GATEWAY
)
QUEUE_DEPTH: Final = Shown("herder_queue_depth", "Resources that wait to be looked at.", ("kind",))
QUEUE_OLDEST: Final = Shown(
    "herder_queue_oldest_seconds",
    "How long the resource has waited to be looked at that has waited longest.",
    ("kind",),
)
RECONCILE_FAILURES: Final = Counted(
    "herder_reconcile_failures_total",
    "Looks at a resource that failed; each is repeated, later every time.",
    ("kind", "cause"),
)
RESOURCES: Final = Shown(
    "herder_resources", "Resources by what their condition Ready says.", ("kind", "ready", "reason")
)

GATEWAY_INFO: Final = Shown("herder_gateway_info", "1 for each gateway that is driven.", (*_OF_GATEWAY, "mode"))
GATEWAY_REPLICAS: Final = Shown(
    "herder_gateway_replicas", "Replicas of a gateway by whether they can be driven.", (*_OF_GATEWAY, "state")
)
GATEWAY_ENTRIES: Final = Shown(
    "herder_gateway_entries",
    "Entries in a gateway's registries, over all its replicas that answer; `declared` over all that there are.",
    (*_OF_GATEWAY, "state"),
)
GATEWAY_UNHEALED: Final = Shown(
    "herder_gateway_unhealed_seconds",
    "For how long a gateway's replica has lacked what is declared, of those that lack something the longest.",
    _OF_GATEWAY,
)
HEALS: Final = Timed(
    "herder_replica_heal_seconds",
    "Time from the reading that found a replica without what is declared until it had everything again.",
    _OF_GATEWAY,
    _HEAL_BUCKETS_S,
)
GATEWAY_REQUESTS: Final = Counted(
    "herder_gateway_requests_total", "Calls on gateways' replicas.", ("method", "route", "result")
)
GATEWAY_REQUEST_DURATION: Final = Timed(
    "herder_gateway_request_duration_seconds",
    "How long calls on gateways' replicas took.",
    ("method", "route"),
    _CALL_BUCKETS_S,
)

API_REQUESTS: Final = Counted(
    "herder_api_requests_total",
    "Calls on the Kubernetes API server, but for the watches of herder's own kinds.",
    ("verb", "resource", "code"),
)
API_REQUEST_DURATION: Final = Timed(
    "herder_api_request_duration_seconds",
    "How long calls on the Kubernetes API server took, watches left out.",
    ("verb", "resource"),
    _CALL_BUCKETS_S,
)
WATCH_AGE: Final = Shown(
    "herder_watch_age_seconds",
    "How long ago it was last proved, by listing them, that all changes of a kind's resources had been heard of.",
    ("kind",),
)
EVENTS_DROPPED: Final = Counted("herder_events_dropped_total", "Kubernetes Events that were not posted.", ("cause",))

LEADER: Final = Shown("herder_leader", "1 while this process may act, 0 while it stands by.")
LEADER_TRANSITIONS: Final = Counted(
    "herder_leader_transitions_total", "Times that this process has come to lead, or has ceased to.", ("transition",)
)
BUILD_INFO: Final = Shown("herder_build_info", "1; the label says which version runs.", ("version",))

GROUPS: Final[tuple[tuple[str, tuple[Metric, ...]], ...]] = (
    ("Workflow runs", (RUNS, RUN_DURATION, STEP_DURATION, STEP_ATTEMPTS)),
    (
        "Waiting",
        (
            RUNS_RUNNING,
            RUNS_WAITING,
            RUNS_OLDEST_WAIT,
            GATEWAY_RUNS_WAITING,
            QUEUE_DEPTH,
            QUEUE_OLDEST,
            RECONCILE_FAILURES,
            RESOURCES,
        ),
    ),
    (
        "Gateways",
        (
            GATEWAY_INFO,
            GATEWAY_REPLICAS,
            GATEWAY_ENTRIES,
            GATEWAY_UNHEALED,
            HEALS,
            GATEWAY_REQUESTS,
            GATEWAY_REQUEST_DURATION,
        ),
    ),
    ("The API server", (API_REQUESTS, API_REQUEST_DURATION, WATCH_AGE, EVENTS_DROPPED)),
    ("The process", (LEADER, LEADER_TRANSITIONS, BUILD_INFO)),
)
"""All of them, as the page shows them."""

LABELS: Final = {
    "workflow": "a workflow's name, such as `worker-registration`",
    "step": "a step of that workflow",
    "outcome": "of a run: `Completed`, `Failed`, `Cancelled`, or `Stopped` (something else was decided, or its "
    "resource was changed); of a step: `Succeeded`, `Failed`, `Skipped`; of an attempt also `Retrying`",
    "class": "what a run is for: `removal`, `worker` (its registration or update), `rest`",
    "kind": "a kind of resource, such as `WorkerRegistration`",
    "cause": "of a failure: `Cluster` (the API server) or `Defect` (herder itself; its log has the details); of an "
    "Event: `Full` (too many waited) or `Refused` (the API server did not take it)",
    "ready": "`True`, `False`, `Unknown`, or `None` where there is no status yet",
    "reason": "the condition's reason; `Other` for a word that is not herder's",
    "namespace": "the gateway's namespace",
    "gateway": "the ModelGateway's name",
    "mode": "`Enforce` or `Observe`",
    "state": "of a replica: `Reachable`, `Unreachable`, `Refuses` (the credentials), `Unknown` (not asked yet); of an "
    "entry: `declared`, `registered` (as declared), `foreign`, `drifted`, `orphaned`",
    "method": "the HTTP method",
    "route": "the path on the gateway, `{id}` in place of what is one entry's",
    "result": "the HTTP status, or what kept an answer from coming: `Unreachable`, `DeadlineExceeded`, `TlsRefused`, "
    "`AddressRefused`, `Redirected`, `BodyTooLarge`, `Malformed`, `GivenUp` (nobody waited for it any more)",
    "verb": "`get`, `list`, `watch`, `create`, `patch`, `delete`, `update`",
    "resource": "what the call was about, such as `secrets` or `workerregistrations/status`",
    "code": "the HTTP status; `None` where no answer came",
    "transition": "`Began`; `GivenBack` (herder was told to stop, and another may lead at once); `Lost` (the Lease "
    "could not be renewed in time, or was taken by another)",
    "version": "herder's",
}
"""What each label holds."""
