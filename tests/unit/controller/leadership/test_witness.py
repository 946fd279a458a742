"""Looking at the holder's pod: when that is done, what of it counts, and what becomes of the looking where it fails."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, override

import pytest
from kubernetes_asyncio.client import Configuration

from herder.controller.cluster.errors import Forbidden, KubeError, NotFound, Unreached
from herder.controller.cluster.kube import Kube
from herder.controller.leadership.witness import PodWitness
from unit.engine.kit import virtual_time

HOLDER, PATH = "pod-a_1", "/api/v1/namespaces/ns/pods"
WATCH = (f"WATCH {PATH}", "metadata.name=pod-a")


class Pods(Kube):
    """An API server's pods: `pod` is the one that is asked for, None if there is none."""

    def __init__(self) -> None:
        super().__init__(Configuration())
        self.pod: dict[str, Any] | None = None
        self.asked: list[tuple[str, str]] = []
        self.errors: list[KubeError] = []
        self.change = asyncio.Event()
        self.open = 0

    @override
    async def get(self, path: str) -> dict[str, Any]:
        self.asked.append((f"GET {path}", ""))
        if self.pod is None:
            raise NotFound(path)
        return self.pod

    @override
    async def changes(self, path: str, *, selector: str = "", fields: str = "") -> AsyncGenerator[None]:
        self.asked.append((f"WATCH {path}", fields))
        if self.errors:
            raise self.errors.pop(0)
        self.open += 1
        try:
            if self.pod is not None:
                yield
            async with asyncio.timeout(60):
                while True:
                    await self.change.wait()
                    self.change.clear()
                    yield
        except TimeoutError:
            return
        finally:
            self.open -= 1

    def show(self, *, state: dict[str, Any]) -> None:
        """Let the kubelet write the pod's status."""
        self.pod = {"status": {"containerStatuses": [{"name": "herder", "state": state}]}}
        self.change.set()


ENDED = {"terminated": {"message": HOLDER}}
RUNNING: dict[str, Any] = {"running": {}}


def looking(pods: Pods, holder: str = HOLDER) -> asyncio.Task[None]:
    return asyncio.create_task(PodWitness(pods, "ns")(holder))


@virtual_time
async def test_an_end_is_heard_of_as_soon_as_the_pod_shows_it() -> None:
    pods = Pods()
    pods.show(state=RUNNING)
    told = looking(pods)
    await asyncio.sleep(30)
    was_told = told.done()

    pods.show(state=ENDED)
    await asyncio.wait_for(told, 0.01)

    assert not was_told
    assert pods.open == 0


@virtual_time
async def test_an_end_that_was_before_the_looking_is_heard_of_at_once() -> None:
    pods = Pods()
    pods.show(state=ENDED)

    await asyncio.wait_for(looking(pods), 0.01)

    assert pods.asked == [WATCH, (f"GET {PATH}/pod-a", "")]


@virtual_time
async def test_one_watch_a_minute_is_all_that_a_pod_takes_that_does_not_change() -> None:
    pods = Pods()
    pods.show(state=RUNNING)
    pods.change.clear()
    told = looking(pods)

    await asyncio.sleep(600)

    assert 9 <= pods.asked.count(WATCH) <= 10
    assert len(pods.asked) <= 20
    told.cancel()


@virtual_time
async def test_a_pod_that_goes_says_nothing_and_is_looked_for_again() -> None:
    pods = Pods()
    pods.show(state=RUNNING)
    told = looking(pods)
    await asyncio.sleep(1)

    pods.pod = None
    pods.change.set()
    await asyncio.sleep(100)
    was_told = told.done()
    pods.show(state=ENDED)
    await asyncio.wait_for(told, 61)

    assert not was_told


@virtual_time
async def test_who_may_not_look_does_not_ask_again() -> None:
    pods = Pods()
    pods.errors = [Forbidden("no")]
    told = looking(pods)

    await asyncio.sleep(3600)

    assert not told.done()
    assert pods.asked == [WATCH]
    told.cancel()


@virtual_time
async def test_an_api_server_that_is_away_is_asked_again() -> None:
    pods = Pods()
    pods.errors = [Unreached("away"), Unreached("away")]
    pods.show(state=ENDED)

    await asyncio.wait_for(looking(pods), 5)

    assert pods.asked.count(WATCH) == 3


@pytest.mark.parametrize("holder", ["", "somebody", "../secrets/a_1", "My Host_1"])
def test_for_who_is_in_no_pod_nobody_is_asked(holder: str) -> None:
    @virtual_time
    async def run() -> None:
        pods = Pods()
        told = looking(pods, holder)

        await asyncio.sleep(100)

        assert not told.done()
        assert pods.asked == []
        told.cancel()

    run()
