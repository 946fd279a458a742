"""What is to be registered: one resource's declaration with everything it refers to, ready to be sent."""

from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Final
from urllib.parse import urlsplit

from herder.api.served import DeletionPolicy
from herder.api.worker import ConnectionMode, Probe, Runtime, WorkerRegistrationSpec
from herder.gateway.fingerprint import fingerprint
from herder.gateway.spec import Health, WorkerSpec
from herder.net.urls import normalise_url
from herder.workflows.facts import Facts
from herder.workflows.owner import ORPHANED, Owner
from herder.workflows.probing import Asked

_DETECTABLE: Final = frozenset({"sglang", "vllm"})
"""The runtimes that a probe tells apart for certain; saying so spares each replica its own guess."""

_PROVIDERS: Final = ("openai.com", "x.ai", "anthropic.com", "googleapis.com")
"""Hosts whose name ends so are providers to the gateway where no runtime is declared (measured on smg 1.13.0), fox.ai
among them."""


@dataclass(frozen=True)
class Plan:
    """A worker as declared. `api_key` is the content of the Secret that the spec names; repr never shows it."""

    spec: WorkerRegistrationSpec
    owner: Owner
    api_key: str | None = field(default=None, repr=False)

    @cached_property
    def url(self) -> str:
        """The worker's URL in its one spelling: the key under which every replica is asked for it."""
        return normalise_url(self.spec.url)

    @cached_property
    def spec_hash(self) -> str:
        """A hash of all that is declared and sent, the API key included; what is discovered does not change it."""
        return fingerprint(self.worker_spec_declared)

    @property
    def key(self) -> str:
        """What identifies the entry on a replica."""
        return self.url

    @cached_property
    def worker_spec_declared(self) -> WorkerSpec:
        """The body for a replica with nothing but what is declared."""
        return self.worker_spec(Facts())

    @property
    def secrets(self) -> tuple[str, ...]:
        """What may be shown nowhere, though the worker, and a replica that asked it, may well repeat it."""
        return () if self.api_key is None else (self.api_key,)

    @property
    def is_orphaned(self) -> bool:
        """Whether the entry is to stay when its resource goes; it says so from the start, for later it may be away."""
        return self.spec.deletion_policy is DeletionPolicy.ORPHAN

    @cached_property
    def is_external(self) -> bool:
        """Whether the worker is a provider outside, which has no health endpoint of its own."""
        if self.spec.runtime is Runtime.AUTO:
            return (urlsplit(self.url).hostname or "").endswith(_PROVIDERS)
        return self.spec.runtime is Runtime.EXTERNAL

    @property
    def is_grpc(self) -> bool:
        """Whether the worker speaks gRPC; its URL's scheme decides, as on the gateway."""
        return self.spec.connection_mode is ConnectionMode.GRPC or self.url.startswith("grpc")

    @property
    def is_probed_here(self) -> bool:
        """Whether herder itself probes the worker before it is registered."""
        return self.spec.probe is Probe.DIRECT and not self.is_external

    @property
    def is_discovered_here(self) -> bool:
        """Whether herder itself asks a provider outside for its models."""
        return self.spec.probe is Probe.DIRECT and self.is_external

    @property
    def asked(self) -> Asked:
        """Whom a probe asks, and how."""
        return Asked(self.url, self.runtime, self.api_key)

    @property
    def runtime(self) -> str | None:
        """The runtime in the gateway's word, as declared or as the URL gives away; None where it is to be found out."""
        if self.is_external:
            return Runtime.EXTERNAL.lower()
        return None if self.spec.runtime is Runtime.AUTO else self.spec.runtime.lower()

    def worker_spec(self, facts: Facts) -> WorkerSpec:
        """Return the body for a replica, with what was found out where nothing was declared."""
        spec = self.spec
        detected = facts.runtime if facts.runtime in _DETECTABLE else None
        return WorkerSpec(
            url=self.url,
            worker_type=spec.worker_type.lower(),
            runtime_type=self.runtime or detected,
            models=spec.models,
            priority=spec.priority,
            cost=Decimal(spec.cost),
            labels={**spec.labels, **self.owner.label, **(ORPHANED if self.is_orphaned else {})},
            api_key=self.api_key,
            bootstrap_port=spec.bootstrap_port,
            health=Health(
                timeout_secs=spec.health.timeout_seconds,
                check_interval_secs=spec.health.check_interval_seconds,
                success_threshold=spec.health.success_threshold,
                failure_threshold=spec.health.failure_threshold,
                disable_health_check=spec.health.disabled,
                drain_settle_secs=spec.drain.settle_seconds,
            ),
        )
