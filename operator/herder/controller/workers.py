"""WorkerRegistrations: `reconcile(key)` looks at the whole truth, has `decide` say what to do, and does it."""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Final, assert_never

import structlog

from herder.api.gateway import Mode
from herder.api.meta import FINALIZER
from herder.controller import claims, project
from herder.controller.decide import (
    Action,
    Attach,
    Begin,
    Block,
    Cancel,
    Hold,
    Job,
    Nothing,
    Release,
    Replace,
    Settle,
    Suspend,
    decide,
)
from herder.controller.kube import Conflicted, Kube, NotFound
from herder.controller.launch import Launcher
from herder.controller.objects import Body, Key, Objects
from herder.controller.orphans import mark_orphaned
from herder.controller.queue import WorkQueue
from herder.controller.recorder import EventRecorder
from herder.controller.restore import entries_of
from herder.controller.runs import Run, Runs
from herder.controller.scene import Memory, Scene, Scout
from herder.controller.subject import Subject, status_of, subject_of
from herder.controller.wishes import Status
from herder.controller.writer import StatusWriter

log = structlog.get_logger(__name__)

_SECRET_RECHECK_S: Final = 30.0
"""How often the Secret of a worker is read again; a rotated key is pushed that soon."""
_MISSING_RECHECK_S: Final = 5.0
_COOLING_S: Final = 15.0


@dataclass(frozen=True, kw_only=True)
class Workers:
    """Reconciles WorkerRegistrations. `installation` is the cluster's identity, `clock` gives monotonic seconds."""

    kube: Kube
    objects: Objects
    queue: WorkQueue
    scout: Scout
    writer: StatusWriter
    runs: Runs
    launcher: Launcher
    recorder: EventRecorder
    installation: str
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
            return
        action = decide(self.scout.world(scene, self.runs.get(subject.uid), memory))
        log.debug("reconcile.decided", key=str(key), action=type(action).__name__)
        await self._do(action, scene)
        due_s = subject.overdue_in_s(datetime.now(UTC))
        if due_s is not None:
            self.queue.add_after(key, due_s)
        if subject.spec is not None and subject.spec.api_key_secret_ref is not None:
            self.queue.add_after(key, _SECRET_RECHECK_S)

    def ended(self, run: Run) -> None:
        """Note that a run is over, and decide what comes next."""
        memory = self.memories[run.uid]
        memory.ended_at_s = self.clock()
        if run.name == Job.REMOVAL and run.outcome is not None:
            memory.is_removed = run.render_end is None and run.outcome.ok
            if not run.outcome.ok:
                memory.cools_until_s = self.clock() + _COOLING_S
                self.queue.add_after(run.key, _COOLING_S)
        self.queue.add(run.key)

    async def _do(self, action: Action, scene: Scene) -> None:
        subject = scene.subject
        match action:
            case Nothing() | Attach():
                return
            case Hold():
                await self._hold(subject)
            case Release():
                await self._release(scene)
            case Begin(job, resumes):
                self.runs.begin(self._launch(scene, job, resumes=resumes))
            case Replace(job):
                await self._replace(scene, job)
            case Block(blocked):
                self.queue.add_after(subject.key, _MISSING_RECHECK_S)
                await self._say(subject, claims.blocked(blocked.reason, blocked.message))
            case Suspend():
                await self._say(subject, claims.suspended())
            case Cancel():
                await self._cancel(subject)
            case Settle(keeps_failure):
                self._settle(scene, keeps_failure=keeps_failure)
            case _:
                assert_never(action)

    def _launch(self, scene: Scene, job: Job, *, resumes: bool) -> Run:
        if job is Job.REMOVAL:
            return self.launcher.removal(scene, resumes=resumes)
        return self.launcher.registration(scene, resumes=resumes)

    async def _replace(self, scene: Scene, job: Job) -> None:
        """Stop the run, keep what it knew of the replicas, and have the next one decided on that."""
        run = self.runs.get(scene.subject.uid)
        if run is None:
            self.queue.add(scene.subject.key)
            return
        await self.runs.stop(run)
        await self.writer.write(run.key, run.uid, partial(run.render_pause, run))
        self.queue.add(scene.subject.key)
        log.info("run.replaced", key=str(run.key), instance=run.state.instance_id, by=job.value)

    async def _hold(self, subject: Subject) -> None:
        await self._patch_finalizers(subject, [*subject.finalizers, FINALIZER])
        self.queue.add(subject.key)

    async def _release(self, scene: Scene) -> None:
        subject = scene.subject
        run = self.runs.get(subject.uid)
        if run is not None:
            await self.runs.stop(run)
        if subject.keeps_entries and scene.gateway is not None:
            await mark_orphaned(scene.gateway.replicas, scene.url_to_remove, entries_of(subject.status.replicas))
        await self._patch_finalizers(subject, [name for name in subject.finalizers if name != FINALIZER])
        log.info("finalizer.released", key=str(subject.key))
        self.recorder.record(subject.key, subject.body, reason="Removed", message="off every replica", is_warning=False)

    async def _patch_finalizers(self, subject: Subject, finalizers: list[str]) -> None:
        version = subject.body["metadata"]["resourceVersion"]
        fence = {"uid": subject.uid, "resourceVersion": version, "finalizers": finalizers}
        try:
            self.objects.put(await self.kube.merge_patch(subject.key.path, {"metadata": fence}))
        except NotFound:
            self.objects.remove(subject.key, subject.uid)
        except Conflicted:
            await self._refresh(subject)

    async def _refresh(self, subject: Subject) -> None:
        try:
            self.objects.put(await self.kube.get(subject.key.path))
        except NotFound:
            self.objects.remove(subject.key, subject.uid)
        self.queue.add(subject.key)

    async def _say(self, subject: Subject, said: claims.Claims) -> None:
        run = self.runs.get(subject.uid)
        if run is not None:
            await self.runs.stop(run)

        def say(base: project.Status, at: project.Moment) -> project.Status:
            return project.with_claims(project.paused(base), said, at)

        self._submit(subject, say)

    async def _cancel(self, subject: Subject) -> None:
        run = self.runs.get(subject.uid)
        if run is not None:
            await self.runs.stop(run)

        def cancel(base: project.Status, at: project.Moment) -> project.Status:
            base = project.with_tokens(base, retry=None, cancel=subject.cancel)
            return base if run is None else project.with_claims(project.cancelled(base, at), claims.cancelled(), at)

        self._submit(subject, cancel)

    def _settle(self, scene: Scene, *, keeps_failure: bool) -> None:
        observation = scene.observation
        if observation is None or scene.gateway is None:
            return
        observe_only = scene.gateway.access.mode is Mode.OBSERVE
        said = None if keeps_failure else claims.settled(observation, observe_only=observe_only)
        self._submit(scene.subject, partial(project.with_observation, observation=observation, claims=said))

    def _submit(self, subject: Subject, render: "Callable[..., project.Status]") -> None:
        at = project.Moment(datetime.now(UTC), subject.generation)

        def to_status(body: Body) -> Status:
            return render(status_of(body), at=at).dump()

        self.writer.submit(subject.key, subject.uid, to_status)

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
