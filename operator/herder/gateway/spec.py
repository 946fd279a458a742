"""What herder tells a replica about a worker: the bodies of POST, PUT and PATCH."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Final

_NO_LABELS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Health:
    """How a replica probes and drains a worker; None leaves it to the gateway's own flags."""

    timeout_secs: int | None = None
    check_interval_secs: int | None = None
    success_threshold: int | None = None
    failure_threshold: int | None = None
    disable_health_check: bool | None = None
    drain_settle_secs: int | None = None

    def body(self) -> dict[str, object]:
        """Return the JSON object, without what is unset."""
        values: dict[str, object] = {
            "timeout_secs": self.timeout_secs,
            "check_interval_secs": self.check_interval_secs,
            "success_threshold": self.success_threshold,
            "failure_threshold": self.failure_threshold,
            "disable_health_check": self.disable_health_check,
            "drain_settle_secs": self.drain_settle_secs,
        }
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSpec:
    """Everything that herder sets on a worker. `url` is the normalised one; empty or None is left to discovery.

    A replica keeps the first of `models` only, and takes the connection mode from the URL's scheme.
    """

    url: str
    worker_type: str = "regular"
    runtime_type: str | None = None
    models: tuple[str, ...] = ()
    priority: int = 50
    cost: Decimal = Decimal(1)
    labels: Mapping[str, str] = _NO_LABELS
    api_key: str | None = field(default=None, repr=False)
    bootstrap_port: int | None = None
    health: Health = Health()

    def body(self) -> dict[str, object]:
        """Return the JSON object of POST and PUT. It holds the API key in clear: send it, never show it."""
        body: dict[str, object] = {
            "url": self.url,
            "worker_type": self.worker_type,
            "priority": self.priority,
            "cost": float(self.cost),
            "labels": dict(self.labels),
            "models": [{"id": model} for model in self.models],
            "health": self.health.body(),
        }
        if self.runtime_type is not None:
            body["runtime_type"] = self.runtime_type
        if self.api_key is not None:
            body["api_key"] = self.api_key
        if self.bootstrap_port is not None:
            body["bootstrap_port"] = self.bootstrap_port
        return body

    def secrets(self) -> tuple[str, ...]:
        """Return what no message may repeat."""
        return () if self.api_key is None else (self.api_key,)

    def patch(self) -> "WorkerPatch":
        """Return all of it that a PATCH can change."""
        return WorkerPatch(
            priority=self.priority, cost=self.cost, labels=self.labels, api_key=self.api_key, health=self.health
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPatch:
    """What PATCH can change; None leaves it. Labels are merged, so that none can be removed: that needs a PUT."""

    priority: int | None = None
    cost: Decimal | None = None
    labels: Mapping[str, str] | None = None
    api_key: str | None = field(default=None, repr=False)
    health: Health | None = None

    def body(self) -> dict[str, object]:
        """Return the JSON object of PATCH. It may hold the API key in clear: send it, never show it."""
        values: dict[str, object] = {
            "priority": self.priority,
            "cost": None if self.cost is None else float(self.cost),
            "labels": None if self.labels is None else dict(self.labels),
            "api_key": self.api_key,
            "health": None if self.health is None else self.health.body(),
        }
        return {name: value for name, value in values.items() if value is not None}

    def secrets(self) -> tuple[str, ...]:
        """Return what no message may repeat."""
        return () if self.api_key is None else (self.api_key,)
