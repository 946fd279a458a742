"""Names that hang, and everybody else."""

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from herder.net.resolver import ThreadsResolver


class Names:
    """A system's resolver: names that begin with `hang` get no answer until the test is over."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.is_over = threading.Event()

    def getaddrinfo(self, host: str, _port: object, **_options: object) -> list[tuple[object, ...]]:
        self.asked[host] += 1
        if host.startswith("hang"):
            self.is_over.wait()
        if host.startswith(("hang", "nobody")):
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fd00::7", 0, 0, 0))]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    made = Names()
    monkeypatch.setattr(socket, "getaddrinfo", made.getaddrinfo)
    yield made
    made.is_over.set()


async def test_a_name_is_resolved_for_the_port_that_is_asked_for(names: Names) -> None:
    resolver = ThreadsResolver()

    (result,) = await resolver.resolve("there", 8000)
    await resolver.close()

    assert (result["hostname"], result["host"], result["port"]) == ("there", "fd00::7", 8000)
    assert result["family"] == socket.AF_INET6


async def test_a_name_that_does_not_resolve_is_said_and_asked_for_anew(names: Names) -> None:
    resolver = ThreadsResolver()

    for _ in range(2):
        with pytest.raises(socket.gaierror, match="no such name"):
            await resolver.resolve("nobody")
    await resolver.close()

    assert names.asked["nobody"] == 2


async def test_a_name_that_hangs_takes_one_thread_however_often_it_is_asked_for(names: Names) -> None:
    resolver = ThreadsResolver(threads=2)
    for _ in range(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await resolver.resolve("hang")

    async with asyncio.timeout(60):
        await resolver.resolve("there")
    await resolver.close()

    assert names.asked == {"hang": 1, "there": 1}


async def test_names_that_hang_elsewhere_take_no_thread_here(names: Names) -> None:
    elsewhere, here = ThreadsResolver(threads=1), ThreadsResolver(threads=1)
    hanging = asyncio.create_task(elsewhere.resolve("hang"))

    async with asyncio.timeout(60):
        await here.resolve("there")
    hanging.cancel()
    await asyncio.wait({hanging})
    await elsewhere.close()
    await here.close()

    assert names.asked["there"] == 1
