"""What one replica offers to clients: the ids of GET /v1/models.

Measured on smg 1.13.0: a local worker's models are on it from the moment that the worker is listed until it is off the
list again, also while it is sick or draining; each rank of a data-parallel worker has the same ones. The models of an
external provider are on it only for a client whose own credentials that provider takes. With nothing to offer the
answer is 503. No key is asked for.
"""

from typing import Final

from pydantic import BaseModel

from herder.gateway.answers import accepted, is_of_code, parsed
from herder.gateway.calls import Calls
from herder.gateway.errors import Unavailable
from herder.gateway.shared_read import SharedRead

MAX_OFFER_BYTES: Final = 16 << 20


class _Model(BaseModel):
    id: str


class _Offer(BaseModel):
    data: tuple[_Model, ...]


class Offers:
    """Reads the models that the replica that `calls` goes to offers."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self.ids: Final = SharedRead(self._read, fails_all_with=Unavailable)
        """Call it to get them as of a moment after the call; raises GatewayError. Callers share one read."""

    async def _read(self) -> frozenset[str]:
        answer = await self._calls.exchange("GET", "/v1/models", max_body_bytes=MAX_OFFER_BYTES)
        if is_of_code(answer, "no_models_available"):
            return frozenset()
        return frozenset(model.id for model in parsed(_Offer, accepted(answer)).data)
