"""The operator as a whole: what it is made of, in which order it starts, and how it stops.

    API server ─▶ kopf ─▶ Objects ─▶ WorkQueue ─▶ ModelGateways ─▶ Gateways ─▶ every replica's list ─▶ WorkQueue
                                         └─▶ Reconciler ─▶ decide ─▶ Runs ─▶ engine ─▶ StatusWriter ─▶ API server

It stops from the inside out: first no new decision, then the runs (left as their status says, for the next process to
go on with), then the watching. If the watching ends by itself the whole process does, loudly, to be started again.
"""

import asyncio
import contextlib
import os
import signal
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import kopf
import structlog
from kubernetes_asyncio.client import Configuration
from kubernetes_asyncio.config import ConfigException

from herder.api.meta import MCP_SERVER, MODEL_GATEWAY
from herder.controller.clock import SYSTEM_CLOCK, Clock
from herder.controller.cluster.finalizer import Finalizer
from herder.controller.cluster.kube import (
    Kube,
    KubeError,
    NotFound,
    installation_of,
    load_configuration,
    patiently,
    read_credentials,
    server_of,
)
from herder.controller.cluster.recorder import EventRecorder, record_transition
from herder.controller.cluster.relist import Relister
from herder.controller.cluster.secrets import Secrets
from herder.controller.cluster.watch import registry_of, watched_settings
from herder.controller.families import FAMILIES
from herder.controller.families.family import Tools
from herder.controller.fleet.census import Census
from herder.controller.fleet.gateways import Gateways
from herder.controller.fleet.modelgateways import ModelGateways
from herder.controller.fleet.rotation import Rotation
from herder.controller.fleet.services import Place as ServicePlace
from herder.controller.fleet.services import Services
from herder.controller.known.objects import Body, Key, Objects, gateway_of, holder_of, uid_of
from herder.controller.known.queue import WorkQueue
from herder.controller.listing.registries import Registry
from herder.controller.listing.views import News
from herder.controller.mcp.desk import McpDesk, tell_repairs
from herder.controller.mcp.files import McpFiles
from herder.controller.mcp.sightings import Sightings
from herder.controller.metrics.access import Gatekeeper, certificate
from herder.controller.metrics.gauges import Gauges
from herder.controller.metrics.registry import Metrics
from herder.controller.metrics.serving import CannotServe, served
from herder.controller.reconcile.acts import Acts
from herder.controller.reconcile.reconciler import Reconciler
from herder.controller.reconcile.scout import Scout
from herder.controller.repair.farewells import Farewells
from herder.controller.repair.giveback import Giveback
from herder.controller.repair.heals import Heals
from herder.controller.repair.sweep import Sweeper
from herder.controller.running.failpoints import Failpoint, Tripwire
from herder.controller.running.jobs import Job, job_of
from herder.controller.running.launch import Launcher
from herder.controller.running.line import Rank, Turn
from herder.controller.running.listening import RunListener
from herder.controller.running.places import Places
from herder.controller.running.runs import Run, Runs
from herder.controller.status.writer import StatusWriter
from herder.controller.tracing.settings import CannotTrace, traced
from herder.engine import WorkflowEngine
from herder.net.address import AddressPolicy
from herder.net.http import Http
from herder.net.mcp import Asker, McpClient
from herder.net.scrubber import Scrubber
from herder.net.surroundings import api_server_sockets, own_addresses
from herder.workflows.probing import Prober

log = structlog.get_logger(__name__)

_HANDS: Final = 8


@dataclass(frozen=True, slots=True)
class Options:
    """How the operator runs. `namespaces` empty means all of them; `health` is the URL that /healthz is served on.

    `installation` is what marks its entries on a gateway as its own; the cluster's identity where it is None.
    Metrics are served unless their port is 0; with `metrics_secure` to whom the API server lets read them.
    `failpoint` is where the process is to kill itself.
    With `require_bound_keys` a Secret must say which hosts its keys are for.
    `scrubber` is told each secret that is read, for those who write logs.
    """

    kubeconfig: Path | None = None
    namespaces: tuple[str, ...] = ()
    installation: str | None = None
    allow_loopback: bool = False
    require_bound_keys: bool = False
    health: str | None = None
    runs_at_once: int = 32
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 8081
    metrics_secure: bool = False
    metrics_tls_folder: Path | None = None
    failpoint: Failpoint | None = None
    scrubber: Scrubber = field(default_factory=Scrubber, compare=False)


