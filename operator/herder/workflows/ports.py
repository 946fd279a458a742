"""What the workflows ask of the world: `herder.gateway.Replica` answers for a replica, and so does a fake in a test."""

from datetime import UTC, datetime
from typing import Protocol

from herder.gateway.spec import WorkerPatch, WorkerSpec
from herder.gateway.types import Readiness, Worker


class Tokenizers(Protocol):
    """The tokenizers that a replica has loaded."""

    async def find(self, name: str) -> object | None:
        """Return what has a name now, None if there is none."""
        ...


class Replica(Protocol):
    """One gateway replica. Every call raises GatewayError and ends within its own deadline."""

    @property
    def endpoint(self) -> str:
        """The replica's base URL."""
        ...

    async def find_all(self, url: str) -> tuple[Worker, ...]:
        """Return the listed entries of a normalised URL, from a listing that begins after the call."""
        ...

    async def get_worker(self, worker_id: str) -> Worker:
        """Return one entry, a pending one too; raise Gone."""
        ...

    async def add_worker(self, spec: WorkerSpec) -> str:
        """Ask for a registration and return its id; raise AlreadyExists or CreateInProgress."""
        ...

    async def replace_worker(self, worker_id: str, spec: WorkerSpec) -> None:
        """Replace everything that is set on a worker; raise Busy while an earlier change is being applied."""
        ...

    async def patch_worker(self, worker_id: str, url: str, patch: WorkerPatch) -> None:
        """Change what `patch` sets and nothing else; raise Busy while an earlier change is being applied."""
        ...

    async def delete_worker(self, worker_id: str, url: str) -> object:
        """Begin draining; a worker that is draining already is left to it."""
        ...

    @property
    def tokenizers(self) -> Tokenizers:
        """Its tokenizers."""
        ...

    async def readiness(self) -> Readiness:
        """Return the replica's own verdict."""
        ...

    async def list_model_ids(self) -> frozenset[str]:
        """Return the ids of the models that the replica offers to clients."""
        ...

    async def pending_add(self, url: str) -> str | None:
        """Return the id of a registration of `url` that is under way, None if there is none; registers nothing."""
        ...


def utc_now() -> datetime:
    """Return the time as an aware datetime."""
    return datetime.now(UTC)
