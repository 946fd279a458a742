"""Reads a replica's answers: a promised body, or the error that its status and code stand for.

The only file that knows status codes. A 404 counts as Gone only when the gateway itself says that it knows no such
entry: a proxy's error page, or a server that is no gateway, must not pass for a proof of removal.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from pydantic import BaseModel, ValidationError

from herder.gateway.errors import (
    AlreadyExists,
    Conflict,
    CreateInProgress,
    GatewayError,
    Gone,
    Permanent,
    Transient,
    Unauthorized,
)
from herder.net.http import Answer
from herder.net.text import untrusted

# There is no field for the id, only this text, the same for both codes (measured on smg 1.13.0).
_ID_IN_TEXT: Final = re.compile(r"with ID ([0-9a-fA-F-]{36})\b")
_UNKNOWN_TOKENIZER: Final = re.compile("Tokenizer '.*' not found")
"""The words of a 404, which has the code `not_found` or none (measured on smg 1.13.0)."""
_SAYS_NOTHING: Final = re.compile(r"(404:? ?)?not found\W?", re.IGNORECASE)
"""The words of a 404 that are no more than its number."""
WHERE: Final = "spec.endpoints (or spec.service)"
"""What leads to a ModelGateway's replicas; whoever knows which of the two it has names that alone."""
_ANOTHER_SERVER: Final = f": is it an smg? if that stays so, correct {WHERE} of the ModelGateway"
JOB_PREAMBLE: Final = re.compile(r"^Workflow failed at step (?P<step>\w+): Step failed: \w+ - ")
"""What the gateway puts before the reason of a job that failed (measured on smg 1.13.0)."""
_SERVER_ERRORS: Final = 500
_CLIENT_ERRORS: Final = 400


@dataclass(frozen=True, slots=True)
class _Complaint:
    """What an error answer says; `text` is the gateway's own and as long as it likes, `entry_id` what is in the way."""

    status: int
    code: str
    text: str
    entry_id: str | None = None

    @property
    def is_of_another_server(self) -> bool:
        """Whether the path itself is unknown: there is no gateway at the URL, or its API is below another path."""
        return self.status == HTTPStatus.NOT_FOUND and not self.is_of_unknown_entry

    @property
    def is_of_unknown_entry(self) -> bool:
        return self.code == "WORKER_NOT_FOUND" or _UNKNOWN_TOKENIZER.match(self.text) is not None

    def line(self, secrets: Iterable[str], path: str) -> str:
        """Return what is shown. A 404 of another server says at which path, and its text unless that says no more."""
        said = untrusted(f"{self.code}: {self.text}" if self.code else self.text, secrets=secrets)
        what = f"the gateway answered {self.status}"
        if self.is_of_another_server:
            what += f" at {untrusted(path)}" if path else ""
            return what + (f" ({said})" if said and not _SAYS_NOTHING.fullmatch(said) else "") + _ANOTHER_SERVER
        return what + (f": {said}" if said else "")


def parsed[T: BaseModel](model: type[T], answer: Answer) -> T:
    """Return the body of a successful answer. Raises Transient if it is not the JSON that was promised.

    A gateway behind a proxy, or in the middle of its start, answers with pages of others; that passes.
    """
    try:
        return model.model_validate_json(answer.body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        fault = untrusted(f"{where}: {first['msg']}" if where else first["msg"])
        raise Transient(f"the gateway answered {answer.status} with a body that is not its own: {fault}") from None


def is_of_code(answer: Answer, code: str) -> bool:
    """Whether the answer is an error that the gateway gives this code."""
    return answer.status >= _CLIENT_ERRORS and _complaint(answer).code == code


def accepted(answer: Answer, *, secrets: Iterable[str] = (), path: str = "") -> Answer:
    """Return `answer` if it is a success, else raise the GatewayError that it stands for, without `secrets`.

    `path` is what was asked for, where that is known.
    """
    if answer.status < _CLIENT_ERRORS:
        return answer
    raise _error(_complaint(answer), secrets, path)


def _error(said: _Complaint, secrets: Iterable[str], path: str) -> GatewayError:
    message = said.line(secrets, path)
    match said.status:
        case 401 | 403:
            return Unauthorized(message)
        case 404:
            return Gone(message) if said.is_of_unknown_entry else Transient(message)
        case 409:
            return _conflict(said, message)
        case 408 | 429:
            return Transient(message)
        case status if status >= _SERVER_ERRORS:
            return Transient(message)
        case _:
            return Permanent(message)


def _conflict(said: _Complaint, message: str) -> Conflict:
    found = _ID_IN_TEXT.search(said.text)
    entry_id = found[1] if found else said.entry_id
    kinds = {"WORKER_ALREADY_EXISTS": AlreadyExists, "WORKER_CREATE_IN_PROGRESS": CreateInProgress}
    return kinds.get(said.code, Conflict)(message, entry_id)


def _complaint(answer: Answer) -> _Complaint:
    text = answer.body.decode(errors="replace")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        is_page = text.lstrip().startswith("<")
        return _Complaint(answer.status, "", "an HTML page, not the gateway's own words" if is_page else text)
    outer = body if isinstance(body, dict) else {}
    if "error" not in outer:  # {"message": "text"} on /v1/tokenizers, with the "id" of what is in the way
        return _Complaint(answer.status, "", _word(outer.get("message")), _word(outer.get("id")) or None)
    # {"error": "text", "code": "CODE"} on /workers, {"error": {"message": …, "code": …}} elsewhere
    inner = outer["error"]
    source = inner if isinstance(inner, dict) else {"message": inner, "code": outer.get("code")}
    return _Complaint(answer.status, _word(source.get("code")), _word(source.get("message")))


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""
