"""Standing by and leading, in turn: what acts is made for one mandate, and thrown away with it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from herder.controller.cluster.kube import Kube, patiently
from herder.controller.leadership.candidate import Candidate
from herder.controller.leadership.elector import Won
from herder.controller.leadership.mandate import Mandate
from herder.controller.leadership.standby import Standby
from herder.controller.metrics.registry import LeaderTransition, Metrics
from herder.controller.operator import Operator
from herder.controller.options import Options
from herder.controller.parts import Means
from herder.controller.running.listening import RunListener
from herder.controller.wiring import operator_of
from herder.net.address import AddressPolicy
from herder.net.http import Http
from herder.net.mcp import McpClient
from herder.net.permit import Permit

log = structlog.get_logger(__name__)

_CLOSING_S: Final = 5.0
"""What does not stop within that is stuck, and must not go on beside whoever leads next: the process ends."""


class Stuck(RuntimeError):
    """What acted did not stop."""


@dataclass(frozen=True, kw_only=True)
class Reign:
    """One process' times of leading. `api` makes the API server for those who change something with leave.

    `listeners` hear of each run beside the metrics.
    """

    options: Options
    policy: AddressPolicy
    api: Callable[[Permit], Kube]
    installation: str
    metrics: Metrics
    listeners: Sequence[RunListener]
    standby: Standby
    candidate: Candidate

    async def go_on(self) -> None:
        """Lead whenever this process may, until cancelled. Raises what the operator ended by, and Stuck."""
        self.metrics.leads(is_leader=False)
        while True:
            await self._lead(await self._win())

    async def _win(self) -> Won:
        waiting = asyncio.create_task(self.standby.wait(), name="standing by")
        won: Won | None = None
        try:
            won = await self.candidate.win()
        finally:
            waiting.cancel()
            try:
                await asyncio.wait({waiting})
            except asyncio.CancelledError:  # the Lease is this process', and nobody would lead until its time is over
                if won is not None:
                    await self.candidate.give_back(won.mandate)
                raise
        return won

    async def _lead(self, won: Won) -> None:
        mandate = won.mandate
        keeping = asyncio.create_task(self.candidate.keep(mandate), name="keeping the Lease")
        try:
            async with self._operator(mandate) as operator:
                acting = asyncio.create_task(self._act(operator, won), name="acting")
                try:
                    await asyncio.wait({acting, keeping}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    await self._stop(operator, acting)
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})
            is_kept = mandate.is_valid
            self.metrics.leadership(LeaderTransition.GIVEN_BACK if is_kept else LeaderTransition.LOST)
            await self.candidate.give_back(mandate)

    async def _act(self, operator: Operator, won: Won) -> None:
        is_current = won.vacant_since_s <= self.standby.primed_at_s
        await patiently(partial(operator.start, is_current=is_current))
        await operator.work()

    async def _stop(self, operator: Operator, acting: asyncio.Task[None]) -> None:
        """Stop what acts. Raises what it has ended by, if it has, and Stuck."""
        self.standby.heir = None
        self.metrics.leads(is_leader=False)
        ended_by = acting.exception() if acting.done() and not acting.cancelled() else None
        acting.cancel()
        try:
            async with asyncio.timeout(_CLOSING_S):
                await asyncio.wait({acting})
                await operator.close()
        except TimeoutError as error:
            raise Stuck("what acted did not stop") from error
        if ended_by is not None:
            raise ended_by

    @asynccontextmanager
    async def _operator(self, mandate: Mandate) -> AsyncIterator[Operator]:
        """Make what acts under a mandate, with connections that serve nothing else."""
        slack_s = self.options.lease.terms.slack_s if self.options.lease is not None else None
        async with (
            self.api(mandate.check) as kube,
            Http(self.policy, permit=mandate.check, delivery_s=slack_s) as http,
            Http(self.policy) as probing,
            Http(self.policy) as asking,
        ):
            means = Means(
                options=self.options,
                kube=kube,
                http=http,
                probing=probing,
                asker=McpClient(asking),
                installation=self.installation,
                mandate=mandate,
                metrics=self.metrics,
                listeners=self.listeners,
                objects=self.standby.objects,
            )
            operator = operator_of(means)
            self.standby.heir = operator.known.intake
            self.metrics.leads(is_leader=True)
            self.metrics.leadership(LeaderTransition.BEGAN)
            yield operator
