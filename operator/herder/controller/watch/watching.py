"""Having kopf watch, and stopping it after everything else."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import kopf

from herder.controller.watch.handlers import watched_settings


@asynccontextmanager
async def watching(
    registry: kopf.OperatorRegistry, namespaces: tuple[str, ...], health: str | None, begun: Callable[[], None]
) -> AsyncIterator[asyncio.Task[None]]:
    """Have kopf watch within the block; the task ends before it only if the watching does.

    `health` is the URL that /healthz is served on. `begun` is called once kopf has set up what it does about signals.
    """
    stop = asyncio.Event()
    existing = asyncio.all_tasks()

    async def watch() -> None:
        tasks = await kopf.spawn_tasks(
            registry=registry,
            settings=watched_settings(),
            standalone=True,
            identity=cast("Any", "herder"),  # else kopf asks for the user's name, and a pod's uid need not have one
            clusterwide=not namespaces,
            namespaces=namespaces,
            liveness_endpoint=health,
            stop_flag=stop,
        )
        begun()
        await kopf.run_tasks(tasks, ignored=existing)

    task = asyncio.create_task(watch(), name="watching")
    existing.add(task)
    try:
        yield task
    finally:
        stop.set()
        await asyncio.wait({task})
