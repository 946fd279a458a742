"""Looks at MCP servers between runs: what is news, and what is not."""

import asyncio

from herder.api.meta import MCP_SERVER
from herder.controller.known.objects import Key
from herder.controller.mcp.sightings import Sightings
from herder.net.errors import NetError, Unreachable
from herder.net.mcp import Greeting, McpEndpoint, Offer, Tool
from unit.engine.kit import other_tasks, virtual_time

KEY = Key(MCP_SERVER.kind, "ns", "tools")
ENDPOINT = McpEndpoint("http://10.0.0.9/mcp")
RESYNC_S = 10.0


class Server:
    """Answers as told; `asked` counts."""

    def __init__(self) -> None:
        self.tools = 1
        self.error: NetError | None = None
        self.hangs = False
        self.lost_answers = 0
        self.asked = 0

    async def greet(self, _endpoint: McpEndpoint) -> Greeting:
        raise NotImplementedError

    async def vet(self, _url: str) -> None:
        raise NotImplementedError

    async def offer(self, _endpoint: McpEndpoint) -> Offer:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.lost_answers > 0:
            self.lost_answers -= 1
            raise Unreachable("no answer")
        if self.error is not None:
            raise self.error
        tools = tuple(Tool(f"t{number}") for number in range(self.tools))
        return Offer(Greeting("s", "v"), tools, self.tools)


@virtual_time
async def test_what_stays_the_same_is_told_once() -> None:
    server, told = Server(), list[Key]()
    sightings = Sightings(server, told.append)

    sightings.watch("uid", KEY, ENDPOINT, RESYNC_S)
    await asyncio.sleep(10 * RESYNC_S)

    assert told == [KEY]
    assert 8 <= server.asked <= 12
    await sightings.close()


@virtual_time
async def test_a_server_that_dies_and_wakes_is_noticed_within_a_resync() -> None:
    server, told = Server(), list[Key]()
    sightings = Sightings(server, told.append)
    sightings.watch("uid", KEY, ENDPOINT, RESYNC_S)
    await asyncio.sleep(2 * RESYNC_S)

    server.error = Unreachable("no answer")
    await asyncio.sleep(1.1 * RESYNC_S + 1.1)
    dead = sightings.get("uid")
    server.error, server.tools = None, 5
    await asyncio.sleep(1.1 * RESYNC_S + 1.1)
    alive = sightings.get("uid")

    assert dead is not None
    assert dead.problem is not None
    assert dead.problem.reason == "ServerUnreachable"
    assert alive is not None
    assert alive.offer is not None
    assert alive.offer.count == 5
    assert len(told) == 3
    await sightings.close()


@virtual_time
async def test_one_lost_answer_is_no_news() -> None:
    server, told = Server(), list[Key]()
    sightings = Sightings(server, told.append)
    sightings.watch("uid", KEY, ENDPOINT, RESYNC_S)
    await asyncio.sleep(2 * RESYNC_S)

    server.lost_answers = 1
    await asyncio.sleep(5 * RESYNC_S)

    assert told == [KEY]
    await sightings.close()


@virtual_time
async def test_one_that_hangs_holds_up_none_of_the_others() -> None:
    server, told = Server(), list[Key]()
    sightings = Sightings(server, told.append)
    other = Key(MCP_SERVER.kind, "ns", "other")
    server.hangs = True
    sightings.watch("hangs", KEY, ENDPOINT, 1.0)
    await asyncio.sleep(2.0)
    server.hangs = False

    sightings.watch("other", other, ENDPOINT, RESYNC_S)
    await asyncio.sleep(2 * RESYNC_S)

    assert told == [other]
    await sightings.close()


@virtual_time
async def test_watching_the_same_again_changes_nothing_and_another_address_forgets_what_was_said() -> None:
    server, told = Server(), list[Key]()
    sightings = Sightings(server, told.append)
    sightings.watch("uid", KEY, ENDPOINT, RESYNC_S)
    await asyncio.sleep(2 * RESYNC_S)

    for _ in range(100):
        sightings.watch("uid", KEY, ENDPOINT, RESYNC_S)
        await asyncio.sleep(0.1)
    kept = sightings.get("uid")
    sightings.watch("uid", KEY, McpEndpoint("http://10.0.0.10/mcp"), RESYNC_S)

    assert kept is not None
    assert sightings.get("uid") is None
    assert len(other_tasks()) <= 2
    await sightings.close()


@virtual_time
async def test_nothing_is_left_when_it_is_closed() -> None:
    sightings = Sightings(Server(), lambda _: None)
    sightings.watch("uid", KEY, ENDPOINT, RESYNC_S)
    await asyncio.sleep(2 * RESYNC_S)

    await sightings.close()

    assert other_tasks() == set()
    assert sightings.get("uid") is None
