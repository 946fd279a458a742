"""When the Lease may be taken: pure.

The rule is client-go's. A Lease that its holder renews looks different each time; one that has looked the same for as
long as it was taken for is free. No moment that its holder wrote counts, only when a change was seen here: the clocks
of two machines may be hours apart. One whose holder is known to have ended is free at once.
"""

from dataclasses import dataclass
from typing import Final

JITTER: Final = 1.2
"""By how much at most a pause between two attempts is longer than the retry period."""
NOBODY: Final = ""
SOMEBODY: Final = "unknown"
"""The holder of a Lease that was put back, for it was deleted, and whoever held it may not have noticed yet."""


@dataclass(frozen=True, slots=True)
class Terms:
    """For how long the Lease is taken, how long after its last renewal its holder stops, how often it is tried.

    Raises ValueError where the holder could not stop, or not try again, in time.
    """

    lease_s: int = 15
    renew_deadline_s: float = 10.0
    retry_period_s: float = 2.0

    def __post_init__(self) -> None:
        if self.retry_period_s <= 0:
            raise ValueError("the retry period must be longer than 0 s")
        if self.renew_deadline_s <= JITTER * self.retry_period_s:
            raise ValueError(
                f"the renew deadline ({self.renew_deadline_s:g} s) must be longer than {JITTER:g} times the retry "
                f"period ({self.retry_period_s:g} s): a renewal could not be tried again"
            )
        if self.lease_s <= self.renew_deadline_s:
            raise ValueError(
                f"the lease ({self.lease_s} s) must be longer than the renew deadline ({self.renew_deadline_s:g} s): "
                "two could act at once"
            )

    @property
    def attempt_s(self) -> float:
        """How long one attempt may take, so that one whose answer is lost is not the only one."""
        return self.renew_deadline_s / 2

    @property
    def slack_s(self) -> float:
        """How long after the end of a mandate the Lease can be another's."""
        return self.lease_s - self.renew_deadline_s


@dataclass(frozen=True, slots=True)
class Lease:
    """A version of the Lease. `mark` is what is different in each renewal: compared, and never read as a time."""

    holder: str
    lease_s: float
    epoch: int
    mark: str
    version: str


@dataclass(frozen=True, slots=True)
class Sight:
    """What a contender saw last, and since when, by its own clock, it looks so. None is a Lease that does not exist."""

    lease: Lease | None
    since_s: float

    def then(self, lease: Lease | None, now_s: float) -> "Sight":
        """Return what is seen after this."""
        return Sight(lease, self.since_s if _is_same(self.lease, lease) else now_s)

    def vacant_at_s(self, me: str, lease_s: float, *, was_led: bool, ended_at_s: float | None = None) -> float:
        """Return when it may be taken, or could have been.

        A Lease that does not exist where somebody has led was deleted; whoever led then has not noticed yet.
        `ended_at_s` is when its holder was known to have ended, if it is.
        """
        lease = self.lease
        if lease is None:
            return self.since_s + (lease_s if was_led else 0.0)
        if lease.holder in {NOBODY, me}:
            return self.since_s
        waited_out_s = self.since_s + max(lease.lease_s, lease_s)
        return waited_out_s if ended_at_s is None else min(waited_out_s, max(self.since_s, ended_at_s))


def _is_same(one: Lease | None, other: Lease | None) -> bool:
    """Whether nobody has renewed, taken or given back the Lease in between."""
    if one is None or other is None:
        return one is other
    return (one.holder, one.epoch, one.mark) == (other.holder, other.epoch, other.mark)


def next_epoch(lease: Lease | None, floor: int) -> int:
    """Return the epoch of whoever takes the Lease now: higher than all before, also if a Lease was lost with its count.

    `floor` is the highest epoch that any status says.
    """
    before = lease.epoch if lease is not None else 0
    return max(before, floor) + 1
