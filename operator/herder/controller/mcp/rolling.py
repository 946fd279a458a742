"""Having a gateway's replicas read its file anew: their Deployment is rolled, once for all changes of a moment."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from herder.controller.cluster.errors import Conflicted, NotFound
from herder.controller.cluster.kube import Kube
from herder.controller.known.objects import Body, Key
from herder.controller.mcp import rollout
from herder.workflows.errors import Waiting

log = structlog.get_logger(__name__)

_QUIET_S: Final = 2.0
"""How long the file must have been left alone before the replicas are rolled for it."""
_LONGEST_UNREST_S: Final = 20.0
"""How long a rollout waits at most for changes to come to an end."""
_WATCHED_S: Final = 5.0
"""How long one attempt looks on while replicas are rolled."""
_POLL_S: Final = 1.0

type ReadHash = Callable[[], Awaitable[str | None]]
"""Reads the file anew and returns what tells this version of it from others, None where there is none of herder's."""


class Roller:
    """Rolls the Deployment of one gateway. `clock` gives monotonic seconds.

    Its methods raise KubeError, and Waiting where there is no such Deployment.
    """

    def __init__(
        self,
        kube: Kube,
        gateway: Key,
        read_hash: ReadHash,
        clock: Callable[[], float],
    ) -> None:
        self._kube = kube
        self._gateway = gateway
        self._read_hash = read_hash
        self._clock = clock
        self._changed_at_s = float("-inf")

    def changed(self) -> None:
        """Note that the file has just been changed."""
        self._changed_at_s = self._clock()

    async def roll(self, name: str) -> None:
        """Return once the Deployment's replicas run on the file as it is now. Raises Waiting while they are rolled."""
        await self._await_quiet()
        until_s = self._clock() + _WATCHED_S
        while (waits_for := await self._tell(name)) is not None:
            if self._clock() >= until_s:
                raise Waiting("RollingOut", f"Deployment {name} is rolled for the new file: {waits_for}")
            await asyncio.sleep(_POLL_S)

    async def waits_for(self, name: str, config_hash: str, *, may_tell: bool) -> str | None:
        """Return what a rollout for this version of the file waits for; None if there is nothing.

        Where the replicas were told of an earlier version, and nobody has told them of this one since it came to rest,
        they are told now: after a removal that was given up, or a repair, there is no run that would.
        """
        deployment = await self._deployment(name)
        if rollout.is_told(deployment, config_hash):
            return rollout.waits_for(deployment)
        is_at_rest = self._clock() >= self._changed_at_s + _QUIET_S
        if rollout.was_told(deployment) and is_at_rest and may_tell:
            return await self._tell(name)
        return "it has not been told of the new file yet"

    async def _await_quiet(self) -> None:
        """Wait until the file has been left alone for a moment: what changes together is rolled out together."""
        until_s = self._clock() + _LONGEST_UNREST_S
        while (left_s := min(self._changed_at_s + _QUIET_S, until_s) - self._clock()) > 0:  # noqa: ASYNC110  (it waits for a time)
            await asyncio.sleep(left_s)

    async def _tell(self, name: str) -> str | None:
        """Have a Deployment rolled if it was not told of this version of the file; return what is waited for then."""
        config_hash = await self._read_hash()
        if config_hash is None:
            return None
        deployment = await self._deployment(name)
        if rollout.is_told(deployment, config_hash):
            return rollout.waits_for(deployment)
        path = rollout.path_of(self._gateway.namespace, name)
        try:
            await self._kube.merge_patch(path, rollout.telling(deployment, config_hash))
        except Conflicted:
            return "somebody else changes it at the same moment"
        log.info("file.rolled", gateway=str(self._gateway), deployment=name)
        return "its controller has not begun yet"

    async def _deployment(self, name: str) -> Body:
        try:
            return await self._kube.get(rollout.path_of(self._gateway.namespace, name))
        except NotFound:
            text = f"Deployment {name} does not exist: create it, or correct spec.mcp.rollout of the ModelGateway"
            raise Waiting("DeploymentNotFound", text) from None
