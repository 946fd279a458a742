"""HTTP calls on one replica: its address and its key, a bounded number at a time, each within its deadline."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final

from herder.gateway.answers import WHERE, accepted
from herder.gateway.errors import GatewayError, Refused, Transient, Unavailable
from herder.gateway.silence import Silence
from herder.net.errors import AddressRefused, DeadlineExceeded, NetError, Redirected, TlsRefused, Unreachable
from herder.net.http import MAX_BODY_BYTES, Answer, Http
from herder.net.tls import Trust

_GIVEN_UP: Final = "GivenUp"

type Heard = Callable[[str, str, int | str, float], None]
"""Is told of each call that was sent: its method and path, what came of it, and its seconds. What came of it is the
status or, where there is none, the name of the NetError, GivenUp if nobody waited any more."""


def unheard(_method: str, _path: str, _result: int | str, _took_s: float) -> None:
    """Take no note of it."""


class Calls:
    """Sends requests to `endpoint` and to nothing else; only there does the key go.

    At most `max_calls` are under way; a call's deadline holds for waiting its turn as well, so that a replica that
    hangs fails everybody in `deadline_s` and not one after another; as long as it hangs it is asked by one call at a
    time, and the others fail at once. `heard` is told of what was sent.
    """

    def __init__(
        self,
        endpoint: str,
        http: Http,
        *,
        api_key: str | None,
        trust: Trust,
        deadline_s: float,
        max_calls: int,
        heard: Heard = unheard,
    ) -> None:
        self._heard = heard
        self._endpoint = endpoint
        self._http = http
        self.use(api_key=api_key, trust=trust)
        self._deadline_s = deadline_s
        self._slots = asyncio.Semaphore(max_calls)
        self.silence: Final = Silence(endpoint)

    def use(self, *, api_key: str | None, trust: Trust) -> None:
        """Send what is yet to be sent with other credentials."""
        # a Secret made with `echo` ends in a line break, which no key does
        self._api_key = (api_key or "").strip()
        self._trust = trust

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        secrets: Iterable[str] = (),
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> Answer:
        """Send one request and return the answer of a success. Raises GatewayError for every other outcome.

        `secrets` are what `body` holds in clear; they, and the replica's key, are blotted out of error messages.
        """
        answer = await self.exchange(method, path, body=body, max_body_bytes=max_body_bytes)
        return self.accepted(answer, secrets=secrets, path=path)

    def accepted(self, answer: Answer, *, secrets: Iterable[str] = (), path: str = "") -> Answer:
        """Return the answer of a success, as `send` does. Raises the GatewayError that any other one stands for."""
        return accepted(answer, secrets=(self._api_key, *secrets), path=path)

    async def exchange(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        max_body_bytes: int = MAX_BODY_BYTES,
        deadline_s: float | None = None,
    ) -> Answer:
        """Send one request and return the answer, whatever its status. Raises GatewayError when there is none.

        `deadline_s` is for what takes longer than the other calls.
        """
        limit_s = self._deadline_s if deadline_s is None else deadline_s
        headers = {"Authorization": f"Bearer {self._api_key}"} if self._api_key else {}
        try:
            with self.silence.asking():
                return await self._exchange(method, path, headers, body, max_body_bytes, limit_s)
        except TimeoutError:
            raise Unavailable(f"{self._endpoint} did not answer within {limit_s:g} s") from None
        except NetError as error:
            raise _gateway_error(error) from error

    async def _exchange(
        self, method: str, path: str, headers: dict[str, str], body: object, max_body_bytes: int, limit_s: float
    ) -> Answer:
        """Raises NetError, TimeoutError where the time is up."""
        limit = asyncio.timeout(limit_s)
        async with limit, self._slots:
            began_s = time.monotonic()
            result: int | str | None = None
            try:
                answer = await self._http.request(
                    method,
                    self._endpoint + path,
                    headers=headers,
                    json=body,
                    deadline_s=limit_s,
                    max_body_bytes=max_body_bytes,
                    trust=self._trust,
                )
                result = answer.status
            except NetError as error:
                result = type(error).__name__
                if isinstance(error, DeadlineExceeded):
                    raise TimeoutError from error
                raise
            finally:
                given_up = DeadlineExceeded.__name__ if limit.expired() else _GIVEN_UP
                self._heard(method, path, result or given_up, time.monotonic() - began_s)
            return answer


def _gateway_error(error: NetError) -> GatewayError:
    match error:
        case Unreachable():
            return Unavailable(str(error))
        case AddressRefused():
            return Refused(error.remedied(f"{WHERE} of the ModelGateway"))
        case TlsRefused() | Redirected():
            return Refused(str(error))
        case _:
            return Transient(str(error))
