"""How the Lease is to be held, as the command line says it."""

from dataclasses import dataclass, field
from pathlib import Path

from herder.controller.leadership.election import Terms
from herder.controller.leadership.ending import TERMINATION_LOG


@dataclass(frozen=True, slots=True)
class LeaseOptions:
    """The Lease that operators elect their leader by. `namespace` None is the pod's own, or else `default`.

    `pod` is the name of the pod that this runs in, None for the host's. In `termination_log` the kubelet looks for the
    last words of a container that has ended.
    """

    name: str = "herder"
    namespace: str | None = None
    pod: str | None = None
    termination_log: Path = TERMINATION_LOG
    terms: Terms = field(default_factory=Terms)
