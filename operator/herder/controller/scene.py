"""Everything that counts for one WorkerRegistration, looked up, and what of it `decide` is given."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from herder.api.conditions import ReadyReason
from herder.api.gateway import GatewayReplicaState, Mode
from herder.api.status import RunStatus
from herder.controller.decide import Blocked, Job, LastRun, Running, World
from herder.controller.gateways import Gateway
from herder.controller.modelgateways import ModelGateways
from herder.controller.objects import Objects
from herder.controller.observe import Observation, Reading, observe
from herder.controller.restore import entries_of
from herder.controller.runs import Run
from herder.controller.secrets import SecretMissing, Secrets
from herder.controller.subject import Subject, conflict_of
from herder.workflows.plan import Plan

_NEVER: Final = float("-inf")
_FAIR_CHANCE_S: Final = 5.0
"""How long a removal is let try in this process beside the draining, though its time was up before it began."""


@dataclass(slots=True)
class Memory:
    """What this process remembers of one object beside its status; losing it costs a look, never a mistake."""

    ended_at_s: float = _NEVER
    """When its last run here ended (monotonic): lists that were read before say nothing new."""
    deleting_since_s: float | None = None
    """When it was first seen here to be deleted (monotonic)."""
    has_tried_removal: bool = False
    """Whether a removal for its deletion has sent here what it has to send, or has failed."""
    is_removed: bool = False
    """Whether a removal for its deletion has succeeded."""
    cools_until_s: float = _NEVER
    """When what came to nothing may be tried again without any change."""
    tried: str = ""
    """The inputs of the run that came to nothing: with others there is nothing to wait for."""
    failures: int = 0
    """How many runs in a row came to nothing, or not to all that they were begun for."""
    left_out: frozenset[str] = frozenset()
    """The replicas that the last run succeeded without."""


@dataclass(frozen=True)
class Scene:
    """A subject with what it refers to, found or not."""

    subject: Subject
    gateway: Gateway | None
    plan: Plan | None
    blocked: Blocked | None
    observation: Observation | None = field(default=None)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The replicas of its gateway."""
        return tuple(replica.endpoint for replica in self.gateway.replicas) if self.gateway else ()

    @property
    def inputs(self) -> str:
        """What a registration would work with."""
        return self.subject.inputs(self.plan.spec_hash, self.endpoints) if self.plan else ""

    @property
    def url_to_remove(self) -> str:
        """The URL that it is registered under."""
        worker = self.subject.status.worker
        return worker.url if worker else ""


