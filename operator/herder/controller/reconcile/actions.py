"""What can be done about one resource: the answers of `decide`, which `Acts` carries out."""

from dataclasses import dataclass
from enum import StrEnum

from herder.controller.known.blocked import Blocked
from herder.controller.running.jobs import Job


@dataclass(frozen=True, slots=True)
class Nothing:
    """Leave everything as it is."""


@dataclass(frozen=True, slots=True)
class Attach:
    """Let the run in progress go on."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Put the finalizer on the object, before anything else is done for it."""


class Why(StrEnum):
    """Why the object may go, for people."""

    REMOVED = "it is off every replica"
    UNTOUCHED = "it was never registered"
    LEFT = "what is registered is left as it is"
    OBSERVED = (
        "its gateway is only observed: what is registered stays for as long as that is so, and counts as forgotten then"
    )
    FORCED = "spec.drain.timeoutSeconds are over: a replica that does not answer may still list it"


@dataclass(frozen=True, slots=True)
class Release:
    """Stop what runs and take the finalizer off the object."""

    why: Why


@dataclass(frozen=True, slots=True)
class Begin:
    """Start a run, or go on with the one that another process left."""

    job: Job
    resumes: bool = False


@dataclass(frozen=True, slots=True)
class Abandon:
    """Stop what runs, and leave what is registered elsewhere to itself, to be registered where it is declared."""

    why: Why


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop the run in progress, keep what it found out and did, and decide anew on that."""


@dataclass(frozen=True, slots=True)
class Block:
    """Stop what runs and say what is missing."""

    blocked: Blocked


@dataclass(frozen=True, slots=True)
class Suspend:
    """Stop what runs and say that nothing is done."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop what runs, say so, and remember the token."""


@dataclass(frozen=True, slots=True)
class Settle:
    """No run is needed or possible: show what is observed, or keep saying why the last run failed."""

    keeps_failure: bool = False


type Action = Nothing | Attach | Hold | Release | Begin | Abandon | Stop | Block | Suspend | Cancel | Settle
