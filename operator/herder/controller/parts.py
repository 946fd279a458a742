"""What an operator is made of, room by room, and what it is given to act by."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from herder.controller.clock import SYSTEM_CLOCK, Clock
from herder.controller.cluster.kube import Kube
from herder.controller.fleet.census import Census
from herder.controller.fleet.gateways import Gateways
from herder.controller.fleet.heals import Heals
from herder.controller.fleet.members import Members
from herder.controller.fleet.modelgateways import ModelGateways
from herder.controller.fleet.rotation import Rotation
from herder.controller.fleet.services import Services
from herder.controller.fleet.sharing import Sharing
from herder.controller.known.intake import Intake
from herder.controller.known.objects import Objects
from herder.controller.known.queue import WorkQueue
from herder.controller.leadership.mandate import Mandate
from herder.controller.metrics.registry import Metrics
from herder.controller.options import Options
from herder.controller.reconcile.reconciler import Reconciler
from herder.controller.repair.farewells import Farewells
from herder.controller.repair.former import FormerKeys
from herder.controller.repair.giveback import Giveback
from herder.controller.repair.sweep import Sweeper
from herder.controller.running.failpoints import Tripwire
from herder.controller.running.listening import RunListener
from herder.controller.running.places import Places
from herder.controller.running.runs import Runs
from herder.controller.status.recorder import EventRecorder
from herder.controller.status.writer import StatusWriter
from herder.controller.watch.relist import Relister
from herder.engine import WorkflowEngine
from herder.net.http import Http
from herder.net.mcp import Asker


@dataclass(frozen=True, kw_only=True)
class Means:
    """What an operator is given. It acts under `mandate`, as whoever made `kube` and `http` must see to.

    `http` leads to gateways and `probing` to workers: however many of these hang, gateways are reached. `asker` leads
    to MCP servers. `installation` is the cluster's identity. `listeners` hear of each run beside the metrics.
    `objects` is what is known already. `engine` and `clock` are for tests.
    """

    options: Options
    kube: Kube
    http: Http
    probing: Http
    asker: Asker
    installation: str
    mandate: Mandate
    metrics: Metrics
    objects: Objects
    listeners: Sequence[RunListener] = ()
    engine: WorkflowEngine = field(default_factory=WorkflowEngine)
    clock: Clock = SYSTEM_CLOCK


@dataclass(frozen=True, kw_only=True)
class Known:
    """The objects, what tells of them, and which of them are to be looked at."""

    objects: Objects
    queue: WorkQueue
    intake: Intake
    relister: Relister


@dataclass(frozen=True, kw_only=True)
class Telling:
    """What people are told: the statuses and the Events."""

    recorder: EventRecorder
    tripwire: Tripwire
    writer: StatusWriter


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The gateways, with what their replicas list and what refers to them."""

    gateways: Gateways
    services: Services
    sharing: Sharing
    rotation: Rotation
    census: Census
    heals: Heals
    members: Members
    model_gateways: ModelGateways


@dataclass(frozen=True, kw_only=True)
class Deciding:
    """What decides about a resource, and what does it."""

    places: Places
    runs: Runs
    farewells: Farewells
    giveback: Giveback
    former: FormerKeys
    reconciler: Reconciler
    sweeper: Sweeper
