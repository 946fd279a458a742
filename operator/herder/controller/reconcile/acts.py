"""Doing what was decided about one resource: runs are begun and stopped, the finalizer moves, the status says why."""

from dataclasses import dataclass
from typing import assert_never

from herder.api.reasons import EventReason
from herder.controller.known.queue import WorkQueue
from herder.controller.known.subject import Subject
from herder.controller.reconcile.actions import (
    Abandon,
    Action,
    Attach,
    Begin,
    Block,
    Cancel,
    Hold,
    Nothing,
    Release,
    Settle,
    Stop,
    Suspend,
)
from herder.controller.reconcile.explaining import Explaining
from herder.controller.reconcile.finalizer import Finalizer
from herder.controller.reconcile.letting_go import LettingGo
from herder.controller.reconcile.stopping import stopped
from herder.controller.running.jobs import Job
from herder.controller.running.launch import Launcher
from herder.controller.running.runs import Runs
from herder.controller.scene.scene import Scene
from herder.controller.status import of_lists
from herder.controller.status.recorder import EventRecorder
from herder.controller.status.writer import StatusWriter


@dataclass(frozen=True, kw_only=True)
class Acts:
    """Carries out actions. Raises KubeError where the finalizer can't be moved."""

    queue: WorkQueue
    writer: StatusWriter
    runs: Runs
    launcher: Launcher
    finalizer: Finalizer
    letting_go: LettingGo
    explaining: Explaining
    recorder: EventRecorder

    async def do(self, action: Action, scene: Scene) -> None:
        """Carry out one action."""
        match action:
            case Nothing() | Attach():
                return
            case Begin(job, resumes):
                self._begin(scene, job, resumes=resumes)
            case Stop():
                await self._replace(scene.subject)
            case Hold():
                await self.finalizer.put_on(scene.subject)
                self.queue.add(scene.subject.key)
            case Release(why):
                await self.letting_go.release(scene, why)
            case Abandon(why):
                await self.letting_go.abandon(scene, why)
            case Block() | Suspend() | Cancel() | Settle():
                await self.explaining.explain(action, scene)
            case _:
                assert_never(action)

    def _begin(self, scene: Scene, job: Job, *, resumes: bool) -> None:
        if job is Job.REMOVAL:
            self.runs.begin(self.launcher.removal(scene, resumes=resumes))
            return
        self.runs.begin(self.launcher.forward(scene, job, resumes=resumes))
        self.tell_drift(scene)

    def tell_drift(self, scene: Scene) -> None:
        """Tell what was found in place of what a replica had, if that is about to be repaired."""
        drift = scene.observation.drift if scene.observation is not None else {}
        if drift:
            key, body, text = scene.subject.key, scene.subject.body, of_lists.drifted(drift)
            self.recorder.record(key, body, reason=EventReason.DRIFTED, message=text, is_warning=True)

    async def _replace(self, subject: Subject) -> None:
        """Stop the run, have written what it knew of the replicas, and decide anew on that."""
        base = await stopped(self.runs, subject.uid)
        # Not waited for: where the API server takes no writes, the hand is needed for other objects.
        written = self.writer.write(subject.key, subject.uid, lambda body: base(body).dump())
        written.add_done_callback(lambda _: self.queue.add(subject.key))
