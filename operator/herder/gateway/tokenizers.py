"""The tokenizers of one replica: loaded by a job of the gateway's, listed once they are.

What the gateway does (measured on smg 1.13.0)              what TokenizerRegistry does about it
────────────────────────────────────────────────────────    ────────────────────────────────────────────────────────
loading takes 3 attempts, 2 s apart: 5 s until it fails     nothing: callers ask `status` until it says how it ended
a failed one is in no list; its status is kept 5 minutes    `status` tells the reason, without what the job puts before
a name is taken only when its loading has ended: posted     nothing: the later one fails, and says under which id the
twice meanwhile, both are 202 and the slower one fails      earlier one is; callers look at the list
DELETE of what is being loaded is 404, and it appears       nothing: callers wait until `status` says how it ended
DELETE falls back from ids to names                         takes ids only, and nothing but a UUID becomes part of a URL
the 409 for a name that is taken says `failed`, in a body   Conflict with the id that the name has
no update; a tokenizer that is loaded again has a new id    nothing: callers delete and add
"""

import re
from typing import Final

from herder.gateway.answers import JOB_PREAMBLE, parsed
from herder.gateway.calls import Calls
from herder.gateway.errors import Permanent
from herder.gateway.shared_read import SharedRead
from herder.gateway.types import Parsed, Word
from herder.net.text import untrusted

_REASON_CHARS: Final = 400
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class LoadState(Word):
    """How far the loading of a tokenizer is."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """A word of a newer gateway's."""


class Tokenizer(Parsed):
    """A tokenizer that is loaded. `source` is as it was posted; the chat template is never shown."""

    id: str
    name: str
    source: str
    vocab_size: int | None = None


class Loading(Parsed):
    """How the loading under `id` stands; `reason` says in one line why it failed."""

    id: str
    status: LoadState
    message: str = ""
    vocab_size: int | None = None

    @property
    def reason(self) -> str:
        """The gateway's own words on why it failed, without its job's preamble."""
        return untrusted(JOB_PREAMBLE.sub("", self.message), limit=_REASON_CHARS) or "no reason"


class _Listing(Parsed):
    tokenizers: tuple[Tokenizer, ...]


class _Accepted(Parsed):
    id: str


class TokenizerRegistry:
    """Reads and changes the tokenizers of the replica that `calls` goes to. Every method raises GatewayError."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._shared_list = SharedRead(self._read_list)

    async def list_tokenizers(self) -> tuple[Tokenizer, ...]:
        """Return all that are loaded, those that the gateway loaded by itself for gRPC workers among them.

        It is as of a moment after this call; callers at the same time share one read.
        """
        return await self._shared_list()

    async def find(self, name: str) -> Tokenizer | None:
        """Return the tokenizer that has a name now, None if there is none; one that is being loaded has none yet."""
        return next((each for each in await self.list_tokenizers() if each.name == name), None)

    async def add_tokenizer(self, name: str, source: str, chat_template_path: str | None = None) -> str:
        """Have a tokenizer loaded and return the id of that loading, which `status` tells the outcome of.

        Raises Conflict with the id of the tokenizer that has the name already.
        """
        body = {"name": name, "source": source}
        if chat_template_path is not None:
            body["chat_template_path"] = chat_template_path
        return parsed(_Accepted, await self._calls.send("POST", "/v1/tokenizers", body=body)).id

    async def status(self, tokenizer_id: str) -> Loading:
        """Return how the loading stands, of a tokenizer that is loaded as well.

        Raises Gone for an id that is neither loaded nor a job's. That is no proof that nothing comes of it: the gateway
        forgets a job five to six minutes after it last heard of it, and lets one go on for ten.
        """
        return parsed(Loading, await self._calls.send("GET", f"{_path(tokenizer_id)}/status"))

    async def delete_tokenizer(self, tokenizer_id: str) -> None:
        """Unload a tokenizer, at once: requests that name it fail from then on. Raises Gone if none has this id.

        What is being loaded is not: see `status`.
        """
        await self._calls.send("DELETE", _path(tokenizer_id))

    async def _read_list(self) -> tuple[Tokenizer, ...]:
        return parsed(_Listing, await self._calls.send("GET", "/v1/tokenizers")).tokenizers


def _path(tokenizer_id: str) -> str:
    if not _ID.fullmatch(tokenizer_id):
        raise Permanent(f"{untrusted(tokenizer_id)!r} is not a tokenizer's id")
    return f"/v1/tokenizers/{tokenizer_id}"
