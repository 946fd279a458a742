"""Who waits for a place, and who is next: without I/O, and without a clock of its own.

- The gateway that holds the fewest places is next: a thousand runs of one do not stand before the first of another.
- Of one gateway's runs a removal comes first, then a worker's registration, then the rest.
- But every fourth place of a gateway goes to the run of it that has waited longest, so that nobody waits for ever.
- No gateway holds more than its share, see `share`: one that hangs can't take all places.
"""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Self

from herder.api.meta import WORKER_REGISTRATION
from herder.controller.known.objects import Key
from herder.controller.running.jobs import Job

_EVERY: Final = 4


class Rank(IntEnum):
    """What a run is for, the more urgent the lower."""

    REMOVAL = 0
    WORKER = 1
    REST = 2

    @classmethod
    def of(cls, kind: str, job: Job | None) -> Self:
        """Return the rank of a run for an object of a kind."""
        if job is Job.REMOVAL:
            return cls(cls.REMOVAL)
        return cls(cls.WORKER if kind == WORKER_REGISTRATION.kind else cls.REST)


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose run it is that wants a place; `gateway` is None where that is not known."""

    gateway: Key | None = None
    rank: Rank = Rank.REST


@dataclass(slots=True, eq=False)
class Waiter[W]:
    """One who waits, since `since_s`."""

    turn: Turn
    since_s: float
    who: W
    has_left: bool = False


def share(places: int, gateways: int, held_by_others: int) -> int:
    """Return how many of the places one gateway may hold: half of those that no other holds, or an equal part if more.

    However many gateways hang there is so always a place for one more, as long as there are places at all.
    """
    left = places - held_by_others
    return max(1, places // max(1, gateways), (left + 1) // 2)


@dataclass(slots=True)
class _Lines[W]:
    """Those of one gateway."""

    by_rank: dict[Rank, deque[Waiter[W]]] = field(default_factory=lambda: {rank: deque() for rank in Rank})
    served: int = 0

    def heads(self) -> list[Waiter[W]]:
        for line in self.by_rank.values():
            while line and line[0].has_left:
                line.popleft()
        return [line[0] for line in self.by_rank.values() if line]

    def take(self) -> Waiter[W]:
        heads = self.heads()
        self.served += 1
        is_oldest = self.served % _EVERY == 0
        chosen = min(heads, key=lambda each: each.since_s if is_oldest else each.turn.rank)
        self.by_rank[chosen.turn.rank].popleft()
        return chosen


class Line[W]:
    """Those who wait, and those who hold places, by gateway."""

    def __init__(self) -> None:
        self._lines: dict[Key | None, _Lines[W]] = {}
        self._held: Counter[Key | None] = Counter()
        self._total = 0

    def __iter__(self) -> Iterator[Waiter[W]]:
        for lines in self._lines.values():
            for line in lines.by_rank.values():
                yield from (waiter for waiter in line if not waiter.has_left)

    def join(self, turn: Turn, since_s: float, who: W) -> Waiter[W]:
        """Stand at the end."""
        waiter = Waiter(turn, since_s, who)
        self._lines.setdefault(turn.gateway, _Lines()).by_rank[turn.rank].append(waiter)
        return waiter

    def next(self, places: int, gateways: int) -> Waiter[W] | None:
        """Let the next one hold a place, and return who it is; None if nobody who waits may have one now."""
        if self._total >= places:
            return None
        waiting = [gateway for gateway, lines in self._lines.items() if lines.heads()]
        self._lines = {gateway: self._lines[gateway] for gateway in waiting}
        held = {gateway: self._held[gateway] for gateway in waiting}
        allowed = [g for g in waiting if held[g] < share(places, gateways, self._total - held[g])]
        if not allowed:
            return None
        chosen = self._lines[min(allowed, key=held.__getitem__)].take()
        self._held[chosen.turn.gateway] += 1
        self._total += 1
        return chosen

    def put_back(self, turn: Turn) -> None:
        """A place is free again."""
        self._total -= 1
        self._held[turn.gateway] -= 1
        if not self._held[turn.gateway]:
            del self._held[turn.gateway]

    @property
    def held(self) -> int:
        """How many places are held."""
        return self._total
