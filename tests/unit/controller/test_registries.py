"""The registries beside the workers: read while somebody needs them, and each with trouble of its own."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from herder.api.meta import MCP_SERVER, TOKENIZER, WASM_MODULE, WORKER_REGISTRATION
from herder.controller.listing import registries
from herder.controller.listing.registries import Item, Listing, Registry, needed
from herder.controller.listing.views import News, View
from herder.controller.listing.watcher import Watcher
from herder.gateway.errors import GatewayError, Transient
from unit.controller.office import ENDPOINTS, ListedReplica
from unit.engine.kit import virtual_time

RESYNC_S = 10.0


class Reader:
    """A replica whose Wasm modules are read, too. `modules` raises what it is, if that is an error."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.replica = ListedReplica(ENDPOINTS[0], {})
        self.modules: Listing | GatewayError = {}
        self.reads = 0
        self.needs: tuple[Registry, ...] = (Registry.WASM,)
        self.told: list[News] = []
        self.gate: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0)
        monkeypatch.setattr(
            "herder.controller.listing.watcher.READERS",
            {Registry.WORKERS: registries._workers, Registry.WASM: self._read},
        )
        self.watcher = Watcher(
            self.replica,  # type: ignore[arg-type]  # a fake
            resync_s=RESYNC_S,
            tell=self.told.append,
            needs=lambda: self.needs,
            clock=asyncio.get_running_loop().time,
        )

    async def _read(self, _replica: object) -> Listing:
        self.reads += 1
        await self.gate()
        if isinstance(self.modules, GatewayError):
            raise self.modules
        return self.modules

    async def resync(self, times: int = 1) -> None:
        await asyncio.sleep(RESYNC_S * 1.2 * times)

    @property
    def items(self) -> list[set[Item] | None]:
        return [None if news.items is None else set(news.items) for news in self.told]


def trouble(view: View) -> str:
    """Why it is not known which modules there are."""
    return view.others[Registry.WASM].trouble


@virtual_time
async def test_a_registry_is_read_while_it_is_needed_and_what_differs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(monkeypatch)
    reader.modules = {"a": ("1",)}
    await asyncio.sleep(1)
    first = reader.watcher.view
    reader.modules = {"a": ("2",), "b": ("3",)}
    await reader.resync()
    second = reader.watcher.view
    reader.needs = ()
    await reader.resync(2)
    reads = reader.reads
    await reader.resync(5)
    await reader.watcher.close()

    assert (first.listed("wasm", "a"), second.listed("wasm", "a"), second.listed("wasm", "c")) == (("1",), ("2",), ())
    assert first.read_at_s("wasm") < second.read_at_s("wasm")
    assert reader.items == [None, {Item(Registry.WASM, None)}, {Item(Registry.WASM, "a"), Item(Registry.WASM, "b")}]
    assert reader.reads == reads
    assert reader.watcher.view.read_at_s("wasm") == float("-inf")


@virtual_time
async def test_a_registry_that_can_not_be_read_is_no_trouble_of_its_replica(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(monkeypatch)
    reader.modules = Transient("the gateway answered 500")
    await reader.resync(3)
    view = reader.watcher.view
    told = len(reader.told)
    reader.modules = {"a": ("1",)}
    await reader.resync()
    await reader.watcher.close()

    assert (view.state, view.trouble, trouble(view)) == ("Reachable", "", "the gateway answered 500")
    assert told == 2
    assert trouble(reader.watcher.view) == ""
    assert reader.watcher.view.listed("wasm", "a") == ("1",)


@virtual_time
async def test_one_lost_answer_leaves_what_was_listed_a_second_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(monkeypatch)
    reader.modules = {"a": ("1",)}
    await asyncio.sleep(1)
    reader.modules = Transient("503")
    await asyncio.sleep(RESYNC_S * 1.15)
    once = reader.watcher.view
    await reader.resync()
    twice = reader.watcher.view
    await reader.watcher.close()

    assert (once.listed("wasm", "a"), trouble(once)) == (("1",), "")
    assert (twice.listed("wasm", "a"), trouble(twice)) == ((), "503")


@virtual_time
async def test_a_registry_that_hangs_does_not_keep_the_workers_from_being_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = Reader(monkeypatch)
    reader.gate = asyncio.Event().wait
    await asyncio.sleep(1)
    state = reader.watcher.view.state
    await reader.watcher.close()

    assert state == "Reachable"


@virtual_time
async def test_of_a_replica_that_is_away_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(monkeypatch)
    reader.modules = {"a": ("1",)}
    await asyncio.sleep(1)
    reader.replica.away = True
    await reader.resync(3)
    view = reader.watcher.view
    await reader.watcher.close()

    assert view.listed("wasm", "a") == ()
    assert view.trouble != ""


def test_the_registries_that_are_needed_follow_from_the_kinds_that_refer_to_a_gateway() -> None:
    assert needed([]) == needed([MCP_SERVER.kind]) == frozenset()
    assert needed([WORKER_REGISTRATION.kind]) == {Registry.MODELS}
    assert needed([MCP_SERVER.kind, TOKENIZER.kind, WASM_MODULE.kind]) == {Registry.TOKENIZERS, Registry.WASM}
