"""What a run waits for a place as: for which gateway, and how urgent it is."""

from herder.controller.known.objects import Objects, gateway_of, holder_of
from herder.controller.running.jobs import Job, job_of
from herder.controller.running.line import Rank, Turn
from herder.controller.running.runs import Run


def turn_of(objects: Objects, run: Run) -> Turn:
    """Return a run's turn: a removal is for the gateway that holds the object, any other for the declared one."""
    body, job = objects.get(run.key), job_of(run.name)
    gateway = holder_of if job is Job.REMOVAL else gateway_of
    return Turn(gateway(body) if body is not None else None, Rank.of(run.key.kind, job))
