"""What of a scene counts for a decision: pure."""

from typing import Any

from herder.api.conditions import ReadyReason
from herder.api.gateway import GatewayReplicaState, Mode
from herder.api.status import EntryState, RunStatus
from herder.controller.fleet.gateways import Gateway
from herder.controller.known.blocked import Blocked
from herder.controller.known.memory import Memory
from herder.controller.known.subject import Subject
from herder.controller.listing.observation import Observation
from herder.controller.reconcile.world import LastRun, Running
from herder.controller.running.jobs import Job, job_of
from herder.controller.running.launch import has_taken_former_off, takes_former_off
from herder.controller.running.runs import Run
from herder.controller.scene.scene import Scene
from herder.engine import WorkflowState
from herder.workflows.entry import NO_ENTRY, is_held


def only_observed(gateway: Gateway | None) -> bool:
    """Whether a gateway is only read and compared."""
    return gateway is not None and gateway.access.mode is Mode.OBSERVE


def to_be_moved(scene: Scene) -> Observation | None:
    """Return what is seen, on a gateway that is only observed, of a resource that is registered elsewhere.

    That is: nothing of what is declared, and under its former key what the records tell of.
    """
    if not scene.is_elsewhere or scene.blocked is not None or not only_observed(scene.gateway):
        return None
    standing = scene.subject.registered
    is_here = standing is not None and standing.gateway == scene.subject.gateway
    records = scene.records if is_here else {}
    entries = {endpoint: records.get(endpoint, NO_ENTRY) for endpoint in scene.endpoints}
    views = scene.gateway.views if scene.gateway is not None else {}
    return Observation(entries, frozenset(entries), frozenset(e for e, view in views.items() if view.is_away))


def refusal(gateway: Gateway | None) -> Blocked | None:
    """Return what is said where no replica takes herder's credentials; one that does is worth a run."""
    views = gateway.views if gateway is not None else {}
    if not views or any(view.state is not GatewayReplicaState.REFUSES for view in views.values()):
        return None
    endpoint, view = next(iter(views.items()))
    return Blocked(ReadyReason.GATEWAY_REFUSES, f"{endpoint}: {view.trouble}")


def circle(subject: Subject, gateway: Gateway | None) -> Blocked | None:
    """Return what is said of a worker that is a replica of its own gateway."""
    if gateway is None or subject.gateway is None:
        return None
    found = subject.family.front_in(subject.raw_spec, gateway.access.fronts)
    if found is None:
        return None
    text = f"spec.url names a replica of ModelGateway {subject.gateway.name} itself, {found}, which would send requests"
    return Blocked(ReadyReason.ADDRESS_REFUSED, f"{text} round in a circle: name the inference server behind it")


def may_retire(scene: Scene) -> bool:
    """Whether a replica that answers may still have it under a former key, which it needs no more."""
    views = scene.gateway.views if scene.gateway is not None else {}
    answering = [endpoint for endpoint in scene.endpoints if endpoint in views and not views[endpoint].is_away]
    return serves(scene) and any(
        endpoint not in records or is_held(records[endpoint])
        for records in scene.former.values()
        for endpoint in answering
    )


def serves(scene: Scene) -> bool:
    """Whether every replica that answers has it as declared, and finds it well, and one does."""
    seen = scene.observation
    if seen is None or scene.is_moving or seen.is_actionable:
        return False
    states = [entry.state for endpoint, entry in seen.entries.items() if endpoint not in seen.away]
    return bool(states) and all(state is EntryState.READY for state in states)


def needs_former(scene: Scene, live: WorkflowState[Any] | None) -> bool:
    """Whether what it has under former keys is to stay in service: the declared one does not serve yet.

    `live` is how far the run in progress has come.
    """
    subject = scene.subject
    if not (subject.former or scene.is_moving) or scene.is_leaving or only_observed(scene.gateway):
        return False
    is_let_alone = subject.spec is None or subject.spec.suspend
    takes_off = takes_former_off(live) if live is not None else has_taken_former_off(subject.status.workflow)
    return not is_let_alone and not takes_off and not serves(scene)


def has_new_instance(scene: Scene, memory: Memory) -> bool:
    """Whether a replica that the last run failed with may have been started anew since."""
    views = scene.gateway.views if scene.gateway is not None else {}
    failed_with = memory.failed_with or {}
    return any(e in failed_with and failed_with[e] != view.instance for e, view in views.items())


def running(run: Run | None, scene: Scene) -> Running | None:
    """Return what counts of the run in progress in this process."""
    if run is None:
        return None
    job = _job(run)
    gateway = scene.holder if job is Job.REMOVAL else scene.gateway
    drives_replicas = scene.subject.family.is_listed
    is_adrift = drives_replicas and gateway is not None and run.state.data.replicas != gateway.replicas
    return Running(job, run.inputs, is_adrift)


def _job(run: Run) -> Job:
    job = job_of(run.name)
    if job is None:
        raise ValueError(f"no job is named {run.name}")
    return job


def last_run(subject: Subject) -> LastRun | None:
    """Return what counts of the last run that the status tells of."""
    run = subject.status.workflow
    job = job_of(run.name) if run is not None else None
    if run is None or job is None:
        return None
    failed = next((step for step in run.steps if step.status.value == "Failed"), None)
    reason = failed.reason if failed is not None and run.status is RunStatus.FAILED else None
    is_outdated = run.generation != subject.generation
    return LastRun(job, run.status, run.inputs or "", reason or "", is_outdated)
