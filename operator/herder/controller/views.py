"""What each replica of a gateway lists, read once per resync for all resources of the gateway.

Every replica is read in a loop of its own, so that one that hangs or is away holds up none of the others. A reading is
a `View`; what differs from the one before is told, URL by URL.
"""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog

from herder.api.gateway import GatewayReplicaState
from herder.gateway.errors import GatewayError, Permanent
from herder.gateway.replica import Replica
from herder.gateway.types import Worker

log = structlog.get_logger(__name__)

_AWAY_RETRY_S: Final = 2.0
"""How often a replica that does not answer is asked; a restarted one is noticed that soon."""

_GRACE_S: Final = 10.0
"""How long a replica may be silent before it counts as away: it may just have been restarted."""

_PULSE_S: Final = 12.0
"""How often a replica is asked for a sign of life between readings, whatever the resync; a list costs much more."""

type Listing = Mapping[str, tuple[Worker, ...]]


@dataclass(frozen=True, slots=True)
class View:
    """What one replica said last. `workers` is keyed by normalised URL and as of `began_at_s` (monotonic seconds).

    `state` is None until the replica was heard of, and stays as it was through a grace period when it falls silent.
    """

    state: GatewayReplicaState | None = None
    workers: Listing = field(default_factory=dict)
    count: int = 0
    began_at_s: float = float("-inf")
    trouble: str = ""

    @property
    def is_away(self) -> bool:
        """Whether the replica can't be driven now."""
        return self.state in {GatewayReplicaState.UNREACHABLE, GatewayReplicaState.REFUSES}


UNHEARD: Final = View()

type Told = Callable[[View, frozenset[str] | None], None]
"""Called with a new view and the URLs that differ; None where everything may."""


class Watcher:
    """Reads one replica again and again, every `resync_s` seconds, which may be changed.

    `tell` gets each view that differs; `clock` returns monotonic seconds.
    """

    def __init__(
        self, replica: Replica, *, resync_s: float, tell: Told, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.replica = replica
        self.view = UNHEARD
        self.resync_s = resync_s
        self._tell = tell
        self._clock = clock
        self._silent_since_s: float | None = None
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"replica {replica.endpoint}")

    async def close(self) -> None:
        """Stop reading."""
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _run(self) -> None:
        while True:
            await self._read()
            await self._rest()

    async def _rest(self) -> None:
        """Wait until the list is to be read again: at once if the replica gives no sign of life meanwhile."""
        began_s = self._clock()
        spread = random.uniform(0.9, 1.1)  # noqa: S311  (spreads load, no secret)
        while (left_s := began_s + self._pause_s * spread - self._clock()) > 0:
            await asyncio.sleep(min(left_s, _PULSE_S))
            if left_s > _PULSE_S and not await self._is_alive():
                return

    @property
    def _pause_s(self) -> float:
        return self.resync_s if self._silent_since_s is None else min(_AWAY_RETRY_S, self.resync_s)

    async def _is_alive(self) -> bool:
        try:
            await self.replica.readiness()
        except Exception:  # noqa: BLE001  whatever it is, the reading that follows says it
            return False
        return True

    async def _read(self) -> None:
        began_at_s = self._clock()
        try:
            workers = await self.replica.list_workers()
        except GatewayError as error:
            self._heard_nothing(error)
        except Exception as error:  # a defect of ours must not leave the replica unread for ever
            log.exception("replica.defect", endpoint=self.replica.endpoint)
            self._heard_nothing(GatewayError(f"{type(error).__name__} in herder itself; its log has the details"))
        else:
            self._silent_since_s = None
            self._take(began_at_s, workers)

    def _take(self, began_at_s: float, workers: tuple[Worker, ...]) -> None:
        listing: dict[str, tuple[Worker, ...]] = defaultdict(tuple)
        for worker in workers:
            listing[worker.key] += (worker,)
        before, self.view = self.view, View(GatewayReplicaState.REACHABLE, listing, len(workers), began_at_s)
        if before.state is not GatewayReplicaState.REACHABLE:
            log.info("replica.reachable", endpoint=self.replica.endpoint, workers=len(workers))
            self._tell(self.view, None)
            return
        differing = frozenset(_differing(before.workers, listing))
        if differing or before.count != len(workers):
            self._tell(self.view, differing)

    def _heard_nothing(self, error: GatewayError) -> None:
        now_s = self._clock()
        if self._silent_since_s is None:
            self._silent_since_s = now_s
            log.warning("replica.silent", endpoint=self.replica.endpoint, error=str(error))
        is_refusal = isinstance(error, Permanent)
        is_first = self.view.state is None
        if not is_refusal and not is_first and now_s - self._silent_since_s < _GRACE_S:
            return
        state = GatewayReplicaState.REFUSES if is_refusal else GatewayReplicaState.UNREACHABLE
        if self.view.state is not state or self.view.trouble != str(error):
            has_moved = self.view.state is not state
            self.view = View(state, began_at_s=now_s, trouble=str(error))
            if has_moved:
                self._tell(self.view, None)


def _differing(before: Listing, after: Listing) -> set[str]:
    """Return the URLs whose entries differ in what herder looks at: load and the like tick with every request."""
    return {url for url in before.keys() | after.keys() if _look(before.get(url, ())) != _look(after.get(url, ()))}


def _look(workers: tuple[Worker, ...]) -> tuple[object, ...]:
    return tuple(
        (w.id, w.status, w.priority, w.cost, w.worker_type, w.model_id, sorted(w.labels.items()))
        for w in sorted(workers, key=lambda worker: worker.id)
    )
