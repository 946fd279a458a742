"""What the conditions say where neither a run nor a replica's list has a say: pure.

`of_runs` and `of_lists` have the wording of the rest.
"""

from herder.api.conditions import (
    Claim,
    ReadyReason,
    ReconcilingReason,
    StalledReason,
    Truth,
    ready,
    reconciling,
    stalled,
)

type Claims = tuple[Claim, ...]


def registering(text: str) -> Claims:
    """A registration is about to begin."""
    return (
        ready(Truth.FALSE, ReadyReason.REGISTERING, text),
        reconciling(ReconcilingReason.PROGRESSING, text),
    )


def suspended(beside: str = "") -> Claims:
    """Nothing is done about the resource; `beside` says how it stands, and what waits."""
    text = f"spec.suspend is true: nothing but a deletion is done until it is false, not even repair{beside}"
    return (ready(Truth.FALSE, ReadyReason.SUSPENDED, text),)


def blocked(reason: ReadyReason, text: str) -> Claims:
    """Something that the resource refers to, or the resource itself, is not as it must be; or a replica is away."""
    if reason is ReadyReason.GATEWAY_UNREACHABLE:
        return ready(Truth.UNKNOWN, reason, text), reconciling(ReconcilingReason.PROGRESSING_WITH_RETRY, text)
    return (ready(Truth.FALSE, reason, text), stalled(StalledReason(reason.value), text))
