"""What a run is for; each kind has its own workflow for it, named `<kind>-<job>`."""

from enum import StrEnum


class Job(StrEnum):
    """The workflows of a kind; not every kind has an update."""

    REGISTRATION = "registration"
    UPDATE = "update"
    REMOVAL = "removal"


def job_of(workflow: str) -> Job | None:
    """Return what a workflow is for, by its name; None where a version that is not this one wrote it."""
    word = workflow.rpartition("-")[2]
    return Job(word) if word in Job else None
