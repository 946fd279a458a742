"""What a replica had under a worker's former key and has lost, given back while the declared one does not serve yet.

A worker whose URL was changed is in service under the former one until every replica finds it well under the new one,
which a typo may put off for days. A replica that is restarted meanwhile would be without it. So what it held is posted
again, as a `Giveback` does, but beside the run that may be in progress, and only where what was sent is known: that is
what is declared now with the former key, unless more than the key was changed.

A 202 is a promise: what nobody is behind any more is taken and never listed. So it is told of when a list shows it, and
posted again later each time until one does.

The records stay as they are: whoever takes the former key off finds the entry by its owner.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

import structlog

from herder.api.gateway import GatewayReplicaState
from herder.api.reasons import EventReason
from herder.controller.clock import Clock
from herder.controller.cluster.secrets import SecretMissing
from herder.controller.families.declared import Declared, Post
from herder.controller.fleet.gateways import Gateway
from herder.controller.known.memory import Memory, Posted
from herder.controller.known.objects import Key
from herder.controller.known.queue import WorkQueue
from herder.controller.known.subject import Subject
from herder.controller.listing.views import View
from herder.controller.scene.scene import Scene
from herder.controller.status.recorder import EventRecorder
from herder.gateway.errors import GatewayError
from herder.gateway.replica import Replica
from herder.workflows.entry import Entry, is_held

log = structlog.get_logger(__name__)

_AT_ONCE: Final = 16
_PATIENCE_S: Final = 30.0
"""How long what was posted may take to be listed before it is posted again, at first."""
_LONGEST_PATIENCE_S: Final = 600.0

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
        held = _held(scene)
        memory.former_given = {place: posted for place, posted in memory.former_given.items() if place[0] in held}
        for key, records in held.items():
            self._see(scene, key, gateway, memory)
            lost = [r for r in gateway.replicas if self._has_lost(r.endpoint, key, records, gateway, memory)]
            declared = await self._as_before(scene.subject, key, gateway) if lost else None
            if declared is not None:
                same = [replica for replica in lost if records[replica.endpoint].spec_hash == declared.spec_hash]
                self._give(scene, declared, same, memory)
        self._come_back(scene, gateway, memory)

    def _see(self, scene: Scene, key: str, gateway: Gateway, memory: Memory) -> None:
        """Tell of what replicas list again."""
        for endpoint in [e for of, e in memory.former_given if of == key]:
            view = gateway.views.get(endpoint)
            if view is None or key in view.workers:
                del memory.former_given[(key, endpoint)]
            if view is not None and key in view.workers:
                text = f"{endpoint} had lost it: {key}, as it was before, is registered there again meanwhile"
                body = scene.subject.body
                self._recorder.record(
                    scene.subject.key, body, reason=EventReason.DRIFTED, message=text, is_warning=True
                )

    def _has_lost(
        self, endpoint: str, key: str, records: Mapping[str, Entry], gateway: Gateway, memory: Memory
    ) -> bool:
        """Whether a replica was noted to have it under a key, and was read without it since, and since it was given."""
        record, view = records.get(endpoint), gateway.views[endpoint]
        if record is None or record.worker_id is None or record.spec_hash is None or not is_held(record):
            return False
        since_s, given = memory.ended_at_s, memory.former_given.get((key, endpoint))
        if given is not None:
            if self._clock() < _due_s(given):
                return False
            since_s = max(since_s, given.at_s)
        return _is_reached(view) and view.began_at_s > since_s and key not in view.workers

    def _come_back(self, scene: Scene, gateway: Gateway, memory: Memory) -> None:
        """Have it looked at again where a list without it is no news: as the first one, or after another without it."""
        half_s = gateway.access.resync_s / 2
        if any(_is_reached(view) and view.began_at_s <= memory.ended_at_s for view in gateway.views.values()):
            self._queue.add_after(scene.subject.key, half_s)
        elif memory.former_given:
            due_s = min(map(_due_s, memory.former_given.values())) - self._clock()
            self._queue.add_after(scene.subject.key, max(due_s, half_s))

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
        post = declared.again(scene.subject.status)
        if post is None:
            return
        for replica in replicas:
            place = (declared.key, replica.endpoint)
            before = memory.former_given.get(place)
            memory.former_given[place] = Posted(self._clock(), before.count + 1 if before is not None else 1)
            work = self._give_to(replica, scene.subject.key, post, partial(_is_due, memory, place))
            task = asyncio.get_running_loop().create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _give_to(self, replica: Replica, key: Key, post: Post, is_due: Callable[[], bool]) -> None:
        try:
            async with self._at_once:
                if is_due():  # it may have waited for its turn while the former key was given up
                    await post(replica)
        except GatewayError as error:
            log.info("former.refused", key=str(key), endpoint=replica.endpoint, error=str(error))

    async def close(self) -> None:
        """Stop giving: the next process sees what is missing, too."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def _is_reached(view: View) -> bool:
    return view.state is GatewayReplicaState.REACHABLE


def _is_due(memory: Memory, place: tuple[str, str]) -> bool:
    return place in memory.former_given and memory.leaving_since_s is None


def _due_s(posted: Posted) -> float:
    """Return when it is to be posted again, if no list shows it by then."""
    return posted.at_s + min(_LONGEST_PATIENCE_S, _PATIENCE_S * 2.0 ** (posted.count - 1))


def _held(scene: Scene) -> dict[str, Mapping[str, Entry]]:
    """Return what is known of it under each key that it had before, and is to stay in service under for now."""
    held = dict(scene.former)
    standing = scene.subject.registered
    if scene.is_moving and standing is not None:
        held[standing.key] = scene.records
    held.pop(scene.subject.family.contested(scene.subject.raw_spec) or "", None)
    return held
