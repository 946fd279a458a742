"""What is said within the messages of several conditions."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

_SECONDS_UP_TO: Final = 120.0
"""How long a time is told in seconds, not in minutes."""


def let_go(deadline: datetime | None, field: str, *, is_deleting: bool) -> str:
    """What is said of a removal that a replica holds up: when it is given up, or what it takes to end it.

    `field` is that of the spec which says how it is removed.
    """
    if deadline is None:
        return (
            f"; with {field}.onTimeout: Keep it is waited for: set that to Force, or delete the ModelGateway, to let go"
        )
    end = "the resource goes" if is_deleting else "it is left there"
    return f"; at {deadline:%H:%M:%SZ} {end} all the same, as {field}.onTimeout: Force says"


def stays(keys: Iterable[str]) -> str:
    """What is said of the former keys that a resource has beside the declared one; empty where it has none."""
    former = ", ".join(sorted(keys))
    return f"; {former}, as it was before, stays registered meanwhile" if former else ""


def unlooked_at(endpoints: Iterable[str]) -> str:
    """What is said of the entries of a resource whose gateway is gone; empty where it had none."""
    left = ", ".join(sorted(endpoints))
    if not left:
        return ""
    kept = f"; what is registered on {left} stays there, and may still be routed to"
    return f"{kept}: REGISTERED counts nothing, for nobody looks any more"


def tried(attempts: int, began_at: datetime | None, ended_at: datetime | None) -> str:
    """What is said of a step that was given up: how often it was tried, and for how long; empty of a single attempt."""
    if attempts <= 1:
        return ""
    within = f" within {_span((ended_at - began_at).total_seconds())}" if began_at and ended_at else ""
    return f" after {attempts} attempts{within}"


def _span(seconds: float) -> str:
    return f"{max(1.0, seconds):.0f} s" if seconds < _SECONDS_UP_TO else f"{seconds / 60:.0f} minutes"
