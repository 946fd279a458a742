"""How old what is known of each kind is. That a watch is connected proves nothing; a list that tells nothing new does.

What a list shows may be newer by a moment than what the watch has told. So a list also counts as in step with what is
known once all that it showed has been heard of by the time of the next one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Listed:
    at_s: float
    versions: Mapping[str, int]

    def is_known(self, known: Mapping[str, int], there: Mapping[str, int]) -> bool:
        """Whether each object is known as it was listed, or newer, or is gone by now."""
        return all(known.get(uid, -1) >= version for uid, version in self.versions.items() if uid in there)


class Freshness:
    """When each kind was last known as it is. `clock` returns monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._fresh_at_s: dict[str, float] = {}
        self._last: dict[str, _Listed] = {}

    def primed(self, kind: str) -> None:
        """Note that all of a kind has just been taken from a list."""
        self._fresh_at_s[kind] = self._clock()

    def listed(self, kind: str, there: Mapping[str, int], known: Mapping[str, int], at_s: float) -> None:
        """Take a list that was asked for at `at_s`; both have each object's version by its uid."""
        last, this = self._last.get(kind), _Listed(at_s, there)
        self._last[kind] = this
        for each in (last, this):
            if each is not None and each.is_known(known, there):
                self._fresh_at_s[kind] = each.at_s

    @property
    def ages_s(self) -> Mapping[str, float]:
        """For how long nobody can say whether something has changed, by kind."""
        now_s = self._clock()
        return {kind: now_s - at_s for kind, at_s in self._fresh_at_s.items()}
