"""Looking everything up that counts for one resource."""

from collections.abc import Mapping
from math import inf
from typing import Final

from herder.controller.clock import Clock
from herder.controller.cluster.secrets import SecretMissing
from herder.controller.fleet.gateways import Gateway
from herder.controller.fleet.members import Members
from herder.controller.fleet.modelgateways import ModelGateways
from herder.controller.known.blocked import Blocked
from herder.controller.known.holders import holder_in
from herder.controller.known.memory import Memory
from herder.controller.known.objects import Key, Objects
from herder.controller.known.subject import Subject, conflict_of
from herder.controller.reconcile.declaring import Declaring
from herder.controller.reconcile.glance import (
    circle,
    has_new_instance,
    last_run,
    may_retire,
    only_observed,
    refusal,
    running,
    serves,
    to_be_moved,
)
from herder.controller.reconcile.places import is_elsewhere_now, may_be_both
from herder.controller.reconcile.unmarked import unmarked
from herder.controller.reconcile.world import World
from herder.controller.running.runs import Run
from herder.controller.scene.observe import Reading, as_recorded, observe
from herder.controller.scene.scene import Scene, endpoints_of
from herder.workflows.entry import Entry, entries_of

_FAIR_CHANCE_S: Final = 5.0
"""How long a removal is let try in this process beside the draining, though its time was up before it began."""


