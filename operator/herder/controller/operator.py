"""What acts: made anew each time that this process comes to lead, and gone when it does not lead any more.

    API server ─▶ kopf ─▶ Intake ─▶ Objects, WorkQueue ─▶ ModelGateways ─▶ Gateways ─▶ every replica's list ─▶ WorkQueue
                                        └─▶ Reconciler ─▶ decide ─▶ Runs ─▶ engine ─▶ StatusWriter ─▶ API server

It stops from the inside out: first no new decision, then the runs, which are recorded as far as they have come, for the
next one to go on with. Its parts are made in `wiring`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from herder.api.meta import MODEL_GATEWAY
from herder.controller.families import FAMILIES
from herder.controller.known.objects import Key
from herder.controller.leadership.mandate import Mandate
from herder.controller.mcp.desk import McpDesk
from herder.controller.metrics.registry import Metrics
from herder.controller.parts import Deciding, Fleet, Known, Telling

_HANDS: Final = 8
_RECORDING_S: Final = 3.0
"""For how long at most an operator that stops waits for the API server to take what its runs have come to."""


@dataclass(frozen=True, kw_only=True)
class Operator:
    """One operator: `start` it, let it `work`, then `close` it. What is told of objects is for its intake."""

    known: Known
    telling: Telling
    fleet: Fleet
    desk: McpDesk
    deciding: Deciding
    mandate: Mandate
    metrics: Metrics

    async def start(self, *, is_current: bool = False) -> None:
        """Have everything looked at, and know it as it is before: the first decision is made on the whole truth.

        `is_current` says that nobody who leads can have written since what is known was read. Raises KubeError.
        """
        if is_current:
            self.known.relister.trust()
        else:
            await self.known.relister.catch_up()
        for key in self.known.objects:
            self.known.queue.add(key)

    async def work(self) -> None:
        """Reconcile until cancelled."""
        handlers: dict[str, Callable[[Key], Awaitable[None]]] = {
            **dict.fromkeys(FAMILIES, self.deciding.reconciler.reconcile),
            MODEL_GATEWAY.kind: self.fleet.model_gateways.reconcile,
        }

        async def reconcile(key: Key) -> None:
            await handlers[key.kind](key)

        async with asyncio.TaskGroup() as group:
            group.create_task(self.known.queue.work(_HANDS, reconcile), name="hands")
            group.create_task(self.telling.recorder.run(), name="event recorder")
            group.create_task(self.known.relister.run(), name="relister")
            group.create_task(self.deciding.sweeper.run(), name="sweeper")
            group.create_task(self.fleet.rotation.run(), name="rotation")
            group.create_task(self.desk.files.run(), name="files of MCP servers")

    async def close(self) -> None:
        """Stop everything; while the mandate lasts, have written how far the runs have come."""
        await self.deciding.giveback.close()
        await self.deciding.former.close()
        await self.deciding.farewells.close()
        writer = self.telling.writer
        if not self.mandate.is_valid:
            await writer.close()
        await self.deciding.runs.close()
        await writer.settle(_RECORDING_S)
        await writer.close()
        await self.fleet.gateways.close()
        await self.fleet.services.close()
        await self.desk.sightings.close()
        self.metrics.stood_down()
