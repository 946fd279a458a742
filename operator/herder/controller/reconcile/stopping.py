"""Stopping what runs for an object, so that its status goes on from what the run knew."""

from collections.abc import Callable
from functools import partial

import structlog

from herder.controller.known.objects import Body
from herder.controller.known.subject import status_of
from herder.controller.running.runs import Runs
from herder.controller.status import project

log = structlog.get_logger(__name__)

type Base = Callable[[Body], project.Status]
"""Returns the status to go on from, given the object as it is."""


async def stopped(runs: Runs, uid: str) -> Base:
    """Stop the object's run in progress, if there is one, and return the status as it leaves it."""
    run = runs.get(uid)
    if run is None:
        return status_of
    await runs.stop(run)
    log.info("run.stopped", key=str(run.key), instance=run.state.instance_id)
    return partial(run.left_as, run)
