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

from herder.api.meta import RETRY_ANNOTATION
from herder.engine import StepTimeoutError
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


UNREACHABLE: Final = "GatewayUnreachable"
ADDRESS_REFUSED: Final = "AddressRefused"
DEFECT: Final = "InternalError"
AGAIN: Final = f"set the annotation {RETRY_ANNOTATION} to a new value"
"""What it takes where herder learns nothing of what has been mended."""


@dataclass(frozen=True, slots=True)
class _Row:
    """How an error of another room is shown; `remedy` is added to its own text, which names what went wrong."""

    kind: type[Exception]
    reason: str
    retryable: bool
    remedy: str = ""


# The first row that fits wins, so a subclass stands above its base.
_KNOWN: Final = (
    _Row(gateway.StillPending, "WorkerPending", True),
    _Row(gateway.Unavailable, UNREACHABLE, True),
    _Row(gateway.Busy, "Applying", True),
    _Row(
        gateway.FileUnreadable,
        "FileUnreadable",
        True,
        ": put the file that spec.source.path names on that replica's disk",
    ),
    _Row(gateway.Transient, "GatewayError", True),
    _Row(
        gateway.Unauthorized,
        "GatewayRefuses",
        False,
        ": correct the key in the Secret that spec.auth.apiKeySecretRef of the ModelGateway names, or name one there",
    ),
    _Row(gateway.WasmDisabled, "WasmDisabled", False),
    _Row(gateway.NotAComponent, "NotAComponent", False),
    _Row(gateway.Permanent, "GatewayRefused", False),
    _Row(gateway.Draining, "Draining", True),
    _Row(gateway.DuplicateModule, "DuplicateModule", True),
    _Row(gateway.Conflict, "GatewayConflict", True),
    _Row(gateway.Gone, "WorkerGone", True),
    _Row(net.NotTls, "BadAnswer", False, ": if that is meant, begin spec.url with http:// or grpc://"),
    _Row(net.TlsRefused, "TlsRefused", False),
    _Row(net.NotHttp, "BadAnswer", True, ": if it speaks TLS or gRPC, begin spec.url with https:// or grpc://"),
    _Row(net.NotGrpc, "BadAnswer", True, ": if it speaks HTTP or TLS, begin spec.url with http:// or grpcs://"),
    _Row(net.NetError, "WorkerUnreachable", True),
    _Row(StepTimeoutError, "StepTimeout", True),
)


def problem_of(error: Exception) -> Problem:
    """Describe any error that an attempt can raise.

    An error that nobody foresaw is a defect of ours: it is retried, and its text, which could hold anything, stays in
    the log.
    """
    if isinstance(error, StepFault):
        return Problem(error.reason, str(error), isinstance(error, Transient))
    if isinstance(error, net.AddressRefused):
        return Problem(ADDRESS_REFUSED, error.remedied("spec.url", then=f" and {AGAIN}"), retryable=False)
    for row in _KNOWN:
        if isinstance(error, row.kind):
            return Problem(row.reason, str(error) + row.remedy, row.retryable)
    return Problem(DEFECT, f"{type(error).__name__} in herder itself; its log has the details", retryable=True)
