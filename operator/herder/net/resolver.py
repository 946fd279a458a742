"""Name lookups in threads of their own: names that hang hold up nobody but those who ask for them.

The loop's own lookups share few threads with everything else in the process (four under uvloop), and a lookup that its
caller has given up goes on in its thread until the system's resolver gives up, too. So each resolver brings its own
threads, and a name takes one of them at most, however often it is asked for.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

_THREADS: Final = 32

type _Info = tuple[socket.AddressFamily, str]
type _Question = tuple[str, socket.AddressFamily]


class ThreadsResolver(AbstractResolver):
    """Asks the system's resolver. `resolve` may be cancelled at any time; `close` waits for no lookup that hangs."""

    def __init__(self, *, threads: int = _THREADS) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="resolver")
        self._under_way: dict[_Question, asyncio.Future[list[_Info]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return what `host` resolves to. Raises OSError when it does not."""
        infos = await asyncio.shield(self._lookup((host, family)))
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=flags)
            for kind, address in infos
        ]

    async def close(self) -> None:
        """Give up all lookups."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _lookup(self, question: _Question) -> asyncio.Future[list[_Info]]:
        """Return the lookup under way, or begin one."""
        lookup = self._under_way.get(question)
        if lookup is None:
            lookup = asyncio.get_running_loop().run_in_executor(self._threads, _look_up, *question)
            self._under_way[question] = lookup
            lookup.add_done_callback(partial(self._ended, question))
        return lookup

    def _ended(self, question: _Question, lookup: asyncio.Future[list[_Info]]) -> None:
        self._under_way.pop(question, None)
        if not lookup.cancelled():
            lookup.exception()  # it counts as seen, also where everybody who asked has gone


def _look_up(host: str, family: socket.AddressFamily) -> list[_Info]:
    infos = socket.getaddrinfo(host, None, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [(kind, str(address[0])) for kind, _, _, _, address in infos]
