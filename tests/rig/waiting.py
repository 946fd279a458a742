"""Awaiting a condition instead of sleeping."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, overload

from rig.control_plane.cluster import Cluster

POLL_S = 0.05
PATIENCE = 4
"""What a wait's time is multiplied by: tests say how long a thing takes on a machine of their own, and share one."""


@overload
async def eventually[T](check: Callable[[], Awaitable[T | None]], timeout_s: float = ...) -> T: ...
@overload
async def eventually[T](check: Callable[[], T | None], timeout_s: float = ...) -> T: ...
async def eventually(check: Callable[[], Any], timeout_s: float = 10.0) -> Any:
    """Call `check` (plain or async) every 50 ms until it gives something true, and return that.

    A failed assertion in it counts as "not yet", and so does a field that is not there. AssertionError when the time is
    over PATIENCE times, with what came last.
    """
    clock = asyncio.get_running_loop().time
    deadline_s = clock() + PATIENCE * timeout_s
    while True:
        failed: AssertionError | LookupError | None = None
        value: object = None
        try:
            answer = check()
            value = await answer if inspect.isawaitable(answer) else answer
        except (AssertionError, LookupError) as error:
            failed = error
        if value:
            return value
        if clock() > deadline_s:
            raise AssertionError(
                f"not within {PATIENCE * timeout_s:g} s; the last was: {_said(failed) or repr(value)}"
            ) from failed
        await asyncio.sleep(POLL_S)


async def settled[T](read: Callable[[], T], rest_s: float = 5.0, tries: int = 24) -> T:
    """Return what is read as soon as it has stayed the same for a while: nothing is on its way any more.

    AssertionError where it never does.
    """
    before = read()
    for _ in range(tries):
        await asyncio.sleep(rest_s)
        now = read()
        if now == before:
            return now
        before = now
    raise AssertionError(f"it changed again within {rest_s:g} s, {tries} times")


def _said(failed: AssertionError | LookupError | None) -> str:
    return f"no {failed}" if isinstance(failed, LookupError) else str(failed or "")


async def wait_for_condition(
    cluster: Cluster,
    path: str,
    kind: str,
    *,
    status: str = "True",
    reason: str | None = None,
    timeout_s: float = 10.0,
) -> dict[str, Any]:
    """As `kubectl wait --for=condition=KIND` does, but quicker; returns the object that had it.

    `path` is the object's API path, e.g. "/apis/herder.dev/v1alpha1/namespaces/a/workerregistrations/b". The condition
    counts only when it is about the object's present generation.
    """

    def read() -> dict[str, Any]:
        found = cluster.get(path)
        assert found is not None, f"{path} does not exist"
        _check_condition(found, kind, status, reason)
        return found

    return await eventually(lambda: asyncio.to_thread(read), timeout_s)


def _check_condition(found: Mapping[str, Any], kind: str, status: str, reason: str | None) -> None:
    conditions = found.get("status", {}).get("conditions", [])
    condition = next((one for one in conditions if one["type"] == kind), None)
    assert condition is not None, f"no condition {kind} among {conditions}"
    assert condition["observedGeneration"] == found["metadata"]["generation"], f"out of date: {condition}"
    assert condition["status"] == status, condition
    assert reason in {None, condition["reason"]}, condition
