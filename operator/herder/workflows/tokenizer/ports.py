"""What the workflows ask of a replica: `herder.gateway.Replica` answers, and so does a fake in a test."""

from typing import Protocol

from herder.gateway.tokenizers import Loading, Tokenizer


class Tokenizers(Protocol):
    """One replica's tokenizers. Every call raises GatewayError and ends within its own deadline."""

    async def find(self, name: str) -> Tokenizer | None:
        """Return what has a name now, as of a moment after the call."""
        ...

    async def add_tokenizer(self, name: str, source: str, chat_template_path: str | None = None) -> str:
        """Have a tokenizer loaded and return the loading's id; raise Conflict where the name is taken."""
        ...

    async def status(self, tokenizer_id: str) -> Loading:
        """Return how a loading stands; raise Gone."""
        ...

    async def delete_tokenizer(self, tokenizer_id: str) -> None:
        """Unload a tokenizer at once; raise Gone."""
        ...


class Replica(Protocol):
    """One gateway replica."""

    @property
    def endpoint(self) -> str:
        """The replica's base URL."""
        ...

    @property
    def tokenizers(self) -> Tokenizers:
        """Its tokenizers."""
        ...
