"""What a replica had that has lost everything, given back as it was: at once, and without a run.

A gateway's replica keeps its registries in memory, so one that was restarted knows nothing. What it held is known to
the last field, for the status says what herder sent there: nothing needs to be found out. So it is posted again before
anything is written, and the replica is read again until it lists it.

    lost ─▶ given ─┬─▶ listed as it was given: its new id is written, and that is all
                   └─▶ refused, or not listed in time: a run begins, as it would have in the first place

A run asks the worker, writes its start and asks every replica. If 200 workers are lost at once that takes ten times as
long as posting them does, and clients wait. If this process is killed meanwhile nothing is lost with it: what is in no
list is given again by the next one, and what is listed under an id that nobody has written is compared by a run.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from typing import Final

import structlog

from herder.api.status import EntryState, RunStatus
from herder.controller.clock import Clock
from herder.controller.families.declared import Post
from herder.controller.fleet.gateways import Gateways
from herder.controller.fleet.heals import Heals
from herder.controller.known.memory import Gift, Memory
from herder.controller.known.objects import Key
from herder.controller.known.queue import WorkQueue
from herder.controller.listing.views import UNHEARD, View
from herder.controller.scene.scene import Scene
from herder.gateway.errors import GatewayError
from herder.gateway.replica import Replica
from herder.workflows.entry import Entry
from herder.workflows.owner import Owner

log = structlog.get_logger(__name__)

_AT_ONCE: Final = 64
_PATIENCE_S: Final = 3.0
"""How long a replica that gets no further is waited for: it looks at each worker before it lists it."""
_FIRST_LOOK_S: Final = 0.05
_SLOWEST_LOOK_S: Final = 1.0
_LATER: Final = 0.25
"""By what share of the time that it has been looked for something may be found too late."""

type Place = tuple[Key, str]
"""A gateway, and the endpoint of one of its replicas."""


class Giveback:
    """Gives replicas back what they have lost. `tell` is called for each resource, once all that was lost is back."""

    def __init__(
        self, queue: WorkQueue, gateways: Gateways, heals: Heals, clock: Clock, tell: Callable[[Scene], None]
    ) -> None:
        self._queue = queue
        self._gateways = gateways
        self._heals = heals
        self._clock = clock
        self._tell = tell
        self._untold: list[Scene] = []
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._under_way: Counter[Place] = Counter()
        self._awaited: dict[Place, set[str]] = {}
        """What each replica was given and has not been seen to list yet, by key."""
        self._tasks: set[asyncio.Task[None]] = set()

    def takes(self, scene: Scene, memory: Memory) -> bool:
        """Whether the registration that was decided on is not needed (yet): what is missing is being given back."""
        if scene.observation is None or scene.gateway is None:
            return False
        lacking = scene.observation.lacking - scene.observation.away
        if any(e in memory.given and not memory.given[e].is_seen for e in lacking):
            is_awaited = all(self._is_awaited(scene, e, memory.given.get(e)) for e in lacking)
            if is_awaited:
                self._queue.add_after(scene.subject.key, _PATIENCE_S)
            return is_awaited
        post = self._post_of(scene, lacking)
        if post is None:
            return False
        self._note_lost(scene, lacking)
        memory.is_giving, memory.is_put_off = True, False
        self._untold.append(scene)
        self._start(self._give(post, scene, memory, [r for r in scene.gateway.replicas if r.endpoint in lacking]))
        return True

    def _note_lost(self, scene: Scene, lacking: Iterable[str]) -> None:
        """Have it counted as lost: two lists without it, one read before it was registered, do not differ."""
        key, views = scene.subject.gateway, scene.gateway.views if scene.gateway is not None else {}
        if key is not None:
            for endpoint in lacking:
                self._heals.found(key, endpoint, {scene.subject.key}, views[endpoint].began_at_s)

    def _is_awaited(self, scene: Scene, endpoint: str, gift: Gift | None) -> bool:
        """Whether a replica took something that it may yet come to list."""
        gateway, declared, key = scene.gateway, scene.declared, scene.subject.gateway
        if gift is None or not gift.is_taken or gateway is None or declared is None or key is None:
            return False
        is_followed = declared.key in self._awaited.get((key, endpoint), ())
        is_unread = gateway.views[endpoint].began_at_s <= gift.at_s
        return is_followed or is_unread or self._clock() < gift.at_s + _PATIENCE_S

    def _post_of(self, scene: Scene, lacking: frozenset[str]) -> Post | None:
        """Return what gives it back, if all that is amiss is that these replicas have lost it with everything else."""
        run, declared, seen, gateway = scene.subject.status.workflow, scene.declared, scene.observation, scene.gateway
        if run is None or declared is None or seen is None or gateway is None:
            return None
        is_as_it_was = run.status is RunStatus.COMPLETED and run.inputs == scene.inputs and seen.drift.keys() == lacking
        if not is_as_it_was or not all(self._has_lost_all(scene, endpoint) for endpoint in lacking):
            return None
        return declared.again(scene.subject.status)

    def _has_lost_all(self, scene: Scene, endpoint: str) -> bool:
        view = scene.gateway.views.get(endpoint, UNHEARD) if scene.gateway is not None else UNHEARD
        is_being_given = scene.subject.gateway is not None and (scene.subject.gateway, endpoint) in self._awaited
        return is_being_given or not _lists_any_of(scene.subject.installation, view)

    async def _give(self, post: Post, scene: Scene, memory: Memory, lost: Iterable[Replica]) -> None:
        is_taken = [False]
        try:
            async with self._at_once, asyncio.TaskGroup() as group:
                given = [group.create_task(self._give_to(replica, post, scene, memory)) for replica in lost]
            is_taken = [each.result() for each in given]
        finally:
            memory.is_giving = False
            # What was taken is looked at when a list shows it: by then others have been given theirs.
            is_to_be_seen = all(is_taken) and not memory.is_put_off
            self._queue.add_after(scene.subject.key, _PATIENCE_S if is_to_be_seen else 0.0)

    async def _give_to(self, replica: Replica, post: Post, scene: Scene, memory: Memory) -> bool:
        """Give it to one replica; return whether that took it."""
        subject, declared, endpoint = scene.subject, scene.declared, replica.endpoint
        if declared is None or subject.gateway is None:
            return False
        # Noted before it is sent: a call whose answer is lost may have been carried out all the same.
        memory.given[endpoint] = Gift(Entry(EntryState.PENDING, spec_hash=declared.spec_hash))
        place = (subject.gateway, endpoint)
        self._under_way[place] += 1
        try:
            worker_id = await post(replica)
        except GatewayError as error:
            log.info("giveback.refused", key=str(subject.key), endpoint=endpoint, error=str(error))
            return False
        else:
            entry = Entry(EntryState.PENDING, worker_id, declared.spec_hash)
            memory.given[endpoint] = Gift(entry, self._clock())
            self._awaited.setdefault(place, set()).add(declared.key)
            return True
        finally:
            self._under_way[place] -= 1
            if not self._under_way[place]:
                del self._under_way[place]
                self._start(self._follow(place))

    async def _follow(self, place: Place) -> None:
        """Have a replica read until it lists all that it was given, or nothing new for longer than is waited for."""
        (key, endpoint), awaited = place, self._awaited.get(place, set())
        began_s = got_on_s = self._clock()
        while place not in self._under_way and awaited and self._clock() < got_on_s + _PATIENCE_S:
            await asyncio.sleep(min(_SLOWEST_LOOK_S, max(_FIRST_LOOK_S, _LATER * (self._clock() - began_s))))
            self._gateways.hurry(key, endpoint)
            gateway = self._gateways.get(key)
            view = gateway.views.get(endpoint, UNHEARD) if gateway is not None else UNHEARD
            if not awaited.isdisjoint(view.workers):
                awaited -= view.workers.keys()
                got_on_s = self._clock()
        if place not in self._under_way:
            self._awaited.pop(place, None)
        if not self._under_way and not self._awaited:
            self._tell_all()

    def _tell_all(self) -> None:
        """Tell what was found: for each an Event, which takes the API server longer than giving it back has taken."""
        untold, self._untold = self._untold, []
        for scene in untold:
            self._tell(scene)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop giving: the next process goes on with it."""
        while self._tasks:
            tasks = tuple(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        self._tell_all()


def _lists_any_of(installation: str, view: View) -> bool:
    """Whether a replica lists anything of this herder's: then single entries were taken off, which a run looks at."""
    listed = (worker for workers in view.workers.values() for worker in workers)
    owners = (Owner.of(worker.labels) for worker in listed)
    return any(owner is not None and owner.installation == installation for owner in owners)
