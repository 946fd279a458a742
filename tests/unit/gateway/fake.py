"""A gateway on loopback that answers from a script and remembers what it was asked; and a clock that obeys."""

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from aiohttp import web

from herder.gateway.replica import Replica
from herder.net.address import AddressPolicy
from herder.net.http import Http
from unit.net.servers import serving

URL = "http://10.0.0.7:8000"
ID = str(UUID(int=7))
OTHER_ID = str(UUID(int=8))
ITEM = f"/workers/{ID}"

MISSING = (404, {"error": f"Worker {ID} not found", "code": "WORKER_NOT_FOUND"})
ACCEPTED = (202, {"status": "accepted", "worker_id": ID, "message": "queued"})


def item(status: str = "ready", url: str = URL, **fields: object) -> dict[str, object]:
    """A registry entry as the gateway shows it, with more fields than herder reads."""
    shown: dict[str, object] = {
        "id": ID,
        "url": url,
        "status": status,
        "worker_type": "regular",
        "connection_mode": "http",
        "runtime_type": "sglang",
        "priority": 50,
        "cost": 1.0,
        "load": 0,
        "is_healthy": status == "ready",
        "max_connection_attempts": 20,
        "http2": False,
    }
    return shown | fields


def running(job_type: str) -> dict[str, object]:
    """A job that is still to be applied."""
    return {"job_type": job_type, "worker_url": URL, "status": "processing", "message": None, "timestamp": 1}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it arrived."""

    line: str
    body: object
    authorization: str | None


@dataclass(slots=True)
class FakeGateway:
    """Answers "METHOD /path" with its scripted answers in turn, the last one for ever; 500 to what has none."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    before: Callable[[str], Awaitable[None]] | None = None
    """Awaited with the request's line before each answer: where a test holds a call up."""
    _answers: dict[str, deque[tuple[int, object]]] = field(default_factory=lambda: defaultdict(deque))

    def will(self, line: str, *answers: tuple[int, object]) -> None:
        """Script the answers to `line`: status and body each, JSON unless the body is bytes."""
        self._answers[line] = deque(answers)

    @property
    def lines(self) -> list[str]:
        """What was asked, in order."""
        return [asked.line for asked in self.asked]

    def count(self, line: str) -> int:
        """How often this was asked."""
        return self.lines.count(line)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        line = f"{request.method} {request.path}"
        sent = await request.read()
        self.asked.append(Asked(line, json.loads(sent) if sent else None, request.headers.get("Authorization")))
        if self.before is not None:
            await self.before(line)
        answers = self._answers[line]
        if not answers:
            return web.Response(status=500, text=f"no answer is scripted for {line}")
        status, body = answers.popleft() if len(answers) > 1 else answers[0]
        return web.Response(status=status, body=body if isinstance(body, bytes) else json.dumps(body).encode())


@dataclass(slots=True)
class FakeTime:
    """A clock that moves only when somebody sleeps or a test moves it."""

    now_s: float = 1000.0
    slept_s: list[float] = field(default_factory=list)

    def clock(self) -> float:
        """Monotonic seconds."""
        return self.now_s

    async def sleep(self, delay_s: float) -> None:
        """Let `delay_s` pass."""
        self.slept_s.append(delay_s)
        self.now_s += delay_s
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Rig:
    """A Replica, the gateway behind it and its time."""

    gateway: FakeGateway
    time: FakeTime
    replica: Replica


@asynccontextmanager
async def rigged(
    *, api_key: str | None = None, call_deadline_s: float = 60.0, max_calls: int = 16
) -> AsyncIterator[Rig]:
    """Start a fake gateway and a Replica of it."""
    gateway, time = FakeGateway(), FakeTime()
    async with serving(gateway.handle) as url, Http(AddressPolicy(allow_loopback=True)) as http:
        gateway.url = url
        replica = Replica(
            url,
            http,
            api_key=api_key,
            call_deadline_s=call_deadline_s,
            max_calls=max_calls,
            clock=time.clock,
            sleep=time.sleep,
        )
        yield Rig(gateway, time, replica)
