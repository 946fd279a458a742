"""`python -m rig.mcp --port P`: an MCP server at /mcp, and its control endpoint at /_ctl."""

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from typing import Any

import uvicorn
from mcp.server import Server, ServerRequestContext
from mcp_types import ListToolsResult, PaginatedRequestParams, Tool

from rig.mcp.script import Script
from rig.ports import HOST

type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]

_NOTHING = {"type": "object", "properties": {}}


class ScriptedApp:
    """The SDK's ASGI application behind a script; what it received is kept."""

    def __init__(self) -> None:
        self.script = Script()
        self.received: list[dict[str, str]] = []
        server = Server("rig", version="1.0", on_list_tools=self._list_tools)
        self._inner = server.streamable_http_app()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
        elif scope["path"] == "/_ctl":
            await self._control(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.received.append({"method": scope["method"], **headers})
        script = self.script
        if script.hangs:
            await asyncio.Event().wait()
        is_known = all(headers.get(name.lower()) == value for name, value in script.headers.items())
        status = script.status or (None if is_known else 401)
        if status is not None:
            await _answer(send, status, {"error": f"you sent {headers}"})
        else:
            await self._inner(scope, receive, send)

    async def _control(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["method"] == "PUT":
            body = b""
            while True:
                message = await receive()
                body += message.get("body", b"")
                if not message.get("more_body"):
                    break
            self.script = Script(**json.loads(body))
        await _answer(send, 200, self.received)

    async def _list_tools(
        self, _context: ServerRequestContext[dict[str, Any]], params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        if self.script.falls_silent:
            self.script = replace(self.script, hangs=True)
            await asyncio.Event().wait()
        first = int(params.cursor) if params is not None and params.cursor else 0
        after = first + self.script.page_size
        numbers = range(first, min(after, self.script.tools))
        tools = [
            Tool(name=f"tool_{number}", description=self.script.description, input_schema=_NOTHING)
            for number in numbers
        ]
        has_more = after < self.script.tools or self.script.endless
        return ListToolsResult(tools=tools, next_cursor=str(after) if has_more else None)


async def _answer(send: Send, status: int, body: object) -> None:
    content = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    uvicorn.run(ScriptedApp(), host=HOST, port=parser.parse_args().port, log_level="warning")
