"""How a fake replica fails: away, hanging, with an error, or with an answer that is lost."""

import asyncio
import random
from dataclasses import dataclass, field
from uuid import UUID

from herder.gateway.errors import Unavailable

HANGS_S = 10.0


@dataclass
class Faulty:
    """What answers calls. `away`: no answer, at once; `hangs`: none until the deadline; `calls`: what it was asked."""

    endpoint: str
    away: bool = False
    hangs: bool = False
    loses: dict[str, int] = field(default_factory=dict)
    """By call: how many of its next answers are lost after it was carried out."""
    fails: dict[str, list[Exception]] = field(default_factory=dict)
    """By call: what its next ones raise, without being carried out."""
    calls: list[str] = field(default_factory=list)
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.endpoint)

    def count(self, call: str) -> int:
        """How often this was asked, also in vain."""
        return self.calls.count(call)

    async def _called(self, call: str) -> None:
        self.calls.append(call)
        await asyncio.sleep(0)
        if self.hangs:
            await asyncio.sleep(HANGS_S)
        if self.hangs or self.away:
            raise Unavailable(f"{self.endpoint}: connection refused")
        if self.fails.get(call):
            raise self.fails[call].pop(0)
        self._pass_time()

    def _answer[T](self, call: str, answer: T) -> T:
        if self.loses.get(call, 0) > 0:
            self.loses[call] -= 1
            raise Unavailable(f"{self.endpoint}: the connection was closed without an answer")
        return answer

    def _id(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def _pass_time(self) -> None:
        """Let happen what was due before this call."""
