"""WorkerRegistrations: `reconcile(key)` looks at the whole truth, has `decide` say what to do, and does it."""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Final, assert_never

import structlog

from herder.api.conditions import ReadyReason
from herder.api.gateway import Mode
from herder.controller import claims, project
from herder.controller.decide import (
    Action,
    Attach,
    Begin,
    Block,
    Blocked,
    Cancel,
    Hold,
    Job,
    Nothing,
    Release,
    Settle,
    Stop,
    Suspend,
    Why,
    decide,
)
from herder.controller.finalizer import Finalizer
from herder.controller.kube import Kube
from herder.controller.launch import Launcher, has_been_sent, known_entries, left_out
from herder.controller.modelgateways import MISSING_RECHECK_S, SECRET_RECHECK_S
from herder.controller.objects import Body, Key, Objects, uid_of
from herder.controller.orphans import mark_orphaned
from herder.controller.queue import WorkQueue
from herder.controller.recorder import EventRecorder
from herder.controller.restore import UNFINISHED, entries_of
from herder.controller.runs import Run, Runs
from herder.controller.scene import Memory, Scene, Scout
from herder.controller.subject import Subject, status_of, subject_of
from herder.controller.wishes import Status
from herder.controller.writer import StatusWriter

log = structlog.get_logger(__name__)

_CHANCE_RECHECK_S: Final = 1.0
"""How often a removal whose time was up before it began is looked at: nobody tells of what it has sent."""
_TICK_S: Final = 0.01
"""More than a timer can be early by, or what is almost due would be looked at over and over."""
_REMOVAL_COOLING_S: Final = 15.0
_SHORTEST_COOLING_S: Final = 1.0
_LONGEST_COOLING_S: Final = 60.0

type Base = Callable[[Body], project.Status]
"""Returns the status to go on from, given the object as it is."""


