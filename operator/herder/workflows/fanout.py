"""The same on every replica at once: one that fails, hangs or is away holds up none of the others.

A replica that does not answer is left out after a few attempts as long as another one does: it gets what is declared
when it is back, and until then the status shows that it is Unreachable.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Final, Protocol

import structlog

from herder.api.status import EntryState
from herder.workflows.entry import NO_ENTRY, Entry
from herder.workflows.errors import DEFECT, UNREACHABLE, Permanent, Problem, StepFault, Transient, problem_of

log = structlog.get_logger(__name__)

_PATIENCE: Final = 3
"""Attempts that a replica without an answer is waited for while others answer."""


class Replica(Protocol):
    """Whatever stands for one replica: what is asked of it is the caller's affair."""

    @property
    def endpoint(self) -> str:
        """The replica's base URL."""
        ...


class Records(Protocol):
    """Workflow data that keeps what is known of what is registered on each replica, by endpoint."""

    @property
    def entries(self) -> dict[str, Entry]:
        """The records; they are altered in place."""
        ...

    @property
    def now(self) -> Callable[[], datetime]:
        """The clock."""
        ...


class Driven[R: Replica](Records, Protocol):
    """The data of a run that drives replicas."""

    @property
    def replicas(self) -> tuple[R, ...]:
        """All of them."""
        ...


async def on_each[R: Replica](
    replicas: Iterable[R],
    act: Callable[[R], Awaitable[None]],
    records: Records,
    *,
    patience_s: float | None = None,
) -> dict[str, Problem]:
    """Run `act` on all replicas at once and return what went wrong, by endpoint.

    A replica that gives no answer, or not within `patience_s`, is recorded as Unreachable with all else that is known
    of it, and its call is cut off. Cancelling all of it cancels what still runs and waits for that, so that nothing is
    sent afterwards.
    """
    problems: dict[str, Problem] = {}

    async def guarded(replica: R) -> None:
        problem = await _attempt(replica, act, patience_s)
        if problem is not None:
            problems[replica.endpoint] = problem
            if problem.reason == UNREACHABLE:
                _note_unreachable(records, replica.endpoint)

    async with asyncio.TaskGroup() as group:
        for replica in replicas:
            group.create_task(guarded(replica))
    return problems


async def _attempt[R: Replica](
    replica: R, act: Callable[[R], Awaitable[None]], patience_s: float | None
) -> Problem | None:
    """Return what went wrong on one replica: its trouble is a value here, whatever it is."""
    limit = asyncio.timeout(patience_s)
    try:
        async with limit:
            await act(replica)
    except Exception as error:
        if limit.expired():
            return Problem(UNREACHABLE, f"{replica.endpoint} did not answer within {patience_s:g} s", retryable=True)
        problem = problem_of(error)
        if problem.reason == DEFECT:
            log.exception("replica.defect", endpoint=replica.endpoint)
        return problem
    return None


def _note_unreachable(records: Records, endpoint: str) -> None:
    entry = records.entries.get(endpoint, NO_ENTRY)
    records.entries[endpoint] = entry.seen(EntryState.UNREACHABLE, records.now())


async def drive[R: Replica](data: Driven[R], act: Callable[[R], Awaitable[None]], attempt: int) -> None:
    """Run `act` on all replicas at once. Raises for any problem but that of a replica which is left out by now."""
    problems = await on_each(data.replicas, act, data)
    raise_unless_tolerable(problems, len(data.replicas), attempt)


async def drive_in_reach[R: Replica](data: Driven[R], act: Callable[[R], Awaitable[None]], attempt: int) -> None:
    """As `drive`, on those replicas only that are not left out already, if there are any such."""
    problems = await on_each(in_reach(data), act, data)
    raise_unless_tolerable(problems, len(data.replicas), attempt)


async def insist[R: Replica](data: Driven[R], act: Callable[[R], Awaitable[None]]) -> None:
    """Run `act` on all replicas at once. Raises for any problem: none is left out."""
    problems = await on_each(data.replicas, act, data)
    if problems:
        raise fault_of(problems)


def in_reach[R: Replica](data: Driven[R]) -> tuple[R, ...]:
    """Return the replicas that are not left out, or all if none is in reach."""
    states = {endpoint: entry.state for endpoint, entry in data.entries.items()}
    answering = tuple(r for r in data.replicas if states.get(r.endpoint) is not EntryState.UNREACHABLE)
    return answering or data.replicas


def raise_unless_tolerable(problems: Mapping[str, Problem], of: int, attempt: int) -> None:
    """Raise if any of `of` replicas has a problem, but for those out of reach once they have been waited for."""
    away = {e: p for e, p in problems.items() if p.reason == UNREACHABLE}
    others = {e: p for e, p in problems.items() if e not in away}
    if others:
        raise fault_of(others)
    if away and (len(away) == of or attempt < _PATIENCE):
        raise fault_of(away)


def fault_of(problems: Mapping[str, Problem]) -> StepFault:
    """Make one error of several replicas' problems: permanent if any is, since no retry would mend that one."""
    endpoint, worst = min(problems.items(), key=lambda item: (item[1].retryable, item[0]))
    more = f" (and {len(problems) - 1} more of the replicas)" if len(problems) > 1 else ""
    kind = Transient if worst.retryable else Permanent
    text = worst.message if endpoint in worst.message else f"{endpoint}: {worst.message}"
    return kind(worst.reason, text + more)
