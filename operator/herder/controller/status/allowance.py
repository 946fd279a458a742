"""How many of something may happen at once and in the long run."""

from collections.abc import Callable


class Allowance:
    """`burst` at once, and `per_s` a second after that; `clock` returns monotonic seconds."""

    def __init__(self, burst: int, per_s: float, clock: Callable[[], float]) -> None:
        self._burst = float(burst)
        self._per_s = per_s
        self._clock = clock
        self._left = self._burst
        self._at_s = clock()

    def take(self) -> bool:
        """Whether it may happen once more now; if so, it counts."""
        now_s = self._clock()
        self._left = min(self._burst, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