@dataclass(frozen=True, kw_only=True)
class Workers:
    """Reconciles WorkerRegistrations. `installation` is the cluster's identity, `clock` gives monotonic seconds.

    `gone` is called with an object that a write found to be gone.
    """

    kube: Kube
    objects: Objects
    queue: WorkQueue
    scout: Scout
    writer: StatusWriter
    runs: Runs
    launcher: Launcher
    recorder: EventRecorder
    installation: str
    gone: Callable[[Body], None]
    clock: Callable[[], float] = time.monotonic
    memories: defaultdict[str, Memory] = field(default_factory=lambda: defaultdict(Memory))
    """By uid."""

    async def reconcile(self, key: Key) -> None:
        """Do the next thing for the object that bears the name. Raises KubeError, to be called again later."""
        body = self.objects.get(key)
        if body is None:
            await self._forget(key)
            return
        subject = subject_of(key, body, self.installation)
        former = self.runs.of_key(key)
        if former is not None and former.uid != subject.uid:
            await self._drop(former)
        memory = self.memories[subject.uid]
        scene = await self.scout.look(subject, memory)
        if scene is None:
            self.queue.add_after(key, MISSING_RECHECK_S)
            return
        run = self.runs.get(subject.uid)
        if subject.is_deleting:
            self._note_deletion(run, memory)
        action = decide(self.scout.world(scene, run, memory))
        log.debug("reconcile.decided", key=str(key), action=type(action).__name__)
        await self._do(action, scene)
        self._come_back(subject, memory)

    def _come_back(self, subject: Subject, memory: Memory) -> None:
        """Have the object looked at again when time alone changes what is to be done; timers may be a little early."""
        forced_s = self.scout.forced_in_s(subject, memory)
        is_awaited = forced_s == 0 and subject.has_finalizer and not memory.has_tried_removal
        is_keyed = subject.spec is not None and subject.spec.api_key_secret_ref is not None
        secret_s = SECRET_RECHECK_S if is_keyed else None
        for delay_s in (_CHANCE_RECHECK_S if is_awaited else forced_s, memory.cools_until_s - self.clock(), secret_s):
            if delay_s is not None and delay_s > 0:
                self.queue.add_after(subject.key, max(_TICK_S, delay_s))

    def _note_deletion(self, run: Run | None, memory: Memory) -> None:
        if memory.deleting_since_s is None:
            memory.deleting_since_s = self.clock()
        if run is not None and run.is_last and has_been_sent(self.runs.live_state(run)):
            memory.has_tried_removal = True

    def ended(self, run: Run) -> None:
        """Note that a run is over, and decide what comes next: at once, or later where it came to nothing."""
        body = self.objects.get(run.key)
        if body is None or uid_of(body) != run.uid:
            return
        memory = self.memories[run.uid]
        memory.ended_at_s = self.clock()
        is_done = run.is_recorded and run.outcome is not None and run.outcome.ok
        memory.left_out = left_out(run) if is_done else frozenset()
        if is_done:
            memory.is_removed = run.is_last
        elif run.is_last:
            memory.has_tried_removal = True
        if is_done and not memory.left_out:
            memory.failures = 0
        else:
            self._cool(run, memory)
        if run.is_recorded:
            self.queue.add(run.key)

    def _cool(self, run: Run, memory: Memory) -> None:
        """Wait, the longer the more often it was in vain, before the same is tried again."""
        memory.failures = memory.failures + 1 if run.inputs == memory.tried else 1
        memory.tried = run.inputs
        cooling_s = _cooling_s(memory.failures, Job(run.name))
        memory.cools_until_s = self.clock() + cooling_s
        self.queue.add_after(run.key, cooling_s)

    async def _do(self, action: Action, scene: Scene) -> None:
        subject = scene.subject
        match action:
            case Nothing() | Attach():
                return
            case Hold():
                await self._hold(subject)
            case Release(why):
                await self._release(scene, why)
            case Begin(job, resumes):
                self.runs.begin(self._launch(scene, job, resumes=resumes))
            case Stop():
                await self._replace(subject)
            case Block(blocked):
                await self._block(scene, blocked)
            case Suspend():
                await self._say(scene, claims.suspended())
            case Cancel():
                await self._cancel(scene)
            case Settle(keeps_failure):
                self._settle(scene, keeps_failure=keeps_failure)
            case _:
                assert_never(action)

    def _launch(self, scene: Scene, job: Job, *, resumes: bool) -> Run:
        if job is Job.REMOVAL:
            return self.launcher.removal(scene, resumes=resumes)
        return self.launcher.registration(scene, resumes=resumes)

    async def _replace(self, subject: Subject) -> None:
        """Stop the run, have written what it knew of the replicas, and decide anew on that."""
        base = await self._stop(subject.uid)
        # Not waited for: where the API server takes no writes, the hand is needed for other objects.
        written = self.writer.write(subject.key, subject.uid, lambda body: base(body).dump())
        written.add_done_callback(lambda _: self.queue.add(subject.key))

    async def _stop(self, uid: str) -> Base:
        """Stop the run in progress, if there is one, and return the status as it leaves it."""
        run = self.runs.get(uid)
        if run is None:
            return status_of
        await self.runs.stop(run)
        log.info("run.stopped", key=str(run.key), instance=run.state.instance_id)
        return partial(run.left_as, run)

    @property
    def _finalizer(self) -> Finalizer:
        return Finalizer(self.kube, self.objects, self.queue, self.gone)

    async def _hold(self, subject: Subject) -> None:
        await self._finalizer.put_on(subject)
        self.queue.add(subject.key)

    async def _release(self, scene: Scene, why: Why) -> None:
        subject, gateway = scene.subject, scene.gateway
        status = (await self._stop(subject.uid))(subject.body)
        if subject.keeps_entries and gateway is not None and gateway.access.mode is not Mode.OBSERVE:
            within_reach = [each for each in gateway.replicas if not gateway.views[each.endpoint].is_away]
            await mark_orphaned(within_reach, scene.url_to_remove, entries_of(status.replicas))
        if await self._finalizer.take_off(subject):
            log.info("finalizer.released", key=str(subject.key), why=why.name)
            is_forced = why is Why.FORCED
            reason = "Removed" if why is Why.REMOVED else "Released"
            self.recorder.record(subject.key, subject.body, reason=reason, message=why.value, is_warning=is_forced)

    async def _block(self, scene: Scene, blocked: Blocked) -> None:
        if blocked.reason is ReadyReason.SECRET_NOT_FOUND:  # of its arrival nobody tells
            self.queue.add_after(scene.subject.key, MISSING_RECHECK_S)
        await self._say(scene, claims.blocked(blocked.reason, blocked.message))

    async def _say(self, scene: Scene, said: claims.Claims) -> None:
        """Stop what runs, and say why nothing is done; what the replicas list goes on being shown, or is Unknown."""
        base = await self._stop(scene.subject.uid)
        self._await_reading(scene)
        observation = scene.observation
        is_stopped = base is not status_of  # then its own records are newer than what was observed

        def say(status: project.Status, at: project.Moment) -> project.Status:
            if observation is not None and not is_stopped:
                return project.with_observation(status, observation, said, at)
            seen = status if scene.gateway is not None else project.unseen(status)
            return project.with_claims(seen, said, at)

        self._submit(scene.subject, base, say)

    async def _cancel(self, scene: Scene) -> None:
        """End the run in progress, or the one that another process left, for good."""
        subject = scene.subject
        base = await self._stop(subject.uid)
        entries = known_entries(scene, subject.status.workflow) if base is status_of else None

        def cancel(base: project.Status, at: project.Moment) -> project.Status:
            base = project.with_tokens(base, retry=None, cancel=subject.cancel)
            if base.workflow is None or base.workflow.status not in UNFINISHED:
                return base
            if entries is not None:
                base = base.model_copy(update={"replicas": project.rows(entries, scene.endpoints)})
            return project.with_claims(project.cancelled(base, at), claims.cancelled(), at)

        self._submit(subject, base, cancel)

    def _settle(self, scene: Scene, *, keeps_failure: bool) -> None:
        observation = scene.observation
        if observation is None or scene.gateway is None:
            return
        self._await_reading(scene)
        observe_only = scene.gateway.access.mode is Mode.OBSERVE
        said: claims.Claims | None
        if keeps_failure:
            said = claims.kept(scene.subject.status)
        else:
            said = claims.settled(observation, observe_only=observe_only)
        self._submit(scene.subject, status_of, partial(project.with_observation, observation=observation, claims=said))

    def _await_reading(self, scene: Scene) -> None:
        """Look again until every replica was read since a run drove it: of what is lost before that nobody tells.

        Such an entry is in the reading before the run no more than in the one after it, so that these do not differ.
        """
        if scene.observation is not None and scene.observation.unread and scene.gateway is not None:
            self.queue.add_after(scene.subject.key, scene.gateway.access.resync_s / 2)

    def _submit(self, subject: Subject, base: Base, render: "Callable[..., project.Status]") -> None:
        at = project.Moment(datetime.now(UTC), subject.generation)

        def to_status(body: Body) -> Status:
            kept = {"conditions": status_of(body).conditions}  # what the run would say of itself is not said any more
            return render(base(body).model_copy(update=kept), at=at).dump()

        self.writer.submit(subject.key, subject.uid, to_status, urgent=base is not status_of)

    async def _forget(self, key: Key) -> None:
        run = self.runs.of_key(key)
        if run is not None:
            await self._drop(run)
        self.queue.forget(key)

    async def _drop(self, run: Run) -> None:
        await self.runs.stop(run)
        self.forget(run.uid)

    def forget(self, uid: str) -> None:
        """Free what is kept for an object that is gone."""
        self.memories.pop(uid, None)
        self.writer.forget(uid)


def _cooling_s(failures: int, job: Job) -> float:
    """Return how long to wait after a run that came to nothing, before another is begun without any change."""
    if job is Job.REMOVAL:
        return _REMOVAL_COOLING_S
    return min(_LONGEST_COOLING_S, _SHORTEST_COOLING_S * 2.0 ** min(failures - 1, 16))