class Scout:
    """Looks things up. Raises KubeError where the API server can't tell."""

    def __init__(
        self,
        objects: Objects,
        gateways: ModelGateways,
        members: Members,
        declaring: Declaring,
        clock: Clock,
    ) -> None:
        self._objects = objects
        self._gateways = gateways
        self._members = members
        self._declaring = declaring
        self._clock = clock

    async def look(self, subject: Subject, memory: Memory) -> Scene | None:
        """Return the subject's scene; None while its gateway was not looked at yet, after which it is called again."""
        scene = await self._look(subject, memory)
        if scene is not None:
            is_stuck = subject.is_stalled or scene.blocked is not None or only_observed(scene.gateway)
            is_suspended = subject.spec is not None and subject.spec.suspend
            waits = scene.observation is not None and not is_stuck and not is_suspended
            is_planned = not is_suspended
            seen = scene.observation if scene.observation is not None else to_be_moved(scene)
            self._members.note(subject.key, subject.gateway, seen, is_waited_for=waits, is_planned=is_planned)
        return scene

    async def _look(self, subject: Subject, memory: Memory) -> Scene | None:
        standing = subject.registered
        records = memory.records(entries_of(subject.status.replicas))
        holder_key = standing.gateway if standing is not None else subject.gateway
        gateway = self._gateways.get(subject.gateway) if subject.gateway is not None else None
        holder = self._gateways.get(holder_key) if holder_key is not None else None
        unusable, barred = self._gateways.trouble(subject.gateway), self._gateways.trouble(holder_key)
        is_astray = self._is_astray(holder_key, holder)
        if subject.is_deleting:
            is_known = holder is not None or barred is not None
            if not is_known:
                return None
            untold = await unmarked(subject, holder, records, self._declaring) if not is_astray else None
            return Scene(
                subject,
                gateway,
                holder,
                barred=barred or untold,
                is_astray=is_astray,
                is_unmarked=untold is not None,
                records=records,
            )
        if (gateway is None and unusable is None) or (holder is None and barred is None):
            return None
        is_moving = may_be_both(subject, gateway, self._objects)
        is_elsewhere = is_elsewhere_now(subject) and not is_moving
        blocked = subject.invalid or unusable or circle(subject, gateway) or refusal(gateway)
        if blocked is None and not is_elsewhere:
            blocked = conflict_of(subject, self._objects)
        if blocked is not None or gateway is None or is_elsewhere:
            barred = barred or refusal(holder)
            is_astray = is_elsewhere and is_astray
            return Scene(
                subject,
                gateway,
                holder,
                blocked=blocked,
                barred=barred,
                is_elsewhere=is_elsewhere,
                is_moving=is_moving,
                is_astray=is_astray,
                records=records,
            )
        return await self._compared(subject, gateway, memory, records, is_moving=is_moving)

    def _is_astray(self, key: Key | None, holder: Gateway | None) -> bool:
        """Whether nothing can be taken off for good where it is registered."""
        return self._gateways.is_gone(key) or self._gateways.is_taken(key) or only_observed(holder)

    async def _compared(
        self, subject: Subject, gateway: Gateway, memory: Memory, records: Mapping[str, Entry], *, is_moving: bool
    ) -> Scene:
        """Return the scene of a resource that is where it is to be, or nowhere yet, on a gateway that can be driven."""
        known: Mapping[str, Entry] = records
        if is_moving:  # the records are of another key, unless it goes back to one that it had
            known = subject.former.get(subject.family.contested(subject.raw_spec) or "", {})
        left_out = memory.left_out if self._cools(memory) else frozenset()
        now, registry = self._clock.now(), subject.family.registry
        holder = holder_in(self._objects, subject)
        reading = Reading(gateway.views, memory.ended_at_s, now, left_out, registry, holder)
        try:
            declared = await self._declaring.declared(subject, gateway)
        except SecretMissing as error:
            blocked = Blocked(error.reason, str(error))
            keyless = await self._declaring.keyless(subject, gateway)
            seen = as_recorded(observe(keyless, known, endpoints_of(gateway), reading), known)
            return Scene(
                subject,
                gateway,
                gateway,
                blocked=blocked,
                is_moving=is_moving,
                observation=seen,
                not_before_s=memory.ended_at_s,
                records=records,
            )
        seen = observe(declared, known, endpoints_of(gateway), reading)
        return Scene(
            subject,
            gateway,
            gateway,
            declared,
            is_moving=is_moving,
            observation=seen,
            not_before_s=memory.ended_at_s,
            holder_of=holder,
            records=records,
        )

    def world(self, scene: Scene, run: Run | None, memory: Memory) -> World:
        """Return what counts for the decision."""
        subject, observation = scene.subject, scene.observation
        return World(
            is_deleting=subject.is_deleting,
            has_finalizer=subject.has_finalizer,
            is_touched=subject.registered is not None,
            is_orphan=subject.keeps_entries,
            is_unmarked=scene.is_unmarked,
            is_removed=memory.is_removed,
            may_force=self.forced_in_s(subject, memory) == 0 and (memory.has_tried_removal or scene.barred is not None),
            is_cooling=self._cools(memory) and memory.tried in {scene.inputs, scene.standing},
            is_suspended=subject.spec is not None and subject.spec.suspend,
            observes_only=only_observed(scene.gateway),
            blocked=scene.blocked,
            inputs=scene.inputs,
            standing=scene.standing,
            is_elsewhere=scene.is_elsewhere,
            is_moving=scene.is_moving,
            may_retire=may_retire(scene),
            may_forget=serves(scene) and self._is_over(scene, memory),
            is_astray=scene.is_astray,
            barred=scene.barred,
            asks_retry=subject.asks_retry,
            asks_cancel=subject.asks_cancel,
            is_satisfied=observation is not None and observation.is_satisfied,
            is_actionable=observation is not None and observation.is_actionable,
            is_updatable=subject.family.has_update and observation is not None and observation.is_updatable,
            has_foreign=observation is not None and observation.has_foreign,
            is_contested=observation is not None and bool(observation.contested),
            is_mended=has_new_instance(scene, memory) or (observation is not None and observation.is_mended),
            last=last_run(subject),
            running=running(run, scene),
        )

    def instances(self, key: Key | None) -> dict[str, int]:
        """Return which instance of each of a gateway's replicas was met last, by endpoint."""
        gateway = self._gateways.get(key) if key is not None else None
        return {e: view.instance for e, view in gateway.views.items()} if gateway is not None else {}

    def forgotten_in_s(self, scene: Scene) -> float | None:
        """Return how long what it has under former keys is waited for yet; None if for as long as it takes."""
        return scene.subject.overdue_in_s(self._clock.now()) if scene.former else None

    def _is_over(self, scene: Scene, memory: Memory) -> bool:
        """Whether that time is up, and no run of this process could yet do something about it."""
        is_tried = memory.ended_at_s > -inf or not may_retire(scene)
        return self.forgotten_in_s(scene) == 0 and is_tried

    def forced_in_s(self, subject: Subject, memory: Memory) -> float | None:
        """Return how long its removal is let go on; None if for as long as it takes, or if it does not leave.

        A process that was not there while the time ran lets it have a fair chance.
        """
        overdue_s, now_s = subject.overdue_in_s(self._clock.now()), self._clock()
        if overdue_s is None:
            return None
        since_s = now_s if memory.leaving_since_s is None else memory.leaving_since_s
        chance_s = min(subject.terms.timeout_s, subject.terms.settle_s + _FAIR_CHANCE_S)
        return max(overdue_s, since_s + chance_s - now_s, 0.0)

    def _cools(self, memory: Memory) -> bool:
        return self._clock() < memory.cools_until_s
