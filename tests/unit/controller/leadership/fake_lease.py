"""A Lease in memory, and contenders whose clocks are wrong, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import override

from herder.controller.cluster.errors import Conflicted, NotFound, Unreached
from herder.controller.cluster.kube import Kube
from herder.controller.leadership.election import Lease
from herder.controller.leadership.lease import LeaseObject


class Store:
    """The API server's side."""

    def __init__(self) -> None:
        self.lease: Lease | None = None
        self._version = 0

    def write(self, claim: Lease) -> Lease:
        """Take a claim for the version that it names."""
        current = self.lease.version if self.lease is not None else ""
        if claim.version and self.lease is None:
            raise NotFound("no lease")
        if claim.version != current:
            raise Conflicted("another version")
        self._version += 1
        self.lease = replace(claim, version=str(self._version), mark=str(self._version))
        return self.lease

    def steal(self, holder: str) -> None:
        """Let somebody take it by hand."""
        assert self.lease is not None
        self.write(replace(self.lease, holder=holder))


async def _at_once() -> None:
    return


@dataclass(frozen=True)
class Link(LeaseObject):
    """One contender's way to the store: `before` and `after` are awaited around each call, and may lose it."""

    kube: Kube = field(init=False, repr=False)
    namespace: str = "ns"
    name: str = "herder"
    store: Store = field(default_factory=Store)
    before: Callable[[], Awaitable[None]] = _at_once
    after: Callable[[], Awaitable[None]] = _at_once

    @override
    async def read(self) -> Lease | None:
        await self.before()
        found = self.store.lease
        await self.after()
        return found

    @override
    async def write(self, claim: Lease, *, is_taken: bool) -> Lease:
        await self.before()
        written = self.store.write(claim)
        await self.after()
        return written


async def for_ever() -> None:
    """A black hole."""
    await asyncio.Event().wait()


async def lost() -> None:
    """A broken connection."""
    raise Unreached("lost")


@dataclass(frozen=True)
class WrongClock:
    """A clock that is off by `offset_s` and runs `rate` times as fast as it should."""

    offset_s: float = 0.0
    rate: float = 1.0

    def __call__(self) -> float:
        return self.offset_s + self.rate * asyncio.get_running_loop().time()
