"""What a replica had under a worker's former key and has lost, given back while the declared one does not serve yet.

A worker whose URL was changed is in service under the former one until every replica finds it well under the new one,
which a typo may put off for days. A replica that is restarted meanwhile would be without it. So what it held is posted
again, as a `Giveback` does, but beside the run that may be in progress, and only where what was sent is known: that is
what is declared now with the former key, unless more than the key was changed.

The records stay as they are: whoever takes the former key off finds the entry by its owner.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog

from herder.api.gateway import GatewayReplicaState
from herder.api.reasons import EventReason
from herder.controller.clock import Clock
from herder.controller.cluster.secrets import SecretMissing
from herder.controller.families.declared import Declared
from herder.controller.fleet.gateways import Gateway
from herder.controller.known.memory import Memory
from herder.controller.known.queue import WorkQueue
from herder.controller.known.subject import Subject
from herder.controller.scene.scene import Scene
from herder.controller.status.recorder import EventRecorder
from herder.gateway.errors import GatewayError
from herder.gateway.replica import Replica
from herder.workflows.entry import Entry, is_held

log = structlog.get_logger(__name__)

_AT_ONCE: Final = 16
_PATIENCE_S: Final = 30.0
"""How long what was posted may take to be listed before it is posted again."""

type Declare = Callable[[Subject, Gateway], Awaitable[Declared]]
"""Looks up what a resource declares on a gateway. Raises SecretMissing, KubeError."""


class FormerKeys:
    """Keeps resources in service under their former keys."""

    def __init__(self, declare: Declare, queue: WorkQueue, recorder: EventRecorder, clock: Clock) -> None:
        self._declare = declare
        self._queue = queue
        self._recorder = recorder
        self._clock = clock
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def keep(self, scene: Scene, memory: Memory) -> None:
        """Give back what replicas have lost under each former key. Raises KubeError."""
        gateway = scene.gateway
        if gateway is None:
            return
        for key, records in _held(scene).items():
            lost = [r for r in gateway.replicas if self._has_lost(r.endpoint, key, records, gateway, memory)]
            declared = await self._as_before(scene.subject, key, gateway) if lost else None
            if declared is not None:
                same = [replica for replica in lost if records[replica.endpoint].spec_hash == declared.spec_hash]
                self._give(scene, declared, same, memory)

    def _has_lost(
        self, endpoint: str, key: str, records: Mapping[str, Entry], gateway: Gateway, memory: Memory
    ) -> bool:
        """Whether a replica was noted to have it under a key, and was read without it since."""
        record, view = records.get(endpoint), gateway.views[endpoint]
        if record is None or record.worker_id is None or record.spec_hash is None or not is_held(record):
            return False
        if self._clock() < memory.former_given.get((key, endpoint), -_PATIENCE_S) + _PATIENCE_S:
            return False
        is_read = view.state is GatewayReplicaState.REACHABLE and view.began_at_s > memory.ended_at_s
        return is_read and key not in view.workers

    async def _as_before(self, subject: Subject, key: str, gateway: Gateway) -> Declared | None:
        """Return what is declared, with a former key; None where that can't be known."""
        before = subject.before(key)
        if before is None:
            return None
        try:
            return await self._declare(before, gateway)
        except SecretMissing:
            return None

    def _give(self, scene: Scene, declared: Declared, replicas: list[Replica], memory: Memory) -> None:
        for replica in replicas:
            memory.former_given[(declared.key, replica.endpoint)] = self._clock()
            task = asyncio.get_running_loop().create_task(self._give_to(replica, scene.subject, declared))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if replicas:
            self._queue.add_after(scene.subject.key, _PATIENCE_S)

    async def _give_to(self, replica: Replica, subject: Subject, declared: Declared) -> None:
        post, endpoint = declared.again(subject.status), replica.endpoint
        if post is None:
            return
        try:
            async with self._at_once:
                await post(replica)
        except GatewayError as error:
            log.info("former.refused", key=str(subject.key), endpoint=endpoint, error=str(error))
            return
        text = f"{endpoint} had lost it: {declared.key}, as it was before, is registered there again meanwhile"
        self._recorder.record(subject.key, subject.body, reason=EventReason.DRIFTED, message=text, is_warning=True)

    async def close(self) -> None:
        """Stop giving: the next process sees what is missing, too."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def _held(scene: Scene) -> dict[str, Mapping[str, Entry]]:
    """Return what is known of it under each key that it had before, and is to stay in service under for now."""
    held = dict(scene.former)
    standing = scene.subject.registered
    if scene.is_moving and standing is not None:
        held[standing.key] = scene.records
    held.pop(scene.subject.family.contested(scene.subject.raw_spec) or "", None)
    return held
