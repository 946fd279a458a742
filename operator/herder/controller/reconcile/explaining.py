"""Letting nothing run for one resource, and saying why in its status: blocked, suspended, cancelled or settled."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from herder.api.conditions import ReadyReason
from herder.api.status import EntryState
from herder.controller.clock import Clock
from herder.controller.fleet.modelgateways import MISSING_RECHECK_S
from herder.controller.known.blocked import Blocked
from herder.controller.known.objects import Body
from herder.controller.known.queue import WorkQueue
from herder.controller.known.subject import Subject, status_of
from herder.controller.reconcile.actions import (
    Block,
    Cancel,
    Settle,
    Suspend,
)
from herder.controller.reconcile.glance import only_observed
from herder.controller.reconcile.stopping import Base, stopped
from herder.controller.running.jobs import Job, job_of
from herder.controller.running.launch import known_entries
from herder.controller.running.restore import UNFINISHED
from herder.controller.running.runs import Runs
from herder.controller.scene.scene import Scene
from herder.controller.status import claims, endings, of_lists, of_runs, phrases, project
from herder.controller.status.wishes import Haste, Status
from herder.controller.status.writer import StatusWriter
from herder.workflows.entry import Entry

_OF_SECRETS: Final = frozenset({ReadyReason.SECRET_NOT_FOUND, ReadyReason.SECRET_NOT_PERMITTED})

_NOT_OURS: Final = frozenset({EntryState.ABSENT, EntryState.FOREIGN})

_GRACE_S: Final = 5.0
"""How long after it was created nobody is warned that a resource's gateway is not there: it may be on its way, too."""


@dataclass(frozen=True, kw_only=True)
class Explaining:
    """Writes statuses of resources for which no run is in progress, once none is."""

    queue: WorkQueue
    writer: StatusWriter
    runs: Runs
    clock: Clock

    async def explain(self, action: Block | Suspend | Cancel | Settle, scene: Scene) -> None:
        """Let nothing run, and say why."""
        match action:
            case Block(blocked):
                await self._block(scene, blocked)
            case Suspend():
                await self._say(scene, claims.suspended(_waiting(scene)))
            case Cancel():
                await self._cancel(scene)
            case Settle(keeps_failure):
                await self._settle(scene, keeps_failure=keeps_failure)

    async def _block(self, scene: Scene, blocked: Blocked) -> None:
        if blocked.reason in _OF_SECRETS:  # of its arrival nobody tells
            self.queue.add_after(scene.subject.key, MISSING_RECHECK_S)
        young_s = _GRACE_S - (self.clock.now() - scene.subject.created_at).total_seconds()
        if blocked.reason is ReadyReason.GATEWAY_NOT_FOUND and young_s > 0:  # both are being applied, perhaps
            self.queue.add_after(scene.subject.key, young_s)
            await self._say(scene, claims.registering(f"waiting for its gateway: {blocked.message}"))
            return
        beside = self._let_go(scene) if scene.is_leaving else phrases.stays(scene.former_keys)
        if blocked.reason is ReadyReason.GATEWAY_NOT_FOUND and not scene.is_leaving:
            rows = scene.subject.status.replicas
            beside += phrases.unlooked_at(row.endpoint for row in rows if row.state not in _NOT_OURS)
        await self._say(scene, claims.blocked(blocked.reason, f"{blocked.message}{beside}"))

    def _let_go(self, scene: Scene) -> str:
        """Return what is said of when what is barred is given up."""
        subject, now = scene.subject, self.clock.now()
        deadline = subject.draining(subject.status, now).deadline
        return phrases.let_go(deadline, subject.family.terms_in, is_deleting=subject.is_deleting)

    async def _say(self, scene: Scene, said: claims.Claims) -> None:
        """Stop what runs, and say why nothing is done; what the replicas list goes on being shown, or is Unknown."""
        base = await stopped(self.runs, scene.subject.uid)
        self._await_reading(scene)
        observation, subject = scene.observation, scene.subject
        is_stopped = base is not status_of  # then its own records are newer than what was observed
        is_awaited = scene.is_leaving and scene.barred is not None
        entries = None if is_stopped else known_entries(scene, subject.status.workflow)

        def say(status: project.Status, at: project.Moment) -> project.Status:
            if is_awaited:
                status = project.with_drain(status, subject.draining(status, at.now))
            if subject.asks_cancel and not scene.is_leaving:
                status = project.with_tokens(status, retry=None, cancel=subject.cancel)
                if _is_unfinished(status):
                    return project.with_claims(_cancelled(status, scene, entries, at), said, at)
            if observation is not None and not is_stopped and not scene.is_moving:
                return project.with_observation(status, observation, said, at, as_before=scene.as_before)
            seen = status if scene.shown_gateway is not None else project.unseen(status)
            return project.with_claims(seen, said, at)

        self._submit(subject, base, say)

    async def _cancel(self, scene: Scene) -> None:
        """End the run in progress, or the one that another process left, for good; or the trying of one that failed."""
        subject = scene.subject
        base = await stopped(self.runs, subject.uid)
        entries = known_entries(scene, subject.status.workflow) if base is status_of else None
        said = of_runs.cancelled(phrases.stays(scene.former_keys))

        def cancel(base: project.Status, at: project.Moment) -> project.Status:
            base = project.with_tokens(base, retry=None, cancel=subject.cancel)
            if scene.is_elsewhere and _has_failed_removal(base):
                return project.with_claims(endings.called_off(base), said, at)
            if not _is_unfinished(base):
                return base
            return project.with_claims(_cancelled(base, scene, entries, at), said, at)

        self._submit(subject, base, cancel)

    async def _settle(self, scene: Scene, *, keeps_failure: bool) -> None:
        observation, subject = scene.observation, scene.subject
        if scene.gateway is None:
            return
        if observation is None:  # registered elsewhere, with a gateway that is only observed here
            await self._say(scene, of_lists.elsewhere(scene.former_place, may_be_both=_may_be_both(subject)))
            return
        self._await_reading(scene)
        said: claims.Claims | None
        if keeps_failure:
            said = of_runs.kept(subject.status, phrases.stays(scene.former_keys))
        else:
            stays = phrases.stays(scene.former_keys)
            said = of_lists.settled(observation, observe_only=only_observed(scene.gateway), beside=stays)
            mute = scene.keeps_its_offers_back
            said += of_lists.routable_of(subject.status, scene.offers, scene.endpoints, mute)
        if scene.is_moving:  # what is observed is not what its records tell of yet
            self._submit(subject, status_of, partial(project.with_claims, claims=said or ()))
            return
        seen = partial(project.with_observation, observation=observation, claims=said, as_before=scene.as_before)
        self._submit(subject, status_of, seen)

    def _await_reading(self, scene: Scene) -> None:
        """Look again until every replica was read since a run drove it: of what is lost before that nobody tells.

        Such an entry is in the reading before the run no more than in the one after it, so that these do not differ.
        """
        if scene.observation is not None and scene.observation.unread and scene.gateway is not None:
            self.queue.add_after(scene.subject.key, scene.gateway.access.resync_s / 2)

    def _submit(self, subject: Subject, base: Base, render: Callable[..., project.Status]) -> None:
        at = project.Moment(self.clock.now(), subject.generation)

        def to_status(body: Body) -> Status:
            kept = {"conditions": status_of(body).conditions}  # what the run would say of itself is not said any more
            return render(base(body).model_copy(update=kept), at=at).dump()

        haste = Haste.NEWS if base is status_of else Haste.URGENT
        self.writer.submit(subject.key, subject.uid, to_status, haste)


