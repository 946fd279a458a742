"""Tells the two kinds of CancelledError apart."""

import asyncio


def is_cancelled() -> bool:
    """Whether somebody cancelled the running task, rather than something that it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
