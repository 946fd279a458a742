"""One replica of a gateway: its registries, how it is called, and what it says of itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from pydantic import BaseModel

from herder.gateway.answers import accepted, parsed
from herder.gateway.calls import Calls, Heard, unheard
from herder.gateway.offers import Offers
from herder.gateway.tokenizers import TokenizerRegistry
from herder.gateway.types import Readiness
from herder.gateway.wasm import WasmRegistry
from herder.gateway.workers import WorkerRegistry
from herder.net.http import Http
from herder.net.text import untrusted
from herder.net.tls import SYSTEM_TRUST, Trust
from herder.net.urls import HTTP_SCHEMES, normalise_url

_NOT_READY: Final = 503


class _ReadinessBody(BaseModel):
    status: str
    reason: str = ""


class Replica(WorkerRegistry):
    """The gateway replica at `endpoint` (http or https; raises InvalidUrl for anything else): its workers and the rest.

    Every method raises GatewayError as errors.py draws it. A call on the wire takes at most `call_deadline_s`, waiting
    for one of `max_calls` slots included. `heard` is told of each call; `clock` returns monotonic seconds.
    """

    def __init__(  # noqa: PLR0913  (all but two are as they are for nearly everybody)
        self,
        endpoint: str,
        http: Http,
        *,
        api_key: str | None = None,
        trust: Trust = SYSTEM_TRUST,
        call_deadline_s: float = 10.0,
        max_calls: int = 16,
        heard: Heard = unheard,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.endpoint: Final = normalise_url(endpoint, HTTP_SCHEMES)
        calls = Calls(
            self.endpoint,
            http,
            api_key=api_key,
            trust=trust,
            deadline_s=call_deadline_s,
            max_calls=max_calls,
            heard=heard,
        )
        super().__init__(calls, clock=clock, sleep=sleep)
        self.tokenizers: Final = TokenizerRegistry(calls)
        self.wasm: Final = WasmRegistry(calls)
        self._offers = Offers(calls)

    def use(self, *, api_key: str | None, trust: Trust) -> None:
        """Call with other credentials from now on; what the replica was told to remove stays remembered."""
        self._calls.use(api_key=api_key, trust=trust)

    async def readiness(self) -> Readiness:
        """Return the replica's own verdict; one without a ready worker says that it is not ready."""
        answer = await self._calls.exchange("GET", "/readiness")
        if answer.status != _NOT_READY:
            accepted(answer)
        body = parsed(_ReadinessBody, answer)
        return Readiness(ready=body.status == "ready", reason=untrusted(body.reason))

    async def list_model_ids(self) -> frozenset[str]:
        """Return what the replica offers to clients, as of a moment after this call: see `offers`."""
        return await self._offers.ids()
