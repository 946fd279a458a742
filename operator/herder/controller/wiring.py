"""The composition root: all parts of an operator, made and handed to those that need them, and nothing else.

    known ─▶ telling ─▶ fleet ─▶ MCP ─▶ deciding ─▶ Operator

A builder gets the rooms before its own. Where two parts need each other, the one that is made first is given a function
in which the other one is looked up when it is called.
"""

from functools import partial

from herder.api.meta import MODEL_GATEWAY
from herder.controller.cluster.secrets import Secrets
from herder.controller.families.site import Tools
from herder.controller.fleet.census import Census
from herder.controller.fleet.gateways import Gateways
from herder.controller.fleet.heals import Heals
from herder.controller.fleet.lookup import Lookup
from herder.controller.fleet.members import Members
from herder.controller.fleet.modelgateways import ModelGateways
from herder.controller.fleet.rotation import Rotation
from herder.controller.fleet.services import Place, Services
from herder.controller.fleet.sharing import Sharing
from herder.controller.known.intake import Intake
from herder.controller.known.objects import Body, Key, gateway_of, uid_of
from herder.controller.known.queue import WorkQueue
from herder.controller.listing.registries import Registry
from herder.controller.listing.views import News
from herder.controller.mcp.desk import McpDesk, tell_repairs, wake_servers
from herder.controller.mcp.files import McpFiles
from herder.controller.mcp.sightings import Sightings
from herder.controller.metrics.gauges import Gauges
from herder.controller.operator import Operator
from herder.controller.parts import Deciding, Fleet, Known, Means, Telling
from herder.controller.reconcile.acts import Acts
from herder.controller.reconcile.declaring import Declaring
from herder.controller.reconcile.explaining import Explaining
from herder.controller.reconcile.finalizer import Finalizer
from herder.controller.reconcile.letting_go import LettingGo
from herder.controller.reconcile.reconciler import Reconciler
from herder.controller.reconcile.scout import Scout
from herder.controller.repair.farewells import Farewells
from herder.controller.repair.former import FormerKeys
from herder.controller.repair.giveback import Giveback
from herder.controller.repair.sweep import Sweeper
from herder.controller.running.failpoints import Tripwire
from herder.controller.running.launch import Launcher
from herder.controller.running.places import Places
from herder.controller.running.runs import Run, Runs
from herder.controller.running.telling import RunTelling
from herder.controller.running.turns import turn_of
from herder.controller.status.recorder import EventRecorder, record_disbelief, record_transition
from herder.controller.status.writer import StatusWriter
from herder.controller.watch.relist import Relister
from herder.workflows.probing import Prober


def operator_of(means: Means) -> Operator:
    """Return an operator that acts by these means; its metrics are shown from now on."""
    known = _known(means)
    telling = _telling(means, known)
    fleet = _fleet(means, known, telling)
    desk = _desk(means, known, telling, fleet)
    deciding = _deciding(means, known, telling, fleet, desk)
    means.metrics.read_from(_gauges(known, fleet, deciding))
    return Operator(
        known=known,
        telling=telling,
        fleet=fleet,
        desk=desk,
        deciding=deciding,
        mandate=means.mandate,
        metrics=means.metrics,
    )


def _known(means: Means) -> Known:
    objects = means.objects
    queue = WorkQueue(means.metrics.reconcile_failed, means.clock)
    intake = Intake(objects, queue)
    relister = Relister(
        means.kube, objects, means.options.namespaces, seen=intake.seen, gone=intake.gone, clock=means.clock
    )
    return Known(objects=objects, queue=queue, intake=intake, relister=relister)


def _telling(means: Means, known: Known) -> Telling:
    recorder = EventRecorder(means.kube, means.clock.now, means.metrics.event_dropped)
    tripwire = Tripwire(means.options.failpoint)

    def written(key: Key, before: Body, status: dict[str, object]) -> None:
        tripwire.written(status)
        record_transition(recorder, key, before, status)
        record_disbelief(recorder, key, before)

    writer = StatusWriter(means.kube, known.objects, written, known.intake.seen, means.clock, means.mandate)
    return Telling(recorder=recorder, tripwire=tripwire, writer=writer)