class Scout:
    """Looks things up. Raises KubeError where the API server can't tell."""

    def __init__(
        self,
        objects: Objects,
        gateways: ModelGateways,
        secrets: Secrets,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._objects = objects
        self._gateways = gateways
        self._secrets = secrets
        self._clock = clock

    async def look(self, subject: Subject, memory: Memory) -> Scene | None:
        """Return the subject's scene; None while its gateway was not looked at yet, after which it is called again."""
        gateway = self._gateways.get(subject.gateway) if subject.gateway is not None else None
        unusable = self._gateways.trouble(subject.gateway)
        if gateway is None and unusable is None:
            return None
        if subject.is_deleting:
            return Scene(subject, gateway, None, unusable)
        blocked = subject.invalid or unusable or _refusal(gateway) or self._conflict(subject)
        if blocked is not None or gateway is None:
            return Scene(subject, gateway, None, blocked)
        try:
            plan = await self._plan(subject)
        except SecretMissing as error:
            return Scene(subject, gateway, None, Blocked(ReadyReason.SECRET_NOT_FOUND, str(error)))
        left_out = memory.left_out if self._cools(memory) else frozenset()
        reading = Reading(gateway.views, memory.ended_at_s, datetime.now(UTC), left_out)
        records = entries_of(subject.status.replicas)
        endpoints = [replica.endpoint for replica in gateway.replicas]
        return Scene(subject, gateway, plan, None, observe(plan, records, endpoints, reading))

    def world(self, scene: Scene, run: Run | None, memory: Memory) -> World:
        """Return what counts for the decision."""
        subject, observation = scene.subject, scene.observation
        worker = subject.status.worker
        return World(
            is_deleting=subject.is_deleting,
            has_finalizer=subject.has_finalizer,
            is_touched=subject.is_touched,
            is_orphan=subject.keeps_entries or self._gateways.is_gone(subject.gateway),
            is_removed=memory.is_removed,
            may_force=self.forced_in_s(subject, memory) == 0
            and (memory.has_tried_removal or scene.blocked is not None),
            is_cooling=self._cools(memory) and memory.tried in {scene.inputs, scene.url_to_remove},
            is_suspended=subject.spec is not None and subject.spec.suspend,
            observes_only=scene.gateway is not None and scene.gateway.access.mode is Mode.OBSERVE,
            blocked=scene.blocked,
            inputs=scene.inputs,
            url=scene.plan.url if scene.plan else "",
            registered_url=worker.url if worker else None,
            asks_retry=subject.asks_retry,
            asks_cancel=subject.asks_cancel,
            is_satisfied=observation is not None and observation.is_satisfied,
            is_actionable=observation is not None and observation.is_actionable,
            has_foreign=observation is not None and observation.has_foreign,
            last=_last_run(subject),
            running=_running(run, scene.gateway),
        )

    def forced_in_s(self, subject: Subject, memory: Memory) -> float | None:
        """Return how long its removal is let go on; None if for as long as it takes, or if it is not deleted.

        A process that was not there while the time ran lets it have a fair chance.
        """
        overdue_s, now_s = subject.overdue_in_s(datetime.now(UTC)), self._clock()
        if overdue_s is None:
            return None
        since_s = now_s if memory.deleting_since_s is None else memory.deleting_since_s
        chance_s = min(subject.drain.timeout_seconds, subject.drain.settle_seconds + _FAIR_CHANCE_S)
        return max(overdue_s, since_s + chance_s - now_s, 0.0)

    def _cools(self, memory: Memory) -> bool:
        return self._clock() < memory.cools_until_s

    async def _plan(self, subject: Subject) -> Plan:
        if subject.spec is None:
            raise ValueError("only a subject with a spec has a plan")
        ref, api_key = subject.spec.api_key_secret_ref, None
        if ref is not None:
            api_key = await self._secrets.get(subject.key.namespace, ref, field="spec.apiKeySecretRef")
        return Plan(subject.spec, subject.owner, api_key)

    def _conflict(self, subject: Subject) -> Blocked | None:
        """What is registered under another URL is taken off there first, whoever has the new one."""
        worker = subject.status.worker
        is_elsewhere = subject.spec is not None and worker is not None and worker.url != subject.spec.url
        return None if is_elsewhere else conflict_of(subject, self._objects)


def _refusal(gateway: Gateway | None) -> Blocked | None:
    """Return what is said where no replica takes herder's credentials; one that does is worth a run."""
    views = gateway.views if gateway is not None else {}
    if not views or any(view.state is not GatewayReplicaState.REFUSES for view in views.values()):
        return None
    endpoint, view = next(iter(views.items()))
    return Blocked(ReadyReason.GATEWAY_REFUSES, f"{endpoint}: {view.trouble}")


def _running(run: Run | None, gateway: Gateway | None) -> Running | None:
    if run is None:
        return None
    is_adrift = gateway is not None and run.state.data.replicas != gateway.replicas
    return Running(Job(run.name), run.inputs, is_adrift)


def _last_run(subject: Subject) -> LastRun | None:
    run = subject.status.workflow
    if run is None or run.name not in Job:
        return None
    failed = next((step for step in run.steps if step.status.value == "Failed"), None)
    reason = failed.reason if failed is not None and run.status is RunStatus.FAILED else None
    is_outdated = run.generation != subject.generation
    return LastRun(Job(run.name), run.status, run.inputs or "", reason or "", is_outdated)
