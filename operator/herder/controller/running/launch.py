"""From a scene to a run: the workflow, the data it works on, the state it begins with, and what it shows of itself."""

from dataclasses import dataclass
from math import inf
from typing import Any, Final

from herder.api.status import RunStatus, WorkflowRun
from herder.controller.clock import Clock
from herder.controller.families.site import Tools
from herder.controller.families.work import Former, Leave, Order, Work
from herder.controller.known.subject import Standing
from herder.controller.running.jobs import Job, job_of
from herder.controller.running.portrait import Portrait
from herder.controller.running.restore import fresh_state, restored_state
from herder.controller.running.runs import Run, Runs
from herder.controller.scene.scene import Scene
from herder.engine import STEP_ENDED, StepStatus, WorkflowState
from herder.gateway.replica import Replica
from herder.workflows.entry import LOST_ADD, NO_ENTRY, REGISTERED, Entry, is_held
from herder.workflows.move import RetireFormer
from herder.workflows.removal.steps import Drain
from herder.workflows.tokenizer.removal import Unload
from herder.workflows.wasm.removal import Remove

_SENDS: Final = frozenset({Drain.id, Unload.id, Remove.id})
"""The steps of removals that tell the replicas."""

_KILLED: Final = frozenset({RunStatus.PENDING, RunStatus.RUNNING})


@dataclass(frozen=True)
class Launcher:
    """Makes runs. `runs` is asked for their live state when they are shown."""

    runs: Runs
    tools: Tools
    clock: Clock

    def forward(self, scene: Scene, job: Job, *, resumes: bool) -> Run:
        """Return a run that brings a resource onto the replicas as declared, or the one that another process left."""
        declared, gateway, subject = scene.declared, scene.gateway, scene.subject
        if declared is None or gateway is None:
            raise ValueError("a registration needs a declaration and a gateway")
        left = subject.status.workflow if resumes else None
        entries, former = _places(scene, declared.key, left)
        order = Order(
            replicas=gateway.replicas,
            entries=entries,
            status=subject.status,
            tools=self.tools,
            adopt=subject.adopts,
            holder=scene.holder_of,
            former=former,
            terms=subject.terms,
            resumes=resumes,
            now=self.clock.now,
        )
        work = declared.update(order) if job is Job.UPDATE else declared.registration(order)
        return self._run(scene, job, work, left, declared.key)

    def removal(self, scene: Scene, *, resumes: bool) -> Run:
        """Return a run that takes off what is registered, wherever that is and whatever is declared now."""
        subject, holder, standing = scene.subject, scene.holder, scene.subject.registered
        if holder is None or standing is None:
            raise ValueError("a removal needs something registered, and the gateway that it is on")
        left = subject.status.workflow
        entries = _doubted(scene, known_entries(scene, left))
        leave = self.leave(scene, standing, holder.replicas, entries, scene.former)
        work = subject.family.removal(leave)
        return self._run(scene, Job.REMOVAL, work, left if resumes else None, standing.key)

    def leave(
        self,
        scene: Scene,
        standing: Standing,
        replicas: tuple[Replica, ...],
        entries: dict[str, Entry],
        former: Former,
    ) -> Leave:
        """Return what is to be known of a resource that goes from where it stands."""
        subject = scene.subject
        return Leave(
            key=standing.key,
            spec=subject.raw_spec,
            status=subject.status,
            gateway=standing.gateway.name,
            owner=subject.owner,
            terms=subject.terms,
            replicas=replicas,
            entries=entries,
            tools=self.tools,
            former=former,
            now=self.clock.now,
        )

    def _run(self, scene: Scene, job: Job, work: Work, left: WorkflowRun | None, place: str) -> Run:
        definition = work.definition
        if left is not None:
            state: WorkflowState[Any] = restored_state(definition, left, work.data)
        else:
            instance_id = f"{definition.name or definition.id}-{self.clock.new_id()}"
            state = fresh_state(definition, instance_id, work.data)
        portrait = Portrait(scene, job, work, self.runs, self.clock)
        return Run(
            key=scene.subject.key,
            uid=scene.subject.uid,
            inputs=(scene.standing or "") if job is Job.REMOVAL else scene.inputs,
            definition=definition,
            state=state,
            render=portrait.progress,
            left_as=portrait.left_as,
            place=place,
            problems=work.data.problems,
            left=work.former,
            render_end=portrait.end,
            is_last=job is Job.REMOVAL and scene.subject.is_deleting,
        )


