"""Who looks whether the holder of the Lease has ended, beside looking at the Lease.

It follows the holder's Pod by a watch, so that it costs nothing while nothing happens. It hastens a handover and is
never needed for one: where it can't look, by its rights or because there is no such pod, the Lease is waited out.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Self

import structlog

from herder.controller.cluster.errors import KubeError, NotFound, Rejected
from herder.controller.cluster.kube import Kube
from herder.controller.leadership.election import NOBODY
from herder.controller.leadership.ending import has_ended, pod_of

log = structlog.get_logger(__name__)

_PAUSE_S: Final = 1.0

type Ended = Callable[[str], Awaitable[None]]
"""Returns once a holder has ended, and waits for ever where nobody can tell."""


async def nobody_tells(_holder: str) -> None:
    """Wait for ever."""
    await asyncio.Event().wait()


@dataclass(frozen=True, slots=True)
class PodWitness:
    """Looks at the pods of a namespace, the one that the Lease is in: all who contend for it are there."""

    kube: Kube
    namespace: str

    async def __call__(self, holder: str) -> None:
        """Return once the kubelet says that this holder's process has ended; wait for ever where nobody can tell."""
        pod = pod_of(holder)
        while pod is not None:
            try:
                if await self._is_seen_to_end(holder, pod):
                    return
            except Rejected as error:
                log.info("lease.holder_not_watched", holder=holder, error=str(error))
                break
            except KubeError as error:
                log.debug("lease.holder_not_seen", holder=holder, error=str(error))
            await asyncio.sleep(_PAUSE_S)
        await nobody_tells(holder)

    async def _is_seen_to_end(self, holder: str, pod: str) -> bool:
        """Follow a pod for about a minute. Raises KubeError."""
        pods = f"/api/v1/namespaces/{self.namespace}/pods"
        async with aclosing(self.kube.changes(pods, fields=f"metadata.name={pod}")) as changes:
            async for _ in changes:
                try:
                    if has_ended(holder, await self.kube.get(f"{pods}/{pod}")):
                        return True
                except NotFound:
                    return False
        return False


class Watch:
    """Has one holder at a time followed; nobody is when its block is left. `clock` returns monotonic seconds."""

    def __init__(self, ended: Ended, clock: Callable[[], float]) -> None:
        self._ended = ended
        self._clock = clock
        self._holder = NOBODY
        self._ended_at_s: float | None = None
        self._task: asyncio.Task[None] | None = None
        self.news: Final = asyncio.Event()
        """Set when the one who is followed turns out to have ended."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.follow(NOBODY)

    async def follow(self, holder: str) -> None:
        """Look whether `holder` has ended, and no more after whoever was followed before."""
        if holder == self._holder:
            return
        self._holder, self._ended_at_s = holder, None
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        self._task = asyncio.create_task(self._look(holder), name="holder") if holder != NOBODY else None

    def ended_at_s(self, holder: str) -> float | None:
        """By when `holder` had ended, as it was proved; None where it was not."""
        return self._ended_at_s if holder == self._holder else None

    async def _look(self, holder: str) -> None:
        try:
            await self._ended(holder)
        except Exception:  # a defect here must not keep anybody from waiting the Lease out
            log.exception("lease.holder_defect", holder=holder)
            return
        log.info("lease.holder_ended", holder=holder)
        self._ended_at_s = self._clock()
        self.news.set()
