"""What one replica was told to remove, and when it was seen gone: the memory behind two rules of the gateway.

A second DELETE for a worker that drains cuts its drain short; and a worker posted again within about two seconds of its
removal loses its job's status to the removal's, so that it reads as absent while it registers. Both measured on smg
1.13.0, where 2.5 s after the 404 was safe and 0 s was not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

QUIET_AFTER_GONE_S: Final = 2.5
# An accepted DELETE shows as `draining` within a second, also among a thousand; one that does not show was lost.
LOST_AFTER_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class _Sent:
    entry: str
    at_s: float


class Removals:
    """Keyed by worker key (the normalised URL that was declared); freed as removals end and quiet times pass.

    `clock` returns monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._sent: dict[str, dict[str, _Sent]] = {}  # key -> worker id -> what was sent
        self._keys: dict[str, str] = {}  # worker id -> key, for every id in _sent
        self._gone_at_s: dict[str, float] = {}  # key -> when; the oldest first

    def began(self, key: str, worker_id: str, entry: str) -> None:
        """Note that a DELETE for `worker_id` is about to be sent; `entry` is the URL it is registered under."""
        self._sent.setdefault(key, {})[worker_id] = _Sent(entry, self._clock())
        self._keys[worker_id] = key

    def withdrawn(self, worker_id: str) -> None:
        """Note that the replica did not accept that DELETE."""
        key = self._keys.pop(worker_id, None)
        if key is not None:
            del self._sent[key][worker_id]
            if not self._sent[key]:
                del self._sent[key]

    def is_under_way(self, key: str, entry: str) -> bool:
        """Whether a DELETE for `entry` was sent so recently that the replica need not show it yet.

        By URL, not by id: `http://h` and `http://h/` are two entries, and a DELETE of either removes both.
        """
        oldest_s = self._clock() - LOST_AFTER_S
        return any(sent.entry == entry and sent.at_s > oldest_s for sent in self._sent.get(key, {}).values())

    def unconfirmed(self, key: str) -> tuple[str, ...]:
        """Return the ids of `key` that a DELETE was sent for and that were not seen gone."""
        return tuple(self._sent.get(key, ()))

    def unconfirmed_ids(self) -> frozenset[str]:
        """Return all ids that a DELETE was sent for and that were not seen gone."""
        return frozenset(self._keys)

    def saw_missing(self, worker_id: str) -> None:
        """Note that the replica knows no `worker_id` any more; nothing to note unless a DELETE was sent for it."""
        key = self._keys.get(worker_id)
        if key is not None:
            self.withdrawn(worker_id)
            self.saw_gone(key)

    def saw_gone(self, key: str) -> None:
        """Note that an entry of `key` is gone as of now."""
        self._gone_at_s.pop(key, None)
        self._gone_at_s[key] = self._clock()
        while self.quiet_left_s(oldest := next(iter(self._gone_at_s))) <= 0:
            del self._gone_at_s[oldest]

    def quiet_left_s(self, key: str) -> float:
        """Return for how many seconds yet `key` must not be posted; zero or less when it may be."""
        gone_at_s = self._gone_at_s.get(key)
        return 0.0 if gone_at_s is None else gone_at_s + QUIET_AFTER_GONE_S - self._clock()
