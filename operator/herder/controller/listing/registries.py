"""The registries that a replica keeps: how each is read, under which keys its entries are found, and who needs it."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from herder.api.meta import TOKENIZER, WASM_MODULE, WORKER_REGISTRATION
from herder.gateway.errors import WasmDisabled
from herder.gateway.replica import Replica
from herder.gateway.types import Worker
from herder.workflows.wasm import listing_keys


class Registry(StrEnum):
    """What a replica lists."""

    WORKERS = "workers"
    """By normalised URL; read whenever a replica is, for the answer says that it is there and takes the credentials."""
    WASM = "wasm"
    """By the resource that a module was made for, and by its content: the keys that herder.workflows.wasm gives."""
    TOKENIZERS = "tokenizers"
    """By the tokenizer's name."""
    MODELS = "models"
    """What requests can be sent to, by the model's id."""


class Item(NamedTuple):
    """What at most one resource can declare on a gateway: a key in a registry; None stands for all that it holds."""

    registry: Registry
    key: str | None


type Listing = Mapping[str, tuple[Any, ...]]
"""What a registry lists, by key; one key may have several entries, such as the ranks of a data-parallel worker."""

HELD_IN: Final[Mapping[str, Registry]] = {
    WORKER_REGISTRATION.kind: Registry.WORKERS,
    WASM_MODULE.kind: Registry.WASM,
    TOKENIZER.kind: Registry.TOKENIZERS,
}
"""The registry that the resources of a kind have their entries in, by kind."""


async def _workers(replica: Replica) -> Listing:
    return _by_keys(await replica.list_workers(), lambda worker: (worker.key,))


async def _modules(replica: Replica) -> Listing:
    try:
        return _by_keys(await replica.wasm.list_modules(), listing_keys)
    except WasmDisabled:  # a replica that keeps none lists none; whoever declares one is told so by its run
        return {}


async def _tokenizers(replica: Replica) -> Listing:
    return _by_keys(await replica.tokenizers.list_tokenizers(), lambda tokenizer: (tokenizer.name,))


async def _models(replica: Replica) -> Listing:
    return _by_keys(await replica.list_model_ids(), lambda model: (model,))


READERS: Final[Mapping[Registry, Callable[[Replica], Awaitable[Listing]]]] = {
    Registry.WORKERS: _workers,
    Registry.WASM: _modules,
    Registry.TOKENIZERS: _tokenizers,
    Registry.MODELS: _models,
}
"""What reads a registry. Raises GatewayError."""


SWEPT: Final = frozenset({Registry.WASM})
"""The registries beside the workers whose entries say which resource they were made for."""

_BESIDE: Final[Mapping[str, Registry]] = {
    WORKER_REGISTRATION.kind: Registry.MODELS,
    WASM_MODULE.kind: Registry.WASM,
    TOKENIZER.kind: Registry.TOKENIZERS,
}
"""What is read beside the workers, by the kind of the resources that need it."""


def needed(kinds: Iterable[str]) -> frozenset[Registry]:
    """Return the registries that are read beside the workers, where resources of these kinds refer to a gateway."""
    return frozenset(_BESIDE[kind] for kind in kinds if kind in _BESIDE)


def differing(registry: Registry, before: Listing, after: Listing) -> frozenset[Item]:
    """Return what differs in what herder looks at: load and the like tick with every request."""
    look = _LOOKS.get(registry, _whole)
    keys = (key for key in before.keys() | after.keys() if look(before.get(key, ())) != look(after.get(key, ())))
    return frozenset(Item(registry, key) for key in keys)


def _look_at_workers(workers: tuple[Worker, ...]) -> tuple[object, ...]:
    return tuple(
        (w.id, w.status, w.priority, w.cost, w.worker_type, w.model_id, sorted(w.labels.items()))
        for w in sorted(workers, key=lambda worker: worker.id)
    )


def _whole(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    return entries


_LOOKS: Final[Mapping[Registry, Callable[[tuple[Any, ...]], object]]] = {Registry.WORKERS: _look_at_workers}


def _by_keys[E](entries: Iterable[E], keys: Callable[[E], Iterable[str]]) -> Listing:
    listing: dict[str, tuple[E, ...]] = defaultdict(tuple)
    for entry in entries:
        for key in keys(entry):
            listing[key] += (entry,)
    return dict(listing)
