"""What a run shows of itself in its object's status, as it goes on, when it is stopped, and at its end."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from herder.api.base import ApiModel
from herder.api.status import Draining, EntryState
from herder.controller.clock import Clock
from herder.controller.families.work import Work
from herder.controller.known.objects import Body
from herder.controller.known.subject import status_of
from herder.controller.running.jobs import Job
from herder.controller.running.runs import Run, Runs
from herder.controller.scene.observe import Reading, observe
from herder.controller.scene.scene import Scene
from herder.controller.status import claims, endings, of_lists, of_runs, phrases, project, run_report
from herder.controller.status.run_report import RunReport
from herder.controller.status.wishes import Status
from herder.engine import WorkflowOutcome, WorkflowStatus
from herder.workflows.entry import NO_ENTRY, REGISTERED, Entry, is_held
from herder.workflows.errors import Problem

_ABSENT: Final = EntryState.ABSENT
_UNKNOWN: Final = Problem("StepFailed", "no reason was given", retryable=True)


@dataclass(frozen=True)
class Portrait:
    """Renders one run. The status on the API server is what each rendering goes on from."""

    scene: Scene
    job: Job
    work: Work
    runs: Runs
    clock: Clock

    def progress(self, run: Run, body: Body) -> Status:
        """Return the status while it is in progress."""
        return self._progress(run, body).dump()

    def left_as(self, run: Run, body: Body) -> project.Status:
        """Return the status that it leaves. What is stopped while its end is being written has ended all the same."""
        return endings.paused(self._progress(run, body)) if run.outcome is None else self._end(run, body, run.outcome)

    def end(self, run: Run, body: Body, outcome: WorkflowOutcome) -> Status:
        """Return the status at its end."""
        return self._end(run, body, outcome).dump()

    @property
    def _is_removal(self) -> bool:
        return self.job is Job.REMOVAL

    def _end(self, run: Run, body: Body, outcome: WorkflowOutcome) -> project.Status:
        base = self._with_token(status_of(body))
        report = self._report(run, base)
        if not self._is_removal:
            report = replace(report, entries={**dict.fromkeys(report.endpoints, NO_ENTRY), **report.entries})
        report = self._summed_up(report, base)
        said = self._verdict(report, outcome) + self._beside(run, report, base)
        return run_report.with_ended_run(base, report, said, self._moment())

    def _progress(self, run: Run, body: Body) -> project.Status:
        base = self._with_token(status_of(body))
        report = self._report(run, base)
        family = self.scene.subject.family
        if not self._is_removal:
            found = run_report.completed(report.shown[family.shown_in], family.shown(base), family.key_in)
            report = replace(report, shown={family.shown_in: found})
        report = self._summed_up(report, base)
        served = self.work.served(report.steps)
        beside = self._awaits(report) if self._is_removal else "" if served else self._stays
        said = of_runs.running(report.steps, is_removal=self._is_removal, served=served, beside=beside)
        return run_report.with_run(base, report, said + self._beside(run, report, base), self._moment())

    def _verdict(self, report: RunReport, outcome: WorkflowOutcome) -> claims.Claims:
        if outcome.status is WorkflowStatus.COMPLETED:
            return claims.registering("removed from its former place") if self._is_removal else self._registered()
        if outcome.status is WorkflowStatus.CANCELLED:
            return of_runs.cancelled(self._stays)
        failed = outcome.failed_step
        problem = report.problems.get(failed or "", _UNKNOWN)
        if problem is _UNKNOWN and outcome.error:
            problem = Problem("StepFailed", outcome.error, retryable=True)
        step = next((each for each in report.steps if each.name == failed), None)
        tried = phrases.tried(step.attempts, step.started_at, step.finished_at) if step is not None else ""
        return of_runs.failed(
            failed, problem, is_removal=self._is_removal, beside=self._stays, tried=tried, let_go=self._let_go(report)
        )

    def _awaits(self, report: RunReport) -> str:
        """Return what a removal that goes on waits for, and until when. A step that is retried names it itself."""
        left = "" if any(step.message for step in report.steps) else of_lists.still_on(self._left(report.entries))
        return (f"; {left}" if left else "") + self._let_go(report)

    def _let_go(self, report: RunReport) -> str:
        """Return what is said of when a removal is given up."""
        if report.drain is None or not self._is_removal:
            return ""
        subject = self.scene.subject
        return phrases.let_go(report.drain.deadline, subject.family.terms_in, is_deleting=subject.is_deleting)

    @property
    def _stays(self) -> str:
        """Return what is said of former keys while a registration goes on, or after it has failed."""
        return "" if self._is_removal else phrases.stays(self.work.former())

    def _registered(self) -> claims.Claims:
        declared = self.scene.declared
        if declared is None:
            raise TypeError("only what is declared is registered")
        reading = Reading({}, float("-inf"), self.clock.now())
        return of_lists.settled(observe(declared, self.work.data.entries, self.scene.endpoints, reading))

    def _beside(self, run: Run, report: RunReport, base: project.Status) -> claims.Claims:
        """Return what is said beside Ready. What a run does not know of every replica is said as it was."""
        if not self._is_removal:
            offers: dict[str, bool] = getattr(self.work.data, "routable", {})
            said = of_lists.routable_of(base, offers if run.outcome is not None else {}, report.endpoints)
            return said if report.drain is None else (*said, of_lists.draining(self._left({}), is_over=False))
        if not self.scene.subject.family.drains:
            return ()
        is_over = report.state.status is WorkflowStatus.COMPLETED
        return (of_lists.draining(self._left(report.entries), is_over=is_over),)

    def _left(self, entries: Mapping[str, Entry]) -> dict[str, Entry]:
        """Return an entry of each replica: one that it still has, under whichever key, or else any."""
        shown = {endpoint: entries.get(endpoint, NO_ENTRY) for endpoint in self._endpoints}
        for records in self.work.former().values():
            shown |= {e: entry for e, entry in records.items() if e in shown and is_held(entry)}
        return shown

    def _report(self, run: Run, base: project.Status) -> RunReport:
        state = self.runs.live_state(run)
        subject, data = self.scene.subject, self.work.data
        removed = self._is_removal and state.status is WorkflowStatus.COMPLETED
        gateway = subject.gateway
        if self._is_removal:
            gateway = subject.registered.gateway if subject.registered is not None and not removed else None
        return RunReport(
            name=run.name,
            instance_id=state.instance_id,
            inputs=run.inputs,
            state=state,
            problems=dict(data.problems),
            entries={e: entry for e, entry in data.entries.items() if not removed or entry.state is not _ABSENT},
            endpoints=self._endpoints,
            gateway=gateway.name if gateway is not None else None,
            shown=self._shown(removed=removed),
            spec_hash=None if self._is_removal or self.scene.declared is None else self.scene.declared.spec_hash,
            former=self._former(removed=removed),
            drain=None if removed else self._drain(base),
            as_before=frozenset() if self._is_removal else self._as_before(),
            is_listed=subject.family.is_listed,
        )

    def _summed_up(self, report: RunReport, base: project.Status) -> RunReport:
        """Return the report with what sums up what it shows."""
        family = self.scene.subject.family
        is_held = bool(report.as_before) or any(entry.state in REGISTERED for entry in report.entries.values())
        return replace(report, summary=family.summary(report.shown[family.shown_in], base, is_held=is_held))

    def _as_before(self) -> frozenset[str]:
        """Return the replicas that have it under a former key."""
        former = self.work.former().values()
        return frozenset(e for records in former for e, entry in records.items() if entry.state in REGISTERED)

    @property
    def _endpoints(self) -> tuple[str, ...]:
        if not self.scene.subject.family.is_listed:
            return ()
        return self.scene.held_on if self._is_removal else self.scene.endpoints

    def _shown(self, *, removed: bool) -> dict[str, Any]:
        family = self.scene.subject.family
        if not self._is_removal:
            return {family.shown_in: self.work.shown()}
        return {family.shown_in: None if removed else family.shown(self.scene.subject.status)}

    def _former(self, *, removed: bool) -> Mapping[str, tuple[ApiModel, ...] | None]:
        left = {} if removed else self.work.former()
        rows = {key: project.rows(entries, self._endpoints) for key, entries in left.items()}
        return self.scene.subject.family.with_former(rows)

    def _drain(self, base: project.Status) -> Draining | None:
        """Return since and until when it is taken off: as a whole, or under former keys once that has begun."""
        load = self.work.load()
        if not self._is_removal:
            is_on = load is not None or (base.drain is not None and not self.scene.is_moving)
            if not (is_on and self.work.former()):
                return None
        return self.scene.subject.draining(base, self.clock.now(), load)

    def _with_token(self, base: project.Status) -> project.Status:
        """A run that begins is what a retry asked for."""
        return project.with_tokens(base, retry=self.scene.subject.retry, cancel=None)

    def _moment(self) -> project.Moment:
        return project.Moment(self.clock.now(), self.scene.subject.generation)
