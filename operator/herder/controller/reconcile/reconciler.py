"""One resource of any kind: `reconcile(key)` looks at the whole truth, has `decide` say what to do, and has it done."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

import structlog

from herder.controller.clock import Clock
from herder.controller.fleet.modelgateways import MISSING_RECHECK_S
from herder.controller.known.memory import Memory
from herder.controller.known.objects import Body, Key, Objects, gateway_of, uid_of
from herder.controller.known.queue import WorkQueue
from herder.controller.known.subject import Subject, subject_of
from herder.controller.reconcile.actions import Begin
from herder.controller.reconcile.acts import Acts
from herder.controller.reconcile.decide import decide
from herder.controller.reconcile.glance import needs_former
from herder.controller.reconcile.scout import Scout
from herder.controller.repair.former import FormerKeys
from herder.controller.repair.giveback import Giveback
from herder.controller.running.jobs import Job, job_of
from herder.controller.running.launch import has_been_sent, left_out
from herder.controller.running.runs import Run, Runs
from herder.controller.scene.scene import Scene
from herder.controller.status.writer import StatusWriter

log = structlog.get_logger(__name__)

_CHANCE_RECHECK_S: Final = 1.0
"""How soon a removal is looked at again that was just noted, or whose time was up before it began."""
_TICK_S: Final = 0.01
"""More than a timer can be early by, or what is almost due would be looked at over and over."""
_REMOVAL_COOLING_S: Final = 15.0
_SHORTEST_COOLING_S: Final = 1.0
_LONGEST_COOLING_S: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class Reconciler:
    """Reconciles resources. `installation` is the cluster's identity."""

    objects: Objects
    queue: WorkQueue
    scout: Scout
    acts: Acts
    giveback: Giveback
    former: FormerKeys
    runs: Runs
    writer: StatusWriter
    installation: str
    clock: Clock
    memories: defaultdict[str, Memory] = field(default_factory=lambda: defaultdict(Memory))
    """By uid."""

    async def reconcile(self, key: Key) -> None:
        """Do the next thing for the object that bears the name. Raises KubeError, to be called again later."""
        body = self.objects.get(key)
        if body is None:
            await self._forget(key)
            return
        memory = self.memories[uid_of(body)]
        subject = self._subject(key, body, memory)
        former = self.runs.of_key(key)
        if former is not None and former.uid != subject.uid:
            await self._drop(former)
        if memory.is_giving:
            memory.is_put_off = True
            return  # and looked at again when that is answered
        if self.runs.get(subject.uid) is None and self.writer.is_awaited(subject.uid):
            return  # what a stopped run has done is not in the status yet, and looked at again when it is
        cools_in_s = memory.cools_until_s - self.clock()
        scene = await self.scout.look(subject, memory)
        if scene is None:
            self.queue.add_after(key, MISSING_RECHECK_S)
            return
        memory.meets(self.scout.instances(subject.gateway))
        if scene.observation is not None:
            memory.sees(scene.observation.entries)
        run = self.runs.get(subject.uid)
        self._note_leaving(scene, run, memory)
        changes_in_s = self._changes_in_s(scene, memory)
        if needs_former(scene, self.runs.live_state(run) if run is not None else None):
            await self.former.keep(scene, memory)
        else:
            memory.former_given.clear()
        action = decide(self.scout.world(scene, run, memory))
        log.debug("reconcile.decided", key=str(key), action=type(action).__name__)
        if action != Begin(Job.REGISTRATION) or not self.giveback.takes(scene, memory):
            await self.acts.do(action, scene)
        self._come_back(key, cools_in_s, changes_in_s)

    def _subject(self, key: Key, body: Body, memory: Memory) -> Subject:
        """Parse the object, unless this very version was."""
        if memory.subject is None or memory.subject.body is not body:
            memory.subject = subject_of(key, body, self.installation)
        return memory.subject

    def _come_back(self, key: Key, *delays_s: float | None) -> None:
        """Have the object looked at again when time alone changes what is to be done; timers may be a little early.

        The delays are as of before it was looked at and decided on: what is over by now, the decision may not have
        known to be, and nobody else would tell of it.
        """
        for delay_s in delays_s:
            if delay_s is not None and delay_s > 0:
                self.queue.add_after(key, max(_TICK_S, delay_s))

    def _changes_in_s(self, scene: Scene, memory: Memory) -> float | None:
        """Return how long it is until something else is to be done about its leaving, None if time changes nothing."""
        subject = scene.subject
        if not scene.is_leaving:
            return self.scout.forgotten_in_s(scene)
        forced_s = self.scout.forced_in_s(subject, memory)
        is_new = scene.is_elsewhere and scene.barred is not None and subject.status.drain is None
        is_awaited = is_new or (forced_s == 0 and subject.has_finalizer and not memory.has_tried_removal)
        return _CHANCE_RECHECK_S if is_awaited else forced_s

    def _note_leaving(self, scene: Scene, run: Run | None, memory: Memory) -> None:
        if not scene.is_leaving:
            memory.stays()
            return
        memory.leaves(self.clock())
        if run is not None and job_of(run.name) is Job.REMOVAL and has_been_sent(self.runs.live_state(run)):
            memory.has_tried_removal = True

    def ended(self, run: Run) -> None:
        """Note that a run is over, and decide what comes next: at once, or later where it came to nothing."""
        body = self.objects.get(run.key)
        if body is None or uid_of(body) != run.uid:
            return
        memory = self.memories[run.uid]
        memory.ended_at_s = self.clock()
        memory.given.clear()
        is_done = run.is_recorded and run.outcome is not None and run.outcome.ok
        memory.left_out = left_out(run) if is_done else frozenset()
        memory.failed_with = {} if is_done else self.scout.instances(gateway_of(body))
        if is_done:
            memory.is_removed = run.is_last
        elif job_of(run.name) is Job.REMOVAL:
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
        cooling_s = _cooling_s(memory.failures, job_of(run.name))
        memory.cools_until_s = self.clock() + cooling_s
        self.queue.add_after(run.key, cooling_s)

    async def _forget(self, key: Key) -> None:
        run = self.runs.of_key(key)
        if run is not None:
            await self._drop(run)
        self.queue.forget(key)
        for each in self.objects.contending:
            self.queue.add(each)  # what they wait for may have been this

    async def _drop(self, run: Run) -> None:
        await self.runs.stop(run)
        self.forget(run.uid)

    def forget(self, uid: str) -> None:
        """Free what is kept for an object that is gone."""
        self.memories.pop(uid, None)
        self.writer.forget(uid)


def _cooling_s(failures: int, job: Job | None) -> float:
    """Return how long to wait after a run that came to nothing, before another is begun without any change."""
    if job is Job.REMOVAL:
        return _REMOVAL_COOLING_S
    return min(_LONGEST_COOLING_S, _SHORTEST_COOLING_S * 2.0 ** min(failures - 1, 16))
