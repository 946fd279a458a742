"""Why an attempt of a step failed; the type says whether another one may succeed.

    StepFault
    ├── Transient       the step's retry policy decides how often it is tried again
    │   └── Waiting     nothing is wrong: something that takes its time has not happened yet
    └── Permanent       a person or a changed input must mend it: the run ends

Errors of the rooms below are told apart here too, in one place, so that a step may simply let them pass.
A `Problem` is what a status shows of an error: a CamelCase reason and one line that a person can act on.
"""

from dataclasses import dataclass
from typing import Final

from herder.gateway import errors as gateway
from herder.net import errors as net


class StepFault(Exception):
    """An attempt that failed for a reason that the step itself knows; `reason` is one CamelCase word."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Transient(StepFault):
    """Another attempt may succeed."""


class Waiting(Transient):
    """Something that was begun, here or elsewhere, has not ended yet."""


class Permanent(StepFault):
    """No attempt will succeed until an input changes."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is shown of an error. `message` is one printable line and never holds a secret."""

    reason: str
    message: str
    retryable: bool


# The first row that fits wins, so a subclass stands above its base.
_KNOWN: Final[tuple[tuple[type[Exception], str, bool], ...]] = (
    (gateway.StillPending, "WorkerPending", True),
    (gateway.Unavailable, "GatewayUnreachable", True),
    (gateway.Transient, "GatewayError", True),
    (gateway.Unauthorized, "GatewayUnauthorized", False),
    (gateway.Permanent, "GatewayRefused", False),
    (gateway.Conflict, "GatewayConflict", True),
    (gateway.Gone, "WorkerGone", True),
    (net.AddressRefused, "AddressRefused", False),
    (net.TlsRefused, "TlsRefused", False),
    (net.NetError, "WorkerUnreachable", True),
)


def problem_of(error: Exception) -> Problem:
    """Describe any error that an attempt can raise.

    An error that nobody foresaw is a defect of ours: it is retried, and its text, which could hold anything, stays in
    the log.
    """
    if isinstance(error, StepFault):
        return Problem(error.reason, str(error), isinstance(error, Transient))
    for kind, reason, retryable in _KNOWN:
        if isinstance(error, kind):
            return Problem(reason, str(error), retryable)
    return Problem("InternalError", f"{type(error).__name__} in herder itself; its log has the details", retryable=True)