def _may_be_both(subject: Subject) -> bool:
    """Whether another key on the gateway where it is would come before the one that it has is given up."""
    standing = subject.registered
    return standing is not None and standing.gateway == subject.gateway and subject.family.moves


def _waiting(scene: Scene) -> str:
    """Return how a suspended resource stands, and what waits for it to go on."""
    subject, seen = scene.subject, scene.observation
    if scene.is_elsewhere:
        return f"; it stays {scene.former_place} until then, and is registered as declared after that"
    stands = f"; {of_lists.outstanding(seen)}" if seen is not None else ""
    new = "; what is declared now waits" if _is_new(scene) else ""
    retry = "; the retry that was asked for waits" if subject.asks_retry else ""
    return f"{stands}{phrases.stays(scene.former_keys)}{new}{retry}"


def _is_new(scene: Scene) -> bool:
    """Whether what was sent to a replica is another declaration than the one of now."""
    sent = {entry.spec_hash for entry in scene.records.values() if entry.spec_hash is not None}
    return scene.is_moving or (scene.declared is not None and bool(sent - {scene.declared.spec_hash}))


def _is_unfinished(status: project.Status) -> bool:
    return status.workflow is not None and status.workflow.status in UNFINISHED


def _cancelled(
    status: project.Status, scene: Scene, entries: Mapping[str, Entry] | None, at: project.Moment
) -> project.Status:
    """Return the status with its run ended for good, and with what must be assumed of the replicas, if that is said."""
    if entries is not None and scene.holder is not None:
        status = status.model_copy(update={"replicas": project.rows(entries, scene.held_on)})
    return endings.cancelled(status, at)


def _has_failed_removal(status: project.Status) -> bool:
    run = status.workflow
    return run is not None and job_of(run.name) is Job.REMOVAL and run.status not in UNFINISHED
