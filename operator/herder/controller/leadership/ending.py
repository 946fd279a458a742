"""Proof that a holder has ended: pure, but for the one line that each process leaves behind.

A Lease says for how long its holder may act, not whether it lives; so it is waited out, unless the holder is known to
be dead. The one who knows is the kubelet of the holder's node. Each process writes the name that it contends under,
which no other process ever has, into its container's termination log before it contends. The kubelet reads that file
when the container has ended, and no sooner, and shows it as the message of the container's terminated state.

So a pod that shows a holder's name there says that this very process has ended, and can't send anything any more. No
clock is asked: not that of the holder's node, which may jump between two runs of a container, nor anybody else's.

All else is no proof, and the Lease is waited out. A pod that is gone may have been deleted by force while its
containers go on; one that Failed may be on a node that nobody hears of; the terminated state of a container that the
kubelet did not see end (ContainerStatusUnknown) bears no word of it; and another pod, or another run of the container,
has another name to show. A container that runs again shows its last run as its last state.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

TERMINATION_LOG: Final = Path("/dev/termination-log")
"""Where a container's terminationMessagePath is unless its pod says otherwise."""

_SEPARATOR: Final = "_"
"""It is in no pod's name."""
_POD: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


def holder_name(pod: str, process: str) -> str:
    """Return the name that a process contends under: its pod's, and one that no other process has."""
    return f"{pod}{_SEPARATOR}{process}"


def pod_of(holder: str) -> str | None:
    """Return the pod that a holder says it is in; None for what can't be a pod's name, whoever wrote it."""
    pod, _, _ = holder.rpartition(_SEPARATOR)
    return pod if _POD.fullmatch(pod) else None


def leave_behind(name: str, log: Path) -> bool:
    """Write `name` into the termination log; False where there is none, or none that may be written.

    It is never made: outside of a container nobody would read it.
    """
    with suppress(OSError):
        descriptor = os.open(log, os.O_WRONLY | os.O_TRUNC)
        with os.fdopen(descriptor, "w") as file:
            file.write(name)
        return True
    return False


def has_ended(holder: str, pod: Mapping[str, Any]) -> bool:
    """Whether the kubelet says, in the Pod `pod`, that the process which contended as `holder` has ended."""
    return bool(holder) and holder in _last_words(pod)


def _last_words(pod: Mapping[str, Any]) -> Iterator[object]:
    for container in (pod.get("status") or {}).get("containerStatuses") or ():
        for state in ("state", "lastState"):
            terminated = (container.get(state) or {}).get("terminated") or {}
            yield terminated.get("message", "")
