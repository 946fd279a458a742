"""What a run is for; each kind has its own workflow for it, named `<kind>-<job>`."""

from enum import StrEnum
from typing import Final


class Job(StrEnum):
    """The workflows of a kind; not every kind has an update."""

    REGISTRATION = "registration"
    UPDATE = "update"
    REMOVAL = "removal"


_MOVE: Final = "move"
"""The registration of what has been registered under another key, too."""


def job_of(workflow: str) -> Job | None:
    """Return what a workflow is for, by its name; None where a version that is not this one wrote it."""
    word = workflow.rpartition("-")[2]
    if word == _MOVE:
        return Job.REGISTRATION
    return Job(word) if word in Job else None
