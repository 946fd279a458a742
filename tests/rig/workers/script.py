"""What a mock worker is and does: one frozen value, which a test replaces to make the worker do something else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue, TypeAdapter

type Runtime = Literal["sglang", "vllm", "generic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A canned answer in the place of the worker's own."""

    status: int = 200
    body: JsonValue = None
    delay_s: float = 0.0
    times: int | None = None
    """How often it is given before the worker's own answer comes back; None: always."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A healthy worker unless it says otherwise."""

    runtime: Runtime = "sglang"
    models: tuple[str, ...] = ("mock-model",)
    dp_size: int = 1
    api_key: str | None = None
    """With one, everything but /health answers 401 to a request that does not carry it."""

    up: bool = True
    """Down: every connection is dropped without an answer, as by a process that crashes."""

    health_status: int = 200
    health_delay_s: float = 0.0
    flap_s: float = 0.0
    """Above 0: up for so long, then down for so long, again and again, counted from when the script was set."""

    chat_delay_s: float = 0.0
    holds_chats: bool = False
    """Chats are answered once a script comes that does not hold them."""
    chat_status: int = 200
    answers: Mapping[str, Answer] = field(default_factory=dict)
    """Canned answers by path, e.g. {"/server_info": Answer(status=500, times=1)}."""


_ADAPTER = TypeAdapter(Script)


def dump(script: Script) -> bytes:
    """The script as JSON."""
    return _ADAPTER.dump_json(script)


def load(data: bytes) -> Script:
    """The script that this JSON says. Raises pydantic.ValidationError."""
    return _ADAPTER.validate_json(data)
