"""What acts: made anew each time that this process comes to lead, and gone when it does not lead any more.

    API server ─▶ kopf ─▶ Objects ─▶ WorkQueue ─▶ ModelGateways ─▶ Gateways ─▶ every replica's list ─▶ WorkQueue
                                         └─▶ Reconciler ─▶ decide ─▶ Runs ─▶ engine ─▶ StatusWriter ─▶ API server

It stops from the inside out: first no new decision, then the runs, which are recorded as far as they have come, for the
next one to go on with.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from herder.api.meta import MCP_SERVER, MODEL_GATEWAY
from herder.controller.clock import SYSTEM_CLOCK, Clock
from herder.controller.cluster.finalizer import Finalizer
from herder.controller.cluster.kube import Kube
from herder.controller.cluster.recorder import EventRecorder, record_transition
from herder.controller.cluster.relist import Relister
from herder.controller.cluster.secrets import Secrets
from herder.controller.families import FAMILIES
from herder.controller.families.family import Tools
from herder.controller.fleet.census import Census
from herder.controller.fleet.gateways import Gateways
from herder.controller.fleet.members import Members
from herder.controller.fleet.modelgateways import ModelGateways
from herder.controller.fleet.rotation import Rotation
from herder.controller.fleet.services import Place as ServicePlace
from herder.controller.fleet.services import Services
from herder.controller.known.objects import Body, Key, Objects, gateway_of, holder_of, uid_of
from herder.controller.known.queue import WorkQueue
from herder.controller.leadership.mandate import Mandate
from herder.controller.listing.registries import Registry
from herder.controller.listing.views import News
from herder.controller.mcp.desk import McpDesk, tell_repairs
from herder.controller.mcp.files import McpFiles
from herder.controller.mcp.sightings import Sightings
from herder.controller.metrics.gauges import Gauges
from herder.controller.metrics.registry import Metrics
from herder.controller.options import Options
from herder.controller.reconcile.acts import Acts
from herder.controller.reconcile.reconciler import Reconciler
from herder.controller.reconcile.scout import Scout
from herder.controller.repair.farewells import Farewells
from herder.controller.repair.giveback import Giveback
from herder.controller.repair.heals import Heals
from herder.controller.repair.sweep import Sweeper
from herder.controller.running.failpoints import Tripwire
from herder.controller.running.jobs import Job, job_of
from herder.controller.running.launch import Launcher
from herder.controller.running.line import Rank, Turn
from herder.controller.running.listening import RunListener
from herder.controller.running.places import Places
from herder.controller.running.runs import Run, Runs
from herder.controller.status.writer import StatusWriter
from herder.engine import WorkflowEngine
from herder.net.http import Http
from herder.net.mcp import Asker, McpClient
from herder.workflows.probing import Prober

_HANDS: Final = 8
_RECORDING_S: Final = 3.0
"""For how long at most an operator that stops waits for the API server to take what its runs have come to."""


class Operator:
    """One operator: `start` it, let it `work`, then `close` it.

    `http` leads to gateways and `probing` to workers: however many of these hang, gateways are reached.
    `asker` leads to MCP servers. `installation` is the cluster's identity. `listeners` hear of each
    run beside the metrics. `objects` is what is known already; without it everything is read at the start. It acts
    under `mandate`, as whoever made `kube` and `http` must see to. `engine` and `clock` are for tests.
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
        objects: Objects | None = None,
        mandate: Mandate | None = None,
    ) -> None:
        self._knows = objects is not None
        self._mandate = mandate or Mandate.for_good()
        self.objects = Objects() if objects is None else objects
        self.metrics = metrics or Metrics(clock)
        self.queue = WorkQueue(self.metrics.reconcile_failed, clock)
        self._recorder = EventRecorder(kube, clock.now, self.metrics.event_dropped)
        self._writer = StatusWriter(kube, self.objects, self._written, self.seen, clock, self._mandate)
        self._gateways = Gateways(http, self._registry_changed, self._needs, clock, self.metrics.gateways.heard)
        secrets = Secrets(kube, clock, options.scrubber.learn, only_bound=options.require_bound_keys)
        self._rotation = Rotation(secrets, self.queue.add, clock)
        self._services = Services(kube, self._service_changed)
        self._census = Census(self.objects, installation)
        heals = Heals(self._healed, clock)
        self._members = Members(self.objects, self.queue, self._gateways, self._census, heals)
        self._model_gateways = ModelGateways(
            objects=self.objects,
            queue=self.queue,
            gateways=self._gateways,
            members=self._members,
            secrets=secrets,
            services=self._services,
            writer=self._writer,
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
            scout=Scout(self.objects, self._model_gateways, self._members, self._rotation, tools, clock),
            acts=Acts(
                queue=self.queue,
                writer=self._writer,
                runs=self._runs,
                launcher=Launcher(self._runs, tools, clock),
                finalizer=Finalizer(kube, self.objects, self.queue, self.seen, self.gone),
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
                entries=self._members.entries,
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

    async def start(self, *, is_current: bool = False) -> None:
        """Have everything looked at, and know it as it is before: the first decision is made on the whole truth.

        `is_current` says that nobody who leads can have written since what is known was read. Raises KubeError.
        """
        if not self._knows:
            await self._relister.prime()
        elif is_current:
            self._relister.trust()
        else:
            await self._relister.catch_up()
        for key in self.objects:
            self.queue.add(key)

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
        """Stop everything; while the mandate lasts, have written how far the runs have come."""
        await self._giveback.close()
        await self._farewells.close()
        if not self._mandate.is_valid:
            await self._writer.close()
        await self._runs.close()
        await self._writer.settle(_RECORDING_S)
        await self._writer.close()
        await self._gateways.close()
        await self._services.close()
        await self._mcp.sightings.close()
        self.metrics.stood_down()

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
            self._members.forget(key, gateway_of(body))
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

    def _healed(self, gateway: Key, took_s: float) -> None:
        if self.objects.get(gateway) is not None:  # else its series would come back, and nobody would take them off
            self.metrics.healed(gateway, took_s)

    def _written(self, key: Key, before: Body, status: dict[str, object]) -> None:
        self._tripwire.written(status)
        record_transition(self._recorder, key, before, status)

    def _registry_changed(self, key: Key, news: News) -> None:
        self._members.changed(key, news)

    def _file_changed(self, gateway: Key) -> None:
        for member in self.objects.referring_to(gateway):
            if member.kind == MCP_SERVER.kind:
                self.queue.add(member)

    def _service_changed(self, place: ServicePlace) -> None:
        self._model_gateways.service_changed(place)

    def _needs(self, key: Key) -> frozenset[Registry]:
        return self._members.needs(key)

    def _turn_of(self, run: Run) -> Turn:
        """Return what its run waits for a place as."""
        body, job = self.objects.get(run.key), job_of(run.name)
        gateway_of_run = holder_of if job is Job.REMOVAL else gateway_of
        return Turn(gateway_of_run(body) if body is not None else None, Rank.of(run.key.kind, job))

    def _run_ended(self, run: Run) -> None:
        self._reconciler.ended(run)
