"""Why an entry is refused, for people, with what they can do about it."""

from typing import Final

from herder.gateway.types import Worker
from herder.net.text import untrusted
from herder.workflows.owner import Owner

FOREIGN: Final = "ForeignEntry"
CONFLICT: Final = "Conflict"
OTHERS: Final = frozenset({FOREIGN, CONFLICT})
"""The reasons why an entry is left to whom it belongs."""

POD_UID_LABEL: Final = "smg.ai/pod-uid"
"""What the gateway's own pod discovery puts on the entries that it makes."""


def foreign(worker: Worker, us: Owner) -> str:
    """Say whose entry it is."""
    other = Owner.of(worker.labels)
    if other is not None:
        where = "here" if other.installation == us.installation else f"of herder installation {other.installation}"
        name = untrusted(f"{other.namespace}/{other.name} {where}")
        whose = f"the resource {name} (does another ModelGateway name the same replica?)"
    elif POD_UID_LABEL in worker.labels:
        whose = "the gateway's own pod discovery"
    else:
        whose = "somebody else"
    return (
        f"the URL is registered already, by {whose}: remove it there, "
        'or annotate this resource with herder.dev/adopt: "true" to take the entry over'
    )


def held(holder: str, what: str = "it") -> str:
    """Say that a living resource has the entry."""
    return (
        f"{holder} has {what} here, and nothing is taken over from a resource that exists: delete one of the two, or "
        "have them name gateways that share no replica"
    )


def several(listed: tuple[Worker, ...]) -> str:
    """Say that one worker is registered under several spellings of its URL."""
    spellings = untrusted(" and ".join(sorted(worker.url for worker in listed)))
    return f"the URL is registered more than once, as {spellings}: remove these entries there, and one is made anew"
