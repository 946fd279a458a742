"""How the operator is to run, as the command line says it."""

from dataclasses import dataclass, field
from pathlib import Path

from herder.controller.leadership.settings import LeaseOptions
from herder.controller.running.failpoints import Failpoint
from herder.net.scrubber import Scrubber


@dataclass(frozen=True, slots=True)
class Options:
    """How the operator runs. `namespaces` empty means all of them; `health` is the URL that /healthz is served on.

    `installation` is what marks its entries on a gateway as its own; the cluster's identity where it is None.
    Metrics are served unless their port is 0; with `metrics_secure` to whom the API server lets read them.
    `failpoint` is where the process is to kill itself.
    With `require_bound_keys` a Secret must say which hosts its keys are for.
    Without a `lease` no leader is elected: there must be no other operator then.
    `scrubber` is told each secret that is read, for those who write logs.
    """

    kubeconfig: Path | None = None
    namespaces: tuple[str, ...] = ()
    installation: str | None = None
    allow_loopback: bool = False
    require_bound_keys: bool = False
    health: str | None = None
    runs_at_once: int = 32
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 8081
    metrics_secure: bool = False
    metrics_tls_folder: Path | None = None
    lease: LeaseOptions | None = None
    failpoint: Failpoint | None = None
    scrubber: Scrubber = field(default_factory=Scrubber, compare=False)