def known_entries(scene: Scene, left: WorkflowRun | None) -> dict[str, Entry]:
    """Return the records.

    Where the process of a registration was killed, they may be a second old, and its family says what is assumed then.
    A run that was stopped in order (Paused) has left exact ones.
    """
    if not scene.subject.family.is_listed:
        return {}
    entries = dict(scene.records)
    was_killed = left is not None and job_of(left.name) is Job.REGISTRATION and left.status in _KILLED
    if was_killed:
        for endpoint in scene.held_on:
            entries[endpoint] = scene.subject.family.after_kill(entries.get(endpoint))
    return entries


def _places(scene: Scene, key: str, left: WorkflowRun | None) -> tuple[dict[str, Entry], Former]:
    """Return the records of the declared key, and those of the keys that a resource has beside it, for a registration.

    One that is to be moved has what it was registered as among the latter from then on, if a replica may hold that; and
    what it goes back to no more.
    """
    standing = scene.subject.registered
    if not scene.is_moving or standing is None:
        return known_entries(scene, left), scene.former
    former = {each: entries for each, entries in scene.former.items() if each != key}
    held = _doubted(scene, known_entries(scene, scene.subject.status.workflow))
    if any(is_held(entry) for entry in held.values()):
        former[standing.key] = {endpoint: held.get(endpoint, NO_ENTRY) for endpoint in scene.held_on}
    return dict(scene.former.get(key, {})), former


def _doubted(scene: Scene, entries: dict[str, Entry]) -> dict[str, Entry]:
    """Return the records for a removal: what is in no list may have been given back by a process that was killed then.

    So it may be pending, under an id that nobody has written down. A list that is older than a run of this process
    tells of nothing of the kind.
    """
    family, holder, standing = scene.subject.family, scene.holder, scene.subject.registered
    if holder is None or standing is None or not family.is_given_back:
        return entries
    unlisted = {
        endpoint
        for endpoint, view in holder.views.items()
        if not view.listed(family.registry, standing.key)
        and not view.read_at_s(family.registry) <= scene.not_before_s > -inf
    }
    return {e: LOST_ADD if e in unlisted and entry.state in REGISTERED else entry for e, entry in entries.items()}


def has_been_sent(state: WorkflowState[Any]) -> bool:
    """Whether a removal has told every replica that answers what it has to tell it; never so for a registration."""
    return any(state.steps[step].status in STEP_ENDED for step in _SENDS & state.steps.keys())


def takes_former_off(state: WorkflowState[Any]) -> bool:
    """Whether a run has begun to take off what its resource has under former keys."""
    step = state.steps.get(RetireFormer.id)
    return step is not None and step.status is not StepStatus.PENDING


def has_taken_former_off(run: WorkflowRun | None) -> bool:
    """The same of the last run that the status tells of."""
    steps = run.steps if run is not None else ()
    return any(step.name == RetireFormer.id and step.started_at is not None for step in steps)


def left_out(run: Run) -> frozenset[str]:
    """Return the replicas that a registration, or an update, which came to its end went without.

    One that still has the resource under a former key counts among them.
    """
    if job_of(run.name) is Job.REMOVAL:
        return frozenset()
    entries: dict[str, Entry] = run.state.data.entries
    endpoints = [replica.endpoint for replica in run.state.data.replicas]
    former = list(run.left().values())
    return frozenset(
        e
        for e in endpoints
        if e not in entries
        or entries[e].state not in REGISTERED
        or any(e not in records or is_held(records[e]) for records in former)
    )
