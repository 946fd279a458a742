"""Why nothing can be done for a resource, or for a gateway."""

from dataclasses import dataclass

from herder.api.conditions import ReadyReason


@dataclass(frozen=True, slots=True)
class Blocked:
    """What Ready says of it."""

    reason: ReadyReason
    message: str
