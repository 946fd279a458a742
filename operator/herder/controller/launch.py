"""From a scene to a run: the workflow, the data it works on, the state it begins with, and what it shows of itself."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from herder.api.status import EntryState, RunStatus, WorkflowRun
from herder.api.worker import DiscoveredWorker
from herder.controller import claims, project
from herder.controller.decide import Job
from herder.controller.objects import Body
from herder.controller.observe import Reading, observe
from herder.controller.restore import entries_of, facts_of, fresh_state, restored_state
from herder.controller.runs import Run, Runs
from herder.controller.scene import Scene
from herder.controller.subject import status_of
from herder.controller.wishes import Status
from herder.engine import STEP_ENDED, WorkflowDefinition, WorkflowOutcome, WorkflowState, WorkflowStatus
from herder.workflows.entry import LOST_ADD, NO_ENTRY, REGISTERED, Entry
from herder.workflows.errors import Problem
from herder.workflows.probing import Prober
from herder.workflows.registration import registration
from herder.workflows.registration.data import Registration
from herder.workflows.removal import removal
from herder.workflows.removal.data import Removal
from herder.workflows.removal.steps import Drain

_KILLED: Final = frozenset({RunStatus.PENDING, RunStatus.RUNNING})
_UNKNOWN: Final = Problem("StepFailed", "no reason was given", retryable=True)


@dataclass(frozen=True)
class Launcher:
    """Makes runs. `runs` is asked for their live state when they are shown."""

    runs: Runs
    prober: Prober

    def registration(self, scene: Scene, *, resumes: bool) -> Run:
        """Return a run of `worker-registration`, or the one that another process left."""
        plan, gateway, subject = scene.plan, scene.gateway, scene.subject
        if plan is None or gateway is None:
            raise ValueError("a registration needs a plan and a gateway")
        left = subject.status.workflow if resumes else None
        data = Registration(plan, gateway.replicas, self.prober, adopt=subject.adopts)
        data.entries = known_entries(scene, left)
        if left is not None and plan.is_probed_here:
            data.facts = facts_of(subject.status.worker)
        definition = registration(plan.spec.startup.timeout_seconds)
        return _run(scene, Job.REGISTRATION, definition, data, left, scene.inputs, self)

    def removal(self, scene: Scene, *, resumes: bool) -> Run:
        """Return a run of `worker-removal` of what is registered, whatever is declared now."""
        subject, gateway = scene.subject, scene.gateway
        if gateway is None:
            raise ValueError("a removal needs a gateway")
        left = subject.status.workflow
        data = Removal(scene.url_to_remove, subject.owner, gateway.replicas, known_entries(scene, left))
        definition = removal(subject.drain.timeout_seconds)
        return _run(scene, Job.REMOVAL, definition, data, left if resumes else None, data.url, self)


def _run(
    scene: Scene,
    job: Job,
    definition: WorkflowDefinition[Any],
    data: Registration | Removal,
    left: WorkflowRun | None,
    inputs: str,
    launcher: Launcher,
) -> Run:
    if left is not None:
        state: WorkflowState[Any] = restored_state(definition, left, data)
    else:
        state = fresh_state(definition, f"{job.value}-{uuid4().hex[:12]}", data)
    view = _View(scene, job, launcher.runs)
    return Run(
        key=scene.subject.key,
        uid=scene.subject.uid,
        inputs=inputs,
        definition=definition,
        state=state,
        render=view.progress,
        left_as=view.left_as,
        render_end=view.end,
        is_last=job is Job.REMOVAL and scene.subject.is_deleting,
    )


def known_entries(scene: Scene, left: WorkflowRun | None) -> dict[str, Entry]:
    """Return the records.

    Where the process of a registration was killed, they may be a second old: a lost add is assumed on every replica
    that they name no id of. A run that was stopped in order (Paused) has left exact ones.
    """
    entries = entries_of(scene.subject.status.replicas)
    was_killed = left is not None and left.name == Job.REGISTRATION and left.status in _KILLED
    if was_killed:
        for endpoint in scene.endpoints:
            if entries.get(endpoint, LOST_ADD).worker_id is None:
                entries[endpoint] = LOST_ADD
    return entries


def has_been_sent(state: WorkflowState[Any]) -> bool:
    """Whether a removal has told every replica that answers what it has to tell it; never so for a registration."""
    drain = state.steps.get(Drain.id)
    return drain is not None and drain.status in STEP_ENDED


def left_out(run: Run) -> frozenset[str]:
    """Return the replicas that a registration which came to its end went without."""
    data = run.state.data
    if not isinstance(data, Registration):
        return frozenset()
    return frozenset(r.endpoint for r in data.replicas if data.entry(r.endpoint).state not in REGISTERED)


@dataclass(frozen=True)
class _View:
    """What a run shows of itself, as it goes on and at its end."""

    scene: Scene
    job: Job
    runs: Runs

    def progress(self, run: Run, body: Body) -> Status:
        return self._progress(run, body).dump()

    def left_as(self, run: Run, body: Body) -> project.Status:
        """What is stopped while its end is being written has ended all the same."""
        return project.paused(self._progress(run, body)) if run.outcome is None else self._end(run, body, run.outcome)

    def end(self, run: Run, body: Body, outcome: WorkflowOutcome) -> Status:
        return self._end(run, body, outcome).dump()

    def _end(self, run: Run, body: Body, outcome: WorkflowOutcome) -> project.Status:
        report = self._report(run)
        if self.job is Job.REGISTRATION:
            report = replace(report, entries={**dict.fromkeys(report.endpoints, NO_ENTRY), **report.entries})
        base = self._with_token(status_of(body))
        return project.with_ended_run(base, report, self._verdict(run, report, outcome), self._moment())

    def _progress(self, run: Run, body: Body) -> project.Status:
        report = self._report(run)
        said = claims.running(report.steps, is_removal=self.job is Job.REMOVAL)
        base = self._with_token(status_of(body))
        status = project.with_run(base, report, said, self._moment())
        return project.with_known_worker(status, base.worker)

    def _verdict(self, run: Run, report: project.RunReport, outcome: WorkflowOutcome) -> claims.Claims:
        is_removal = self.job is Job.REMOVAL
        if outcome.status is WorkflowStatus.COMPLETED:
            return claims.registering("removed from its former URL") if is_removal else self._registered(run)
        if outcome.status is WorkflowStatus.CANCELLED:
            return claims.cancelled()
        failed = outcome.failed_step
        problem = report.problems.get(failed or "", _UNKNOWN)
        if problem is _UNKNOWN and outcome.error:
            problem = Problem("StepFailed", outcome.error, retryable=True)
        return claims.failed(failed, problem, is_removal=is_removal)

    def _registered(self, run: Run) -> claims.Claims:
        data = run.state.data
        if not isinstance(data, Registration):
            raise TypeError("only a registration registers")
        reading = Reading({}, float("-inf"), datetime.now(UTC))
        return claims.settled(observe(data.plan, data.entries, self.scene.endpoints, reading))

    def _report(self, run: Run) -> project.RunReport:
        state = self.runs.live_state(run)
        data = run.state.data
        shown = _of_registration(data) if isinstance(data, Registration) else self._of_removal(data, state)
        return project.RunReport(
            name=run.name,
            instance_id=state.instance_id,
            inputs=run.inputs,
            state=state,
            problems=dict(data.problems),
            entries=shown.entries,
            endpoints=self.scene.endpoints,
            worker=shown.worker,
            spec_hash=shown.spec_hash,
        )

    def _of_removal(self, data: Removal, state: WorkflowState[Any]) -> "_Shown":
        if state.status is not WorkflowStatus.COMPLETED:
            return _Shown(self.scene.subject.status.worker, dict(data.entries))
        return _Shown(None, {e: entry for e, entry in data.entries.items() if entry.state is not EntryState.ABSENT})

    def _with_token(self, base: project.Status) -> project.Status:
        """A run that begins is what a retry asked for."""
        return project.with_tokens(base, retry=self.scene.subject.retry, cancel=None)

    def _moment(self) -> project.Moment:
        return project.Moment(datetime.now(UTC), self.scene.subject.generation)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a run's data says of the worker and its entries; `spec_hash` is None where nothing is to be registered."""

    worker: DiscoveredWorker | None
    entries: dict[str, Entry]
    spec_hash: str | None = None


def _of_registration(data: Registration) -> _Shown:
    return _Shown(project.worker_of(data.plan, data.facts), dict(data.entries), data.plan.spec_hash)