def _fleet(means: Means, known: Known, telling: Telling) -> Fleet:
    objects, queue, clock, options = known.objects, known.queue, means.clock, means.options

    def healed(gateway: Key, took_s: float) -> None:
        if objects.get(gateway) is not None:  # else its series would come back, and nobody would take them off
            means.metrics.healed(gateway, took_s)

    def changed(key: Key, news: News) -> None:
        members.changed(key, news)

    def needs(key: Key) -> frozenset[Registry]:
        return members.needs(key)

    def service_changed(place: Place) -> None:
        model_gateways.service_changed(place)

    gateways = Gateways(means.http, changed, needs, clock, means.metrics.gateways.heard)
    secrets = Secrets(means.kube, clock, options.scrubber.learn, only_bound=options.require_bound_keys)
    rotation = Rotation(secrets, queue.add, clock)
    services = Services(means.kube, service_changed)
    sharing = Sharing()
    census, heals = Census(objects, means.installation), Heals(healed, clock)
    members = Members(objects, queue, gateways, census, heals)
    model_gateways = ModelGateways(
        objects=objects,
        queue=queue,
        gateways=gateways,
        members=members,
        lookup=Lookup(secrets, services),
        sharing=sharing,
        writer=telling.writer,
        clock=clock,
    )

    def forget(key: Key, body: Body) -> None:
        members.forget(key, gateway_of(body))
        rotation.forget(key)
        if key.kind == MODEL_GATEWAY.kind:
            means.metrics.drop(key)

    known.intake.at_end(forget)
    return Fleet(
        gateways=gateways,
        services=services,
        sharing=sharing,
        rotation=rotation,
        census=census,
        heals=heals,
        members=members,
        model_gateways=model_gateways,
    )


def _desk(means: Means, known: Known, telling: Telling, fleet: Fleet) -> McpDesk:
    files = McpFiles(
        means.kube,
        known.objects,
        fleet.gateways,
        changed=wake_servers(known.objects, known.queue),
        told=tell_repairs(known.objects, telling.recorder),
        clock=means.clock,
    )
    sightings = Sightings(means.asker, known.queue.add)
    known.intake.at_end(lambda _, body: sightings.forget(uid_of(body)))
    return McpDesk(files, sightings)


def _deciding(means: Means, known: Known, telling: Telling, fleet: Fleet, desk: McpDesk) -> Deciding:
    objects, queue, intake, clock, writer = known.objects, known.queue, known.intake, means.clock, telling.writer
    tools = Tools(prober=Prober(means.probing), mcp=desk)
    places = Places(means.options.runs_at_once, lambda: len(fleet.gateways), clock)

    telling_runs = RunTelling(telling.recorder, objects, clock)
    intake.at_end(lambda _, body: telling_runs.forget(uid_of(body)))

    def ended(run: Run) -> None:
        reconciler.ended(run)

    runs = Runs(
        means.engine,
        writer,
        ended,
        places=places,
        turn_of=partial(turn_of, objects),
        tripwire=telling.tripwire,
        listeners=(means.metrics.runs, telling_runs, *means.listeners),
    )
    farewells = Farewells(queue)
    launcher, recorder = Launcher(runs, tools, clock), telling.recorder
    finalizer = Finalizer(means.kube, objects, queue, intake.seen, intake.gone)
    acts = Acts(
        queue=queue,
        writer=writer,
        runs=runs,
        launcher=launcher,
        finalizer=finalizer,
        letting_go=LettingGo(
            queue=queue,
            writer=writer,
            runs=runs,
            launcher=launcher,
            finalizer=finalizer,
            farewells=farewells,
            recorder=recorder,
        ),
        explaining=Explaining(queue=queue, writer=writer, runs=runs, clock=clock),
        recorder=recorder,
    )
    declaring = Declaring(fleet.rotation, tools)
    former = FormerKeys(declaring.declared, queue, telling.recorder, clock)
    giveback = Giveback(queue, fleet.gateways, fleet.heals, clock, acts.tell_drift)
    reconciler = Reconciler(
        objects=objects,
        queue=queue,
        scout=Scout(objects, fleet.model_gateways, fleet.members, declaring, clock),
        acts=acts,
        giveback=giveback,
        former=former,
        runs=runs,
        writer=writer,
        installation=means.installation,
        clock=clock,
    )
    intake.at_end(lambda _, body: reconciler.forget(uid_of(body)))
    intake.at_end(lambda _, body: farewells.forget(uid_of(body)))
    sweeper = Sweeper(
        means.kube,
        objects,
        fleet.gateways,
        fleet.sharing,
        means.installation,
        recorder=telling.recorder,
        census=fleet.census,
        queue=queue,
    )
    return Deciding(
        places=places,
        runs=runs,
        farewells=farewells,
        giveback=giveback,
        former=former,
        reconciler=reconciler,
        sweeper=sweeper,
    )


def _gauges(known: Known, fleet: Fleet, deciding: Deciding) -> Gauges:
    return Gauges(
        places=deciding.places,
        queue=known.queue,
        objects=known.objects,
        gateways=fleet.gateways,
        running=lambda: len(deciding.runs),
        entries=fleet.members.entries,
        unhealed_s=fleet.heals.unhealed_s,
        watch_ages_s=lambda: known.relister.freshness.ages_s,
    )
