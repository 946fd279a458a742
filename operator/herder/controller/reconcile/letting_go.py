"""Letting go of one resource for good, or of the place that it was registered at."""

from dataclasses import dataclass
from functools import partial

import structlog

from herder.api.reasons import EventReason
from herder.controller.known.objects import Body
from herder.controller.known.queue import WorkQueue
from herder.controller.reconcile.actions import Why
from herder.controller.reconcile.finalizer import Finalizer
from herder.controller.reconcile.glance import only_observed
from herder.controller.reconcile.stopping import stopped
from herder.controller.repair.farewells import Farewells
from herder.controller.running.launch import Launcher
from herder.controller.running.runs import Runs
from herder.controller.scene.scene import Scene
from herder.controller.status import project
from herder.controller.status.recorder import EventRecorder
from herder.controller.status.wishes import Status
from herder.controller.status.writer import StatusWriter
from herder.workflows.entry import entries_of

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class LettingGo:
    """Takes the finalizer off, or forgets a place, and tells of it. Raises KubeError where it can't do the former."""

    queue: WorkQueue
    writer: StatusWriter
    runs: Runs
    launcher: Launcher
    finalizer: Finalizer
    farewells: Farewells
    recorder: EventRecorder

    async def release(self, scene: Scene, why: Why) -> None:
        """Stop what runs and take the finalizer off, once what is left for good has been marked as that."""
        subject, holder, standing = scene.subject, scene.holder, scene.subject.registered
        status = (await stopped(self.runs, subject.uid))(subject.body)
        text = why.value
        if why is Why.REMOVED and standing is not None:
            text = subject.family.farewell(self.launcher.leave(scene, standing, (), {}, {}))
        if subject.keeps_entries and holder is not None and standing is not None and not only_observed(holder):
            within_reach = tuple(each for each in holder.replicas if not holder.views[each.endpoint].is_away)
            former = subject.family.former(status)
            leave = self.launcher.leave(scene, standing, within_reach, entries_of(status.replicas), former)
            if not self.farewells.is_said(subject.key, subject.uid, partial(subject.family.leave, leave)):
                return
        if await self.finalizer.take_off(subject):
            log.info("finalizer.released", key=str(subject.key), why=why.name)
            reason = EventReason.REMOVED if why is Why.REMOVED else EventReason.RELEASED
            self._tell(scene, reason, text, why)

    async def abandon(self, scene: Scene, why: Why) -> None:
        """Forget what is registered at the former place, or under former keys, and decide anew on that."""
        subject = scene.subject
        base = await stopped(self.runs, subject.uid)
        none = subject.family.with_former({})

        def forget(body: Body) -> Status:
            if not scene.is_elsewhere:
                return project.without_former(base(body), none).dump()
            return project.abandoned(base(body), subject.family.shown_in, none).dump()

        written = self.writer.write(subject.key, subject.uid, forget)
        written.add_done_callback(lambda _: self.queue.add(subject.key))
        log.info("place.abandoned", key=str(subject.key), why=why.name)
        place = scene.former_place if scene.is_elsewhere else ", ".join(sorted(scene.former_keys))
        self._tell(scene, EventReason.ABANDONED, f"{place}: {why.value}", why)

    def _tell(self, scene: Scene, reason: EventReason, text: str, why: Why) -> None:
        key, body = scene.subject.key, scene.subject.body
        self.recorder.record(key, body, reason=reason, message=text, is_warning=why is Why.FORCED)
