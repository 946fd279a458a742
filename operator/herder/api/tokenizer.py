"""Tokenizer: what every replica of a gateway tokenizes a model's requests with."""

from typing import Annotated, Final

from pydantic import Field

from herder.api.base import ApiModel
from herder.api.markers import Pattern
from herder.api.paths import MAX_PATH_LENGTH, PATH_RULES, ReplicaPath
from herder.api.served import Removal, ServedSpec
from herder.api.status import Line, WorkflowStatus

_SOURCE_MESSAGE: Final = (
    "write an absolute path on the replicas' disks, such as /models/llama, "
    "or a Hugging Face id, such as meta-llama/Llama-3.1-8B"
)
_SOURCE: Final = r"/[!-~]+|[0-9A-Za-z][0-9A-Za-z._-]*(/[0-9A-Za-z][0-9A-Za-z._-]*)?"


Source = Annotated[str, Field(max_length=MAX_PATH_LENGTH), Pattern(_SOURCE, _SOURCE_MESSAGE), *PATH_RULES]
"""A path on each replica's own disk, or a Hugging Face id."""

TokenizerName = Annotated[
    str,
    Field(max_length=253),
    Pattern("[!-~]+", "write a name in printable ASCII without blanks, usually the id of the model"),
]


class Loading(ApiModel):
    """How long its loading may take."""

    timeout_seconds: Annotated[int, Field(ge=1, le=86400)] = 120
    """Time in which a source that a replica can't load, not mounted yet perhaps, is tried again."""


class TokenizerSpec(ServedSpec):
    """A tokenizer that every replica of a gateway is to load."""

    name: TokenizerName
    """The name under which requests find it, usually the model's id. A changed one is a removal and a registration."""

    source: Source
    """Where it is loaded from: a folder or file on each replica's own disk, or a Hugging Face id."""

    chat_template_path: ReplicaPath | None = None
    """A chat template in place of the tokenizer's own: a file on each replica's own disk."""

    loading: Loading = Loading()
    """How long its loading may take."""

    removal: Removal = Removal()
    """How long its removal may take."""


class LoadedTokenizer(ApiModel):
    """What the replicas hold."""

    name: Line
    """The name under which requests find it."""

    source: Annotated[str, Field(max_length=4096)] | None = None
    """Where it was loaded from; absent until it was loaded for the first time."""

    chat_template_path: Annotated[str, Field(max_length=4096)] | None = None
    """The chat template that it was loaded with, where that is not its own."""

    vocab_size: Annotated[int, Field(ge=0)] | None = None
    """Number of tokens that it knows."""


class TokenizerStatus(WorkflowStatus):
    """What herder observed and did about the tokenizer."""

    tokenizer: LoadedTokenizer | None = None
    """What the replicas hold."""
