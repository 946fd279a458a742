"""How long a backoff waits, and when it gives up."""

from typing import Any

import pytest
import tenacity

from herder.engine import Backoff, ExponentialBackoff, FixedBackoff, LinearBackoff, RetryPolicy


@pytest.mark.parametrize(
    ("backoff", "delays"),
    [
        pytest.param(FixedBackoff(2.5), [2.5, 2.5, 2.5], id="fixed"),
        pytest.param(FixedBackoff(0), [0, 0, 0], id="none"),
        pytest.param(LinearBackoff(2.0, 5.0), [2.0, 4.0, 5.0, 5.0], id="linear"),
        pytest.param(ExponentialBackoff(jitter=0), [1, 2, 4, 8, 16, 30, 30], id="exponential"),
        pytest.param(ExponentialBackoff(0.1, 0.3, jitter=0), [0.1, 0.2, 0.3, 0.3], id="small exponential"),
    ],
)
def test_delays_grow_up_to_their_maximum(backoff: Backoff, delays: list[float]) -> None:
    assert [backoff.delay(attempt) for attempt in range(1, len(delays) + 1)] == pytest.approx(delays)


@pytest.mark.parametrize("attempt", [1, 2, 10, 10_000])
def test_jitter_only_shortens_a_delay(attempt: int) -> None:
    whole = ExponentialBackoff(jitter=0).delay(attempt)
    delays = [ExponentialBackoff(jitter=0.5).delay(attempt) for _ in range(50)]

    assert whole is not None
    assert all(delay is not None and whole / 2 <= delay <= whole for delay in delays)
    assert len(set(delays)) > 1


@pytest.mark.parametrize(("elapsed", "gives_up"), [(0.0, False), (9.9, False), (10.0, True), (3600.0, True)], ids=str)
def test_an_exponential_backoff_gives_up_once_its_time_is_over(elapsed: float, gives_up: bool) -> None:
    assert (ExponentialBackoff(max_elapsed=10.0).delay(1, elapsed) is None) is gives_up


@pytest.mark.parametrize(
    ("max_attempts", "attempt", "gives_up"),
    [(1, 1, True), (3, 2, False), (3, 3, True), (None, 1_000_000, False)],
    ids=str,
)
def test_a_policy_gives_up_after_its_last_attempt(max_attempts: int | None, attempt: int, gives_up: bool) -> None:
    policy = RetryPolicy(max_attempts, FixedBackoff(1.0))

    assert (policy.next_delay(attempt, 0.0) is None) is gives_up


def test_the_default_is_three_attempts_with_exponential_backoff() -> None:
    assert RetryPolicy() == RetryPolicy(3, ExponentialBackoff(1.0, 30.0, 0.5, None))


@pytest.mark.parametrize(
    "make",
    [
        lambda: FixedBackoff(-1),
        lambda: LinearBackoff(-1, 5),
        lambda: LinearBackoff(1, float("nan")),
        lambda: ExponentialBackoff(base=-1),
        lambda: ExponentialBackoff(max_elapsed=-1),
        lambda: ExponentialBackoff(jitter=1.5),
        lambda: RetryPolicy(max_attempts=0),
    ],
)
def test_figures_that_make_no_sense_are_refused(make: Any) -> None:
    with pytest.raises(ValueError, match=r"at least|between"):
        make()


def test_the_strategies_are_those_of_tenacity(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Spy(tenacity.wait_fixed):
        def __call__(self, retry_state: tenacity.RetryCallState) -> float:
            asked.append(retry_state.attempt_number)
            return super().__call__(retry_state)

    monkeypatch.setattr(tenacity, "wait_fixed", Spy)

    FixedBackoff(1.0).delay(7)

    assert asked == [7]
