"""When a failed attempt is tried again: tenacity's stop and wait strategies behind frozen values.

A backoff answers one question, `delay(attempt, elapsed)`. The engine asks only after a failure, so tenacity's retry
loop never runs and an attempt that succeeds pays nothing.
"""

import random
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Protocol, override

import tenacity
from tenacity.stop import stop_base
from tenacity.wait import wait_base


class FailureAction(StrEnum):
    """What follows when a step has failed for good."""

    FAIL_WORKFLOW = "FailWorkflow"
    """The workflow ends: its running steps are stopped, it fails."""
    CONTINUE_NEXT_STEP = "ContinueNextStep"
    """The step stays failed, its dependents run as if it had succeeded."""
    RETRY_INDEFINITELY = "RetryIndefinitely"
    """No limit of attempts. An error that is not retryable, or a backoff that gives up, still fails the workflow."""


class _WaitShortened(wait_base):
    """Take a random share of up to `jitter` off another strategy's wait ("equal jitter" at 0.5)."""

    def __init__(self, wait: wait_base, jitter: float) -> None:
        self._wait = wait
        self._jitter = jitter

    @override
    def __call__(self, retry_state: tenacity.RetryCallState) -> float:
        return self._wait(retry_state) * random.uniform(1.0 - self._jitter, 1.0)  # noqa: S311 (spreads load, no secret)


_NO_LOOP = tenacity.Retrying()
"""tenacity's strategies look at a call's state, which wants a loop that it belongs to; ours are asked without one."""


LONGEST_DELAY_S = 3e9
"""A century. What is longer may lead to a moment that can't be written down."""


def _moment(attempt: int, elapsed: float) -> tenacity.RetryCallState:
    moment = tenacity.RetryCallState(_NO_LOOP, fn=None, args=(), kwargs={})
    moment.attempt_number = attempt
    moment.start_time = 0.0
    moment.outcome_timestamp = elapsed
    return moment


def _ask(wait: wait_base, stop: stop_base, attempt: int, elapsed: float) -> float | None:
    moment = _moment(attempt, elapsed)
    return None if stop(moment) else wait(moment)


def _not_negative(**seconds: float) -> None:
    for name, value in seconds.items():
        if not value >= 0:
            raise ValueError(f"{name} is in seconds and at least 0, not {value!r}")


class Backoff(Protocol):
    """Any object that says how long to wait; the three below, or one's own."""

    def delay(self, attempt: int, elapsed: float = 0.0) -> float | None:
        """Return the seconds until the next attempt, or None to stop retrying.

        `attempt` is the number of the attempt that just failed, from 1; `elapsed` is in seconds since the first began.
        """
        ...


@dataclass(frozen=True)
class FixedBackoff:
    """The same wait every time."""

    seconds: float

    def __post_init__(self) -> None:
        _not_negative(seconds=self.seconds)

    @cached_property
    def _wait(self) -> wait_base:
        return tenacity.wait_fixed(self.seconds)

    def delay(self, attempt: int, elapsed: float = 0.0) -> float | None:
        """Return `seconds`."""
        return _ask(self._wait, tenacity.stop_never, attempt, elapsed)


@dataclass(frozen=True)
class LinearBackoff:
    """`increment` seconds after the first attempt, twice as many after the second, and so on up to `maximum`."""

    increment: float
    maximum: float

    def __post_init__(self) -> None:
        _not_negative(increment=self.increment, maximum=self.maximum)

    @cached_property
    def _wait(self) -> wait_base:
        return tenacity.wait_incrementing(start=self.increment, increment=self.increment, max=self.maximum)

    def delay(self, attempt: int, elapsed: float = 0.0) -> float | None:
        """Return `attempt * increment`, at most `maximum`."""
        return _ask(self._wait, tenacity.stop_never, attempt, elapsed)


@dataclass(frozen=True)
class ExponentialBackoff:
    """`base` seconds after the first attempt, doubled after each further one up to `maximum`, less a random part.

    `jitter` is that part's largest share: 0 for none, 0.5 (the default) for between half and all of the wait, so that
    what failed together does not come back together. After `max_elapsed` seconds there is no further attempt.
    """

    base: float = 1.0
    maximum: float = 30.0
    jitter: float = 0.5
    max_elapsed: float | None = None

    def __post_init__(self) -> None:
        _not_negative(base=self.base, maximum=self.maximum, max_elapsed=self.max_elapsed or 0.0)
        if not 0.0 <= self.jitter <= 1.0:
            raise ValueError(f"jitter is a share between 0 and 1, not {self.jitter!r}")

    @cached_property
    def _wait(self) -> wait_base:
        return _WaitShortened(tenacity.wait_exponential(multiplier=self.base, max=self.maximum), self.jitter)

    @cached_property
    def _stop(self) -> stop_base:
        return tenacity.stop_never if self.max_elapsed is None else tenacity.stop_after_delay(self.max_elapsed)

    def delay(self, attempt: int, elapsed: float = 0.0) -> float | None:
        """Return the wait, None once `elapsed` has reached `max_elapsed`."""
        return _ask(self._wait, self._stop, attempt, elapsed)


@dataclass(frozen=True)
class RetryPolicy:
    """How often an attempt is made, and how long to wait in between. `max_attempts=None`: without limit."""

    max_attempts: int | None = 3
    backoff: Backoff = ExponentialBackoff()

    def __post_init__(self) -> None:
        if self.max_attempts is not None and self.max_attempts < 1:
            raise ValueError(f"max_attempts is at least 1, or None for no limit, not {self.max_attempts!r}")

    @cached_property
    def _stop(self) -> stop_base:
        return tenacity.stop_never if self.max_attempts is None else tenacity.stop_after_attempt(self.max_attempts)

    def next_delay(self, attempt: int, elapsed: float) -> float | None:
        """Return the seconds until the next attempt, or None when attempt number `attempt` was the last.

        Raises ValueError for a backoff longer than a century, and what the backoff raises.
        """
        if self._stop(_moment(attempt, elapsed)):
            return None
        delay_s = self.backoff.delay(attempt, elapsed)
        if delay_s is not None and not delay_s <= LONGEST_DELAY_S:
            raise ValueError(f"a backoff of {delay_s!r} seconds")
        return delay_s