class CannotRun(RuntimeError):
    """The operator can't start, or can't go on; the message says why and what to do."""


class Operator:
    """One operator process: `start` it, let it `work`, then `close` it.

    `http` leads to gateways and `probing` to workers: however many of these hang, gateways are reached.
    `asker` leads to MCP servers. `installation` is the cluster's identity. `listeners` hear of each
    run beside the metrics. `engine` and `clock` are for tests.
    """

    def __init__(  # noqa: PLR0913  (the last four are as they are for nearly everybody)
        self,
        options: Options,
        kube: Kube,
        http: Http,
        probing: Http,
        installation: str,
        *,
        asker: Asker | None = None,
        engine: WorkflowEngine | None = None,
        clock: Clock = SYSTEM_CLOCK,
        metrics: Metrics | None = None,
        listeners: Sequence[RunListener] = (),
    ) -> None:
        self._options = options
        self._kube = kube
        self.objects = Objects()
        self.metrics = metrics or Metrics(clock)
        self.queue = WorkQueue(self.metrics.reconcile_failed, clock)
        self._recorder = EventRecorder(kube, clock.now, self.metrics.event_dropped)
        self._writer = StatusWriter(kube, self.objects, self._written, clock)
        self._gateways = Gateways(http, self._registry_changed, self._needs, clock, self.metrics.gateways.heard)
        secrets = Secrets(kube, clock, options.scrubber.learn, only_bound=options.require_bound_keys)
        self._rotation = Rotation(secrets, self.queue.add, clock)
        self._services = Services(kube, self._service_changed)
        self._census = Census(self.objects, installation)
        heals = Heals(self.metrics.healed, clock)
        self._model_gateways = ModelGateways(
            objects=self.objects,
            queue=self.queue,
            gateways=self._gateways,
            secrets=secrets,
            services=self._services,
            writer=self._writer,
            census=self._census,
            heals=heals,
            clock=clock,
        )
        self._tripwire = Tripwire(options.failpoint)
        self._places = Places(options.runs_at_once, lambda: len(self._gateways), clock)
        self._runs = Runs(
            engine or WorkflowEngine(),
            self._writer,
            self._run_ended,
            places=self._places,
            turn_of=self._turn_of,
            tripwire=self._tripwire,
            listeners=(self.metrics.runs, *listeners),
        )
        self._mcp = McpDesk(
            McpFiles(
                kube,
                self.objects,
                self._gateways,
                changed=self._file_changed,
                told=tell_repairs(self.objects, self._recorder),
                clock=clock,
            ),
            Sightings(asker or McpClient(probing), self.queue.add),
        )
        tools = Tools(prober=Prober(probing), mcp=self._mcp)
        self._farewells = Farewells(self.queue)
        self._giveback = Giveback(self.queue, self._gateways, clock)
        self._reconciler = Reconciler(
            objects=self.objects,
            queue=self.queue,
            scout=Scout(self.objects, self._model_gateways, self._rotation, tools, clock),
            acts=Acts(
                queue=self.queue,
                writer=self._writer,
                runs=self._runs,
                launcher=Launcher(self._runs, tools, clock),
                finalizer=Finalizer(kube, self.objects, self.queue, self.gone),
                farewells=self._farewells,
                recorder=self._recorder,
                clock=clock,
            ),
            giveback=self._giveback,
            runs=self._runs,
            writer=self._writer,
            installation=installation,
            clock=clock,
        )
        self._relister = Relister(kube, self.objects, options.namespaces, seen=self.seen, gone=self.gone, clock=clock)
        self.metrics.read_from(
            Gauges(
                places=self._places,
                queue=self.queue,
                objects=self.objects,
                gateways=self._gateways,
                running=lambda: len(self._runs),
                entries=self._model_gateways.entries,
                unhealed_s=heals.unhealed_s,
                watch_ages_s=lambda: self._relister.freshness.ages_s,
            )
        )
        self._sweeper = Sweeper(
            kube,
            self.objects,
            self._gateways,
            installation,
            recorder=self._recorder,
            census=self._census,
            queue=self.queue,
        )

    async def start(self) -> None:
        """Read everything that there is, so that the first decision is made on the whole truth."""
        await self._relister.prime()

    async def work(self) -> None:
        """Reconcile until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.queue.work(_HANDS, self._reconcile), name="hands")
            group.create_task(self._recorder.run(), name="event recorder")
            group.create_task(self._relister.run(), name="relister")
            group.create_task(self._sweeper.run(), name="sweeper")
            group.create_task(self._rotation.run(), name="rotation")
            group.create_task(self._mcp.files.run(), name="files of MCP servers")

    async def close(self) -> None:
        """Leave everything as it is written."""
        await self._giveback.close()
        await self._farewells.close()
        await self._writer.close()
        await self._runs.close()
        await self._gateways.close()
        await self._services.close()
        await self._mcp.sightings.close()

    def seen(self, body: Body) -> None:
        """Take a version of an object from whatever source."""
        key = Key.of(body)
        before = self.objects.rivals(key)
        if self.objects.put(body):
            self._enqueue(key, before)

    def gone(self, body: Body) -> None:
        """Take the news that an object is gone."""
        key = Key.of(body)
        before = self.objects.rivals(key)
        if self.objects.remove(key, uid_of(body)):
            self._reconciler.forget(uid_of(body))
            self._farewells.forget(uid_of(body))
            self._model_gateways.forget(key, gateway_of(body))
            self._rotation.forget(key)
            if key.kind == MODEL_GATEWAY.kind:
                self.metrics.drop(key)
            self._mcp.sightings.forget(uid_of(body))
            self._enqueue(key, before)

    def _enqueue(self, key: Key, rivals_before: frozenset[Key]) -> None:
        """Have an object reconciled, and those that a URL was or is contested with."""
        for each in {key} | rivals_before | self.objects.rivals(key):
            self.queue.add(each)

    async def _reconcile(self, key: Key) -> None:
        await self._reconcilers[key.kind](key)

    @property
    def _reconcilers(self) -> dict[str, Callable[[Key], Awaitable[None]]]:
        served = dict.fromkeys(FAMILIES, self._reconciler.reconcile)
        return {MODEL_GATEWAY.kind: self._model_gateways.reconcile, **served}

    def _written(self, key: Key, before: Body, status: dict[str, object]) -> None:
        self._tripwire.written(status)
        record_transition(self._recorder, key, before, status)

    def _registry_changed(self, key: Key, news: News) -> None:
        self._model_gateways.changed(key, news)

    def _file_changed(self, gateway: Key) -> None:
        for member in self.objects.referring_to(gateway):
            if member.kind == MCP_SERVER.kind:
                self.queue.add(member)

    def _service_changed(self, place: ServicePlace) -> None:
        self._model_gateways.service_changed(place)

    def _needs(self, key: Key) -> frozenset[Registry]:
        return self._model_gateways.needs(key)

    def _turn_of(self, run: Run) -> Turn:
        """Return what its run waits for a place as."""
        body, job = self.objects.get(run.key), job_of(run.name)
        gateway_of_run = holder_of if job is Job.REMOVAL else gateway_of
        return Turn(gateway_of_run(body) if body is not None else None, Rank.of(run.key.kind, job))

    def _run_ended(self, run: Run) -> None:
        self._reconciler.ended(run)


async def run(options: Options) -> None:
    """Run the operator until SIGTERM or SIGINT. Raises CannotRun."""
    try:
        configuration = await load_configuration(options.kubeconfig)
    except ConfigException as error:
        raise CannotRun(f"no API server is configured: {error}; give --kubeconfig") from error
    policy = AddressPolicy(options.allow_loopback, own_addresses(), await api_server_sockets(server_of(configuration)))
    metrics = Metrics()
    renew = partial(read_credentials, configuration, options.kubeconfig)
    kubernetes = Kube(configuration, learn=options.scrubber.learn, heard=metrics.api.heard, renew=renew)
    async with (
        _traced(options) as traces,
        kubernetes as kube,
        Http(policy) as http,
        Http(policy) as probing,
        Http(policy) as asking,
    ):
        try:
            installation = options.installation
            if installation is None:
                installation = await patiently(partial(installation_of, kube))
            asker = McpClient(asking)
            operator = Operator(
                options, kube, http, probing, installation, asker=asker, metrics=metrics, listeners=traces
            )
            await patiently(operator.start)
        except NotFound as error:
            raise CannotRun(f"the API server lacks herder's resources: kubectl apply -f crds/ ({error})") from error
        except KubeError as error:
            raise CannotRun(f"the API server can't be used: {error}") from error
        log.info("operator.started", installation=installation, objects=sum(1 for _ in operator.objects))
        try:
            judge = Gatekeeper(kube).judge if options.metrics_secure else None
            tls = _metrics_certificate(options)
            async with served(metrics.text, options.metrics_host, options.metrics_port, judge=judge, tls=tls):
                await _work(operator, options, configuration)
        except CannotServe as error:
            raise CannotRun(f"{error}; give another --metrics-port") from error
        log.info("operator.stopped")


@contextlib.asynccontextmanager
async def _traced(options: Options) -> AsyncIterator[tuple[RunListener, ...]]:
    try:
        async with traced(os.environ, options.scrubber.scrub) as traces:
            yield traces
    except CannotTrace as error:
        raise CannotRun(str(error)) from error


def _metrics_certificate(options: Options) -> ssl.SSLContext | None:
    if options.metrics_tls_folder is None:
        return None
    try:
        return certificate(options.metrics_tls_folder)
    except OSError as error:
        raise CannotServe(f"the certificate for metrics can't be used: {error.strerror or error}") from error


async def _work(operator: Operator, options: Options, configuration: Configuration) -> None:
    """Have the operator work until a signal ends it, and close it. Raises CannotRun where it ends by itself."""
    stop = asyncio.Event()
    stopping = asyncio.create_task(stop.wait(), name="stop signal")
    work = asyncio.create_task(operator.work(), name="work")
    registry = registry_of(
        configuration, operator.seen, operator.gone, partial(read_credentials, configuration, options.kubeconfig)
    )
    async with _watching(options, registry, stop) as watching:
        await asyncio.wait({work, watching, stopping}, return_when=asyncio.FIRST_COMPLETED)
        is_asked = stop.is_set()
        work.cancel()
        stopping.cancel()
        await asyncio.wait({work, stopping})
        await operator.close()
    if not is_asked:
        cause = _error_of(work, watching)
        log.error("operator.ended", exc_info=cause)
        raise CannotRun("the operator has ended by itself; the log says why") from cause


def _error_of(*tasks: asyncio.Task[None]) -> BaseException | None:
    return next((error for task in tasks if not task.cancelled() and (error := task.exception())), None)


@contextlib.asynccontextmanager
async def _watching(
    options: Options, registry: kopf.OperatorRegistry, stop: asyncio.Event
) -> AsyncIterator[asyncio.Task[None]]:
    """Have kopf watch within the block; signals set `stop`, so that kopf is stopped after everything else."""
    stop_kopf = asyncio.Event()
    existing = asyncio.all_tasks()

    async def watch() -> None:
        tasks = await kopf.spawn_tasks(
            registry=registry,
            settings=watched_settings(),
            standalone=True,
            identity=cast("Any", "herder"),  # else kopf asks for the user's name, and a pod's uid need not have one
            clusterwide=not options.namespaces,
            namespaces=options.namespaces,
            liveness_endpoint=options.health,
            stop_flag=stop_kopf,
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)  # in place of kopf's own
        await kopf.run_tasks(tasks, ignored=existing)

    task = asyncio.create_task(watch(), name="watching")
    existing.add(task)
    try:
        yield task
    finally:
        stop_kopf.set()
        await asyncio.wait({task})
