"""Serves mock workers over HTTP: /w/NAME/… is the worker NAME, /_ctl/NAME sets its script and reads its log.

    GET    /_ctl         the names of all workers
    PUT    /_ctl/NAME    a Script as JSON: the worker is there from now on and does that
    DELETE /_ctl/NAME    the worker is forgotten; its paths answer 404
    GET    /_ctl/NAME    the requests it received, a list of Received as JSON

What a worker answers under its own path is in engine_api.
"""

import asyncio
import hmac
import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Self

from aiohttp import web

from rig.ports import HOST, reserve_port
from rig.workers import engine_api
from rig.workers.script import Script, load

_MAX_CHAT_BYTES = 64 << 20
_CHAT_PATHS = ("/v1/chat/completions", "/v1/completions", "/generate")


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived, answered or not. `at_s` is the wall clock's (it is compared across processes)."""

    at_s: float
    method: str
    path: str
    authorization: str | None


@dataclass(slots=True)
class _Worker:
    name: str
    script: Script
    since_s: float
    received: list[Received] = field(default_factory=list)
    given: Counter[str] = field(default_factory=Counter)
    """How often each canned answer of the present script was given."""
    lets_chats_go: asyncio.Event = field(default_factory=asyncio.Event)

    def set(self, script: Script) -> None:
        self.script, self.since_s = script, time.monotonic()
        self.given.clear()
        if script.holds_chats:
            self.lets_chats_go.clear()
        else:
            self.lets_chats_go.set()

    @property
    def is_up(self) -> bool:
        flap_s = self.script.flap_s
        is_down_phase = flap_s > 0 and (time.monotonic() - self.since_s) // flap_s % 2 == 1
        return self.script.up and not is_down_phase


class WorkerServer:
    """Mock workers on one port of 127.0.0.1, served by the event loop in which it is started."""

    def __init__(self, port: int | None = None) -> None:
        self.port = port or reserve_port()
        self._workers: dict[str, _Worker] = {}
        application = web.Application(client_max_size=_MAX_CHAT_BYTES)
        application.router.add_get("/_ctl", self._list)
        application.router.add_put("/_ctl/{name}", self._put)
        application.router.add_get("/_ctl/{name}", self._get)
        application.router.add_delete("/_ctl/{name}", self._delete)
        application.router.add_route("*", "/w/{name}{path:/.*}", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self.port).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    def set(self, name: str, script: Script | None = None) -> str:
        """Make the worker `name` do what the script says (be healthy, without one) from now on; returns its URL."""
        worker = self._workers.setdefault(name, _Worker(name, Script(), time.monotonic()))
        worker.set(script or Script())
        return self.url(name)

    def url(self, name: str) -> str:
        """Where the worker is."""
        return f"http://{HOST}:{self.port}/w/{name}"

    def forget(self, name: str) -> None:
        """Take the worker away; its paths answer 404."""
        self._workers.pop(name, None)

    def received(self, name: str) -> list[Received]:
        """What the worker was asked so far, in order."""
        return list(self._workers[name].received)

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response(list(self._workers))

    async def _put(self, request: web.Request) -> web.Response:
        self.set(request.match_info["name"], load(await request.read()))
        return web.Response(status=204)

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response([asdict(received) for received in self.received(request.match_info["name"])])

    async def _delete(self, request: web.Request) -> web.Response:
        self.forget(request.match_info["name"])
        return web.Response(status=204)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        worker = self._workers.get(request.match_info["name"])
        if worker is None:
            raise web.HTTPNotFound
        path = request.match_info["path"]
        worker.received.append(Received(time.time(), request.method, path, request.headers.get("Authorization")))
        if not worker.is_up:
            return _drop(request)
        if path != "/health" and not _has_key(worker.script, request.headers):
            return web.json_response({"error": "unauthorized"}, status=401)
        return await _canned(worker, path) or await _own(worker, path, request)


def _drop(request: web.Request) -> web.Response:
    """Reset the connection; the answer that aiohttp wants goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _has_key(script: Script, headers: Mapping[str, str]) -> bool:
    if script.api_key is None:
        return True
    given = headers.get("Authorization", "").removeprefix("Bearer ") or headers.get("X-Api-Key", "")
    return hmac.compare_digest(given.encode(), script.api_key.encode())


async def _canned(worker: _Worker, path: str) -> web.Response | None:
    answer = worker.script.answers.get(path)
    if answer is None or worker.given[path] == answer.times:
        return None
    worker.given[path] += 1
    await asyncio.sleep(answer.delay_s)
    return web.json_response(answer.body, status=answer.status)


async def _own(worker: _Worker, path: str, request: web.Request) -> web.StreamResponse:
    script = worker.script
    if path == "/health":
        await asyncio.sleep(script.health_delay_s)
        return web.Response(status=script.health_status)
    if path in _CHAT_PATHS and request.method == "POST":
        return await _chat(worker, request)
    described = engine_api.describe(script, path) if request.method == "GET" else None
    return web.Response(status=404) if described is None else web.json_response(described)


async def _chat(worker: _Worker, request: web.Request) -> web.StreamResponse:
    asked = json.loads(await request.read())
    await worker.lets_chats_go.wait()
    await asyncio.sleep(worker.script.chat_delay_s)
    if worker.script.chat_status != 200:
        return web.json_response({"error": "mock failure"}, status=worker.script.chat_status)
    return web.json_response(engine_api.complete_chat(asked.get("model"), worker.name))
