"""The API server over connections that stay open: tests that await a condition ask it twenty times a second."""

import atexit
import http.client
import json
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_TIMEOUT_S = 60.0


class ApiError(OSError):
    """The API server answered with another status than 2xx; `status` is that."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class ApiClient:
    """JSON calls as one user, from any thread. Connections that nobody uses are kept until the process ends."""

    def __init__(self, server: str, token: str, ca_file: Path) -> None:
        self._address = urlsplit(server).netloc
        self._token = token
        self._tls = ssl.create_default_context(cafile=str(ca_file))
        self._idle: list[http.client.HTTPSConnection] = []
        atexit.register(self.close)

    def call(
        self, method: str, path: str, body: dict[str, Any] | None = None, content_type: str = "application/json"
    ) -> dict[str, Any]:
        """Make one call and return the answer. Raises ApiError, or another OSError where there is none."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": content_type}
        sent = None if body is None else json.dumps(body).encode()
        status, answer = self._exchange(method, path, sent, headers)
        if status >= http.client.MULTIPLE_CHOICES:
            raise ApiError(status, answer.decode(errors="replace"))
        found: dict[str, Any] = json.loads(answer)
        return found

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            self._idle.pop().close()

    def _exchange(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        if self._idle:
            kept = self._idle.pop()
            try:
                return self._try(kept, method, path, body, headers)
            except (OSError, http.client.HTTPException):  # closed meanwhile, or the API server was restarted
                self.close()
        fresh = http.client.HTTPSConnection(self._address, timeout=_TIMEOUT_S, context=self._tls)
        try:
            return self._try(fresh, method, path, body, headers)
        except http.client.HTTPException as error:
            raise OSError(f"no answer: {type(error).__name__}") from error

    def _try(
        self,
        connection: http.client.HTTPSConnection,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
    ) -> tuple[int, bytes]:
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            answer = response.status, response.read()
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return answer
