"""What was found out about a worker, shown as `.status.worker`."""

from dataclasses import dataclass, replace
from typing import Self

from herder.gateway.types import Worker
from herder.net.text import untrusted


@dataclass(frozen=True, slots=True)
class Facts:
    """None or empty is not known (yet). `runtime` is the gateway's word: sglang, vllm, generic, …"""

    connection_mode: str | None = None
    runtime: str | None = None
    version: str | None = None
    models: tuple[str, ...] = ()
    context_length: int | None = None
    dp_size: int | None = None

    def completed_from(self, worker: Worker, secrets: tuple[str, ...] = ()) -> Self:
        """Fill what is not known with what a replica itself discovered, without `secrets`."""
        return replace(
            self,
            connection_mode=self.connection_mode or worker.connection_mode,
            runtime=self.runtime or worker.runtime_type,
            models=self.models or tuple(untrusted(model.id, secrets=secrets) for model in worker.models),
            dp_size=self.dp_size or worker.dp_size,
        )
